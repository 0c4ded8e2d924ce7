package specs

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// Obstacle is something that stands in the way of a move, found before
// anything is written. A fatal one blocks the plan: its target would refuse.
// The message ends with the line of a map file that would mend it, when one can.
type Obstacle struct {
	Code    string // one of the Obstacle… constants
	Fatal   bool
	Ref     string // the resource, or panel/kind
	Message string
}

// Codes of obstacles: what scripts match on.
const (
	ObstacleNotOffered = "not_offered"        // fatal: a value the target does not offer
	ObstacleKind       = "kind_unknown"       // fatal: the target does not know the kind
	ObstacleField      = "field_unknown"      // the target does not know the field, which is left out
	ObstacleTaken      = "name_taken"         // the name is another account's on the target (fatal), or an account that differs is there
	ObstacleLimit      = "limit_exceeded"     // fatal: an account would own more than it may
	ObstacleName       = "bad_name"           // fatal: a name the target does not take
	ObstacleOwner      = "owner_unlisted"     // it would belong to an account that is neither moved nor listed by the target
	ObstacleCollision  = "map_collision"      // fatal: the map makes one of two
	ObstacleMap        = "map_failed"         // fatal: the map gives no usable value for a resource
	ObstacleCannotMove = "cannot_move"        // it cannot be made from what a panel tells, and is left
	ObstacleStays      = "stays"              // it is left on purpose
	ObstacleListing    = "listing_incomplete" // a list of the source cannot be believed
	ObstaclePointsBack = "points_back"        // an address of the source stays in what is moved
)

// mapLine is a line of a map file: a kind's field, an old value and a new one.
// The new one may be …, which a person replaces.
func mapLine(kind, field, to string) string {
	value := scalarOf(to)
	if to == nullTo {
		value = nullNode()
	}
	return oneLine(scalarOf(kind+"."+field), value)
}

// valueLine is a line for a field in all kinds: FIELD: {old: new}.
func valueLine(field, old, to string) string {
	return oneLine(scalarOf(field), pair(scalarOf(old), scalarOf(to)))
}

// nameLine is a line that calls a resource something else.
func nameLine(k *Kind, old, to string) string {
	if k.Login {
		return valueLine(k.Name, old, to)
	}
	return valueLine(k.Name+".name", old, to)
}

func pair(key, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle, Content: []*yaml.Node{key, value}}
}

// nullTo is a target of a table that leaves it out.
const nullTo = "\x00null"

func oneLine(key, value *yaml.Node) string {
	for _, n := range value.Content {
		if n.Value == nullTo {
			n.Tag, n.Value, n.Style = "!!null", "null", 0
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	if err := enc.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{key, value}}); err != nil {
		return key.Value + ": {…}"
	}
	return strings.TrimSpace(strings.ReplaceAll(b.String(), "\n", " "))
}

// nullNode is the target of a kind or a field that is left behind.
func nullNode() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"} }
