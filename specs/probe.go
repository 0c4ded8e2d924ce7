package specs

// Probe is what a visitor can ask at both ends of a move: the same thing under
// the name it has at each.
type Probe struct {
	From, To string // URIs: http://HOST/, https://HOST/ or dns:NAME?type=TYPE (RFC 4501)
	// Renamed are the texts that the map makes others of, old to new: an answer
	// of the source that holds one is expected with the other at the target.
	Renamed map[string]string
}

// Probes lists what can be asked about the resources of a move, each question
// once, sorted by kind and key. Kinds say in their rows where a visitor meets
// their resources.
func (o *Moved) Probes() []Probe {
	var out []Probe
	at := map[string]int{}
	for _, name := range o.State.Kinds() {
		k := o.move.Catalog.Kind(name)
		if k.probe == nil {
			continue
		}
		rs := o.State.Resources(name)
		for i := range rs {
			from := *o.Origins[rs[i].Ref]
			from.Fields = o.told[rs[i].Ref]
			p := Probe{From: k.probeURI(&from), To: k.probeURI(&rs[i]), Renamed: map[string]string{}}
			if p.To == "" {
				continue
			}
			n, known := at[p.To]
			if !known {
				n = len(out)
				at[p.To] = n
				out = append(out, p)
			}
			for _, f := range rs[i].Fields {
				if was, ok := from.Fields.Get(f.Name); ok && was != f.Value && len(was.Items()) == 1 && len(f.Value.Items()) == 1 {
					out[n].Renamed[was.String()] = f.Value.String()
				}
			}
		}
	}
	return out
}

// probeURI is where a visitor meets a resource, or "".
func (k *Kind) probeURI(r *Resource) string {
	env := map[string]any{}
	k.fillEnv(env, r)
	env["su"] = r.Su
	uri, err := k.evalText(k.probe, env, "the address")
	if err != nil {
		return "" // nil: there is nothing to ask
	}
	return uri
}
