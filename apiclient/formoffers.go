package apiclient

import (
	"context"
	"errors"

	"github.com/ispsync/ispsync/specs"
)

// FormOffers reads what a panel tells of the form that makes one of a kind:
// which parameters it takes, and the values that some of them take
// (panel-api.md section 5: X.edit without elid). It is nil when the panel does
// not tell, which is no error; the error is for a panel that cannot be used.
func (c *Client) FormOffers(ctx context.Context, k *specs.Kind) (*specs.Form, error) {
	if k.Edit == "" {
		return nil, nil
	}
	q, err := RawCall{Func: k.Edit}.call()
	if err != nil {
		return nil, c.notSent(&call{fn: k.Edit}, "%w", err)
	}
	q.format = "devel"
	d := document{form: map[string]string{}, about: &about{}}
	if err := c.do(ctx, q, &d); err != nil {
		var e *Error
		if errors.As(err, &e) && !e.panelWide() && ctx.Err() == nil {
			return nil, nil
		}
		return nil, err
	}
	told := d.describe(k.Edit)
	f := &specs.Form{Choices: map[string][]string{}, Filled: map[string]bool{}}
	for name, text := range d.form {
		f.Filled[name] = text != ""
	}
	for _, l := range d.about.slists {
		name := l.attr("name")
		for _, v := range l.kids {
			if v.name == "val" || v.name == "msg" {
				f.Choices[name] = append(f.Choices[name], choice(v, nil).Key)
			}
		}
	}
	if len(told.Fields) == 0 {
		return f, nil
	}
	f.Params = make(map[string]bool, len(told.Fields)+len(d.form))
	for _, field := range told.Fields {
		f.Params[field.Name] = true
	}
	for name := range d.form {
		f.Params[name] = true
	}
	for name := range f.Choices {
		f.Params[name] = true
	}
	return f, nil
}
