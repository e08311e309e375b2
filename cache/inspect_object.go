package cache

import (
	"strings"
	"time"

	"freshet/freshness"
	"freshet/internal/wire"
)

// info returns the line of a resource, which takes so much memory.
func (s *Store) info(key string, r *resource, memory, now int64) ObjectInfo {
	i := ObjectInfo{Key: s.seal.name(key), URL: addressOf(key), Variants: len(r.objects), Memory: memory}
	if r.tally != nil {
		i.Hits = r.tally.hits.Load()
	}
	for _, o := range r.objects {
		i.Size += o.body.have()
		i.OnDisk = i.OnDisk || o.body.disk != nil
	}
	if len(r.objects) == 0 {
		return i
	}
	o := r.objects[0]
	i.Status, i.Type, i.Groups = o.status, first(o.fields["Content-Type"]), o.groups
	i.Stored = time.Unix(0, o.terms.Received)
	i.Age, i.TTL = time.Duration(o.terms.Age(now)), time.Duration(o.terms.TTL(now))
	return i
}

// variantInfo returns what is known of one stored answer.
func (s *Store) variantInfo(key string, o *object, now int64) VariantInfo {
	v := VariantInfo{
		Status: o.status, Selecting: selectedFields(o), Fields: withoutSecrets(o.fields), Terms: o.terms,
		Age: time.Duration(o.terms.Age(now)), TTL: time.Duration(o.terms.TTL(now)),
		Tag: first(o.fields["Etag"]), Coding: first(o.fields["Content-Encoding"]),
		Size: o.body.size, Have: o.body.have(), OnDisk: o.body.disk != nil,
	}
	if o.modified != 0 {
		v.Modified = time.Unix(o.modified, 0)
	}
	switch {
	case s.untouched(o, key):
		v.Unusable = o.must
	default:
		v.Unusable = s.outdated(o, key)
		if by := s.goneTo(o, key); by != nil {
			v.Unusable = by.goneBy()
		}
	}
	return v
}

// notStored returns why the last answer was not stored.
func (r *resource) notStored() *NotStored {
	u := r.unstored
	if u == nil {
		return nil
	}
	n := &NotStored{Rule: u.rule, Evidence: u.evidence, Time: time.Unix(0, u.at)}
	if r.passUntil > u.at {
		n.Until = time.Unix(0, r.passUntil)
	}
	return n
}

// selectedFields takes apart what Vary selected for the request that brought
// an object.
func selectedFields(o *object) []SelectedField {
	var fields []SelectedField
	rest := o.selecting
	for _, name := range o.vary.Names {
		value, present, more := freshness.CutSelecting(rest)
		fields = append(fields, SelectedField{Name: name, Value: withoutSecret(name, value), Present: present})
		rest = more
	}
	return fields
}

// have returns how many bytes of a body there are.
func (b *body) have() (n int64) {
	switch {
	case b.extents != nil:
		for _, e := range b.extents {
			n += e.End - e.Start
		}
	case b.parts != nil:
		for i := range b.parts {
			n += int64(len(b.parts[i].data))
		}
	default:
		n = max(b.size, 0)
	}
	return n
}

// addressOf returns the URL that a key begins with.
func addressOf(key string) string {
	if i := strings.IndexByte(key, '\n'); i >= 0 {
		return key[:i]
	}
	return key
}

// printableKey returns a key without bytes that a page or a log could not show.
func printableKey(key string) string {
	plain := true
	for i := range len(key) {
		if c := key[i]; c <= ' ' || c > '~' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return key
	}
	const digits = "0123456789abcdef"
	b := make([]byte, 0, len(key)+16)
	for i := range len(key) {
		if c := key[i]; c <= ' ' || c > '~' || c == '\\' {
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// rawKey undoes printableKey.
func rawKey(text string) (key string, ok bool) {
	if strings.IndexByte(text, '\\') < 0 {
		return text, true
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			b = append(b, text[i])
			continue
		}
		if i+3 >= len(text) || text[i+1] != 'x' {
			return "", false
		}
		hi, lo := wire.Unhex(text[i+2]), wire.Unhex(text[i+3])
		if hi > 15 || lo > 15 {
			return "", false
		}
		b = append(b, hi<<4|lo)
		i += 3
	}
	return string(b), true
}
