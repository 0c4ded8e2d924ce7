package specs

import "reflect"

// expr yields some lists and maps in types of Go: 1..3 is a []int, groupBy a
// map[any][]any. To the user they are lists and maps like those of YAML, and
// past plain they are nothing else.

// plain gives a list as []any or []string, and a map whose keys are texts or
// numbers as map[string]any. Any other value is left as it is.
func plain(v any) any {
	switch v.(type) {
	case nil, string, bool, int, float64, Secret, []any, []string, map[string]any:
		return v
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		out := make([]any, r.Len())
		for i := range out {
			out[i] = plain(r.Index(i).Interface())
		}
		return out
	case reflect.Map:
		out := make(map[string]any, r.Len())
		for each := r.MapRange(); each.Next(); {
			key, ok := scalarText(each.Key().Interface())
			if !ok {
				return v
			}
			out[key] = plain(each.Value().Interface())
		}
		return out
	}
	return v
}
