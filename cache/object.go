package cache

import (
	"slices"
	"sync/atomic"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// An object is one stored answer. It is immutable: what changes (a 304's new
// fields, a part that was fetched) makes a new object, which may share the
// body.
type object struct {
	status    int
	fields    freshness.Fields // without Age and hop-by-hop fields; Date is always there
	terms     freshness.Terms
	requested int64
	age       []string // the Age that it came with
	date      int64    // of Date, seconds: the latest variant is preferred (RFC 9111 §4.1)
	vary      freshness.Vary
	selecting string // what vary selects, of the request that brought it
	born      uint64 // the store's generation when it was stored or validated last
	body      body
	// must is why it is validated before its next use, whatever its terms; 0
	// when it need not be.
	must rule.ID

	tag      string // of ETag, with its quotes, without W/
	weak     bool
	modified int64 // of Last-Modified, seconds; 0 without

	prepared *prepared
	server   bool     // fields has Server
	groups   []string // of Cache-Groups
	tags     []string // of Surrogate-Key and Cache-Tag
	above    string   // what caches behind this one said in Cache-Status, with ", " after it
}

// newObject prepares what an answer needs. fields must not change any more.
func newObject(status int, fields freshness.Fields, terms freshness.Terms, requested int64, b body) *object {
	if b.kept == nil {
		b.kept = new(keptBody)
	}
	o := &object{status: status, fields: fields, terms: terms, requested: requested, body: b, prepared: new(prepared)}
	o.vary = freshness.ParseVary(fields["Vary"])
	o.date, _ = field.ParseDateAt(first(fields["Date"]), terms.Received/1e9)
	o.tag, o.weak = entityTag(first(fields["Etag"]))
	o.modified, _ = field.ParseDateAt(first(fields["Last-Modified"]), terms.Received/1e9)
	_, o.server = fields["Server"]
	o.groups = freshness.Groups(fields)
	o.tags = tagsOf(fields)
	for _, v := range fields["Cache-Status"] {
		o.above += v + ", "
	}
	return o
}

// state is the object for package conditional; v has room for its variant.
func (o *object) state(v *[1]conditional.Variant, now int64) conditional.State {
	v[0] = conditional.Variant{Tag: o.tag, Weak: o.weak, Size: o.body.size}
	s := conditional.State{Variants: v[:], Modified: o.modified, Now: now / 1e9}
	if o.status != 200 {
		s.NoRanges = true // RFC 9110 §14.2: ranges are of a 200
	}
	return s
}

// cost is about how many bytes of memory the object takes, body and prepared
// heads included.
func (o *object) cost() int64 {
	text, n := int64(0), int64(1200+len(o.selecting))
	for name, values := range o.fields {
		n += 64
		for _, v := range values {
			n += 16
			text += int64(len(name) + len(v) + len(": \r\n"))
		}
	}
	n += int64(16 * len(o.tags))
	return n + text*4 + o.body.cost() // the fields, and three heads
}

// matches reports whether the object is the variant that the request selects.
func (o *object) matches(s *source) bool {
	if len(o.vary.Names) == 0 {
		return !o.vary.Any
	}
	return !o.vary.Any && string(s.appendSelecting(s.buf[:0], &o.vary)) == o.selecting
}

// A resource is what is stored for one key. It is immutable.
type resource struct {
	objects []*object // the latest first
	tally   *tally    // nil when nothing was ever stored
	// passUntil is until when requests go past the store without queueing,
	// because the last answer could not be stored; nanoseconds since 1970.
	passUntil int64
	hints     []string  // links of that answer, for a 103
	unstored  *unstored // and why it was not stored; nil when it was
	// ignores says which parts of the query do not matter (No-Vary-Search);
	// it is on the resource of the address without a query.
	ignores *freshness.NoVarySearch
	said    string // the field that ignores was read from
	id      string // and tells the rule from others, in keys
}

// tally counts what happens with a key. All states of its resource share it.
type tally struct {
	hits     atomic.Uint64 // answers from memory
	variants atomic.Uint64 // answers for requests that no stored one matched
}

// match returns the object that a request selects, nil without one.
func (r *resource) match(s *source) *object {
	if r == nil {
		return nil
	}
	for _, o := range r.objects {
		if o.matches(s) {
			return o
		}
	}
	return nil
}

// with returns the resource with o in place of those that its request would
// have selected, and at most max objects.
func (r *resource) with(o *object, max int) *resource {
	n := &resource{objects: make([]*object, 1, 2)}
	n.objects[0] = o
	if r == nil || r.tally == nil {
		n.tally = new(tally)
	} else {
		n.tally = r.tally
	}
	if r == nil {
		return n
	}
	for _, old := range r.objects {
		if old.selectedAs(o) || len(n.objects) >= max {
			continue
		}
		n.objects = append(n.objects, old)
	}
	slices.SortStableFunc(n.objects, func(a, b *object) int { return int(b.date - a.date) })
	return n
}

// selectedAs reports whether two objects are for the same requests.
func (o *object) selectedAs(other *object) bool {
	return o.selecting == other.selecting && slices.Equal(o.vary.Names, other.vary.Names)
}

// has reports whether there is an object for the requests that o is for.
func (r *resource) has(o *object) bool {
	return r != nil && slices.ContainsFunc(r.objects, o.selectedAs)
}

// without returns the resource less one object, nil when nothing is left.
func (r *resource) without(o *object) *resource {
	i := slices.Index(r.objects, o)
	if i < 0 {
		return r
	}
	if len(r.objects) == 1 {
		return nil
	}
	n := *r
	n.objects = slices.Delete(slices.Clone(r.objects), i, i+1)
	return &n
}

func (r *resource) cost() int64 {
	n := 124 + r.unstored.cost()
	for _, o := range r.objects {
		n += o.cost()
	}
	return n
}

// entityTag splits a field value into tag and weakness; "" for what is none.
func entityTag(s string) (tag string, weak bool) {
	if !field.ValidTag(s) {
		return "", false
	}
	if len(s) > 2 && s[:2] == "W/" {
		return s[2:], true
	}
	return s, false
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
