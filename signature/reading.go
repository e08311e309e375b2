package signature

import "freshet/internal/field"

// MaxParsed is how many octets of fields and queries are parsed for what the
// signatures of one message cover: a sender chooses both the fields and, before
// anything is proven, what of them is to be looked up. A field that many
// components name is parsed once.
const MaxParsed = 256 << 10

const tooMuch = "there is too much to parse for all that is covered"

// reading is what was parsed of a message. The zero value is ready.
type reading struct {
	octets int // that were parsed
	dicts  []dictionary
}

// dictionary is a field that was parsed.
type dictionary struct {
	m       *Message
	name    string
	trailer bool
	members []field.Member // one of each key; nil and not ok: it is none
	ok      bool
}

// takes counts what is about to be parsed, and reports whether it may be.
func (r *reading) takes(octets int) bool {
	r.octets += octets
	return r.octets <= MaxParsed
}

func (r *reading) takesLines(lines []string) bool {
	n := 0
	for _, line := range lines {
		n += len(line)
	}
	return r.takes(n)
}

// dictionary returns the members of a field, each key once with the last value.
// The caller does not change them.
func (r *reading) dictionary(m *Message, c *component, lines []string) ([]field.Member, string) {
	for i := range r.dicts {
		if d := &r.dicts[i]; d.m == m && d.name == c.name && d.trailer == c.tr {
			if !d.ok {
				return nil, notOfType
			}
			return d.members, ""
		}
	}
	if !r.takesLines(lines) {
		return nil, tooMuch
	}
	members, ok := field.ParseMembers(lines)
	if ok {
		members = lastOfEach(members)
	}
	r.dicts = append(r.dicts, dictionary{m, c.name, c.tr, members, ok})
	if !ok {
		return nil, notOfType
	}
	return members, ""
}

// lastOfEach merges members of one key: the last value, in the first place.
func lastOfEach(members []field.Member) []field.Member {
	at := make(map[string]int, len(members))
	kept := members[:0]
	for i := range members {
		if j, ok := at[members[i].Key]; ok {
			kept[j] = members[i]
			continue
		}
		at[members[i].Key] = len(kept)
		kept = append(kept, members[i])
	}
	return kept
}
