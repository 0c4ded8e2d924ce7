package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/ispsync/ispsync/specs"
)

// ResourceDigest is the digest of what is known of a live resource: all its
// canonical fields, declared or not. Meters and the panel's own identifier are
// left out: they change without anybody changing the resource.
func ResourceDigest(r *specs.Resource) string {
	var b []byte
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Value.IsAbsent() {
			continue
		}
		text(f.Name)
		items := f.Value.Items()
		b = append(b, byte(f.Value.Type()))
		b = binary.AppendUvarint(b, uint64(len(items)))
		for _, it := range items {
			text(it)
		}
	}
	return sum(b)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}

// Seal writes the digest of a plan into it. A plan must not be changed after.
func Seal(p *Plan) { p.Digest = Digest(p) }

// Digest is the SHA-256 of the plan's compact JSON without its digest, as
// sha256:HEX.
func Digest(p *Plan) string {
	type plain Plan
	// The outer field hides the inner one of the same name, and is left out.
	body := struct {
		*plain
		Digest *struct{} `json:"digest,omitempty"`
	}{plain: (*plain)(p)}
	var b bytes.Buffer
	if err := encode(&b, body, ""); err != nil {
		panic(fmt.Sprintf("a plan is plain data and always has a JSON form: %v", err))
	}
	return sum(b.Bytes())
}

func encode(b *bytes.Buffer, v any, indent string) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	return e.Encode(v)
}
