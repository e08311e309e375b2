package cache

import (
	"slices"
	"sort"
	"strconv"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/wire"
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

	tag      string // of ETag, with its quotes, without W/
	weak     bool
	modified int64 // of Last-Modified, seconds; 0 without

	head   blocks   // of the stored status
	range_ blocks   // of a 206 made of it, without Content-Range and Content-Length
	same   blocks   // of a 304
	server bool     // fields has Server
	groups []string // of Cache-Groups
	above  string   // what caches behind this one said in Cache-Status, with ", " after it
}

// blocks are a head in pieces; between them go the lines that are made for each
// answer: Age, Cache-Status, and those of the length.
type blocks struct{ beforeAge, beforeStatus, beforeLength, rest []byte }

// newObject prepares what an answer needs. fields must not change any more.
func newObject(status int, fields freshness.Fields, terms freshness.Terms, requested int64, b body) *object {
	if b.kept == nil {
		b.kept = new(keptBody)
	}
	o := &object{status: status, fields: fields, terms: terms, requested: requested, body: b}
	o.vary = freshness.ParseVary(fields["Vary"])
	o.date, _ = field.ParseDateAt(first(fields["Date"]), terms.Received/1e9)
	o.tag, o.weak = entityTag(first(fields["Etag"]))
	o.modified, _ = field.ParseDateAt(first(fields["Last-Modified"]), terms.Received/1e9)
	_, o.server = fields["Server"]
	o.groups = freshness.Groups(fields)
	for _, v := range fields["Cache-Status"] {
		o.above += v + ", "
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		switch name {
		case "Age", "Cache-Status", "Content-Length":
		default:
			names = append(names, name)
		}
	}
	sort.Strings(names)
	o.head = newBlocks(status, names, fields, nil)
	o.range_ = newBlocks(206, names, fields, func(name string) bool { return name == "Content-Range" })
	o.same = newBlocks(304, names, fields, o.leftOut304)
	return o
}

// leftOut304 says which fields a 304 does without: metadata of a
// representation that the client has (RFC 9110 §15.4.5).
func (o *object) leftOut304(name string) bool {
	switch name {
	case "Content-Type", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Accept-Ranges":
		return true
	case "Last-Modified":
		return o.tag != ""
	}
	return false
}

func newBlocks(status int, names []string, fields freshness.Fields, leave func(string) bool) blocks {
	b := wire.AppendStatusLine(nil, status)
	var at [3]int
	for i, marker := range [...]string{"Age", "Cache-Status", "Content-Length", ""} {
		for len(names) > 0 && (marker == "" || names[0] < marker) {
			if name := names[0]; leave == nil || !leave(name) {
				for _, v := range fields[name] {
					b = appendField(b, wire.SpelledName(name), v)
				}
			}
			names = names[1:]
		}
		if i < len(at) {
			at[i] = len(b)
		}
	}
	b = slices.Clip(b)
	return blocks{b[:at[0]], b[at[0]:at[1]], b[at[1]:at[2]], b[at[2]:]}
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

func (b *blocks) size() int64 {
	return int64(len(b.beforeAge) + len(b.beforeStatus) + len(b.beforeLength) + len(b.rest))
}

// appendHead appends a head of the object. length is that of the body, -1 for
// none to be stated; part, when not nil, is the range that is sent.
func (o *object) appendHead(dst []byte, b *blocks, age int64, status []byte, length int64, part *field.Range) []byte {
	dst = append(dst, b.beforeAge...)
	dst = append(dst, "Age: "...)
	dst = strconv.AppendInt(dst, age, 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, b.beforeStatus...)
	if len(status) > 0 {
		dst = append(dst, "Cache-Status: "...)
		dst = append(dst, o.above...)
		dst = append(dst, status...)
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, b.beforeLength...)
	if length >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, length, 10)
		dst = append(dst, "\r\n"...)
	}
	if part != nil {
		dst = append(dst, "Content-Range: "...)
		dst = conditional.AppendContentRange(dst, *part, o.body.size)
		dst = append(dst, "\r\n"...)
	}
	return append(dst, b.rest...)
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

// cost is about how many bytes of memory the object takes, body included.
func (o *object) cost() int64 {
	n := int64(600+len(o.selecting)) + o.body.cost() + o.head.size() + o.range_.size() + o.same.size()
	for name, values := range o.fields {
		n += int64(64 + len(name))
		for _, v := range values {
			n += int64(16 + len(v))
		}
	}
	return n
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
	// passUntil is until when requests go past the store without queueing,
	// because the last answer could not be stored; nanoseconds since 1970.
	passUntil int64
	hints     []string // links of that answer, for a 103
	// ignores says which parts of the query do not matter (No-Vary-Search);
	// it is on the resource of the address without a query.
	ignores *freshness.NoVarySearch
	said    string // the field that ignores was read from
	id      string // and tells the rule from others, in keys
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
	if r == nil {
		return n
	}
	for _, old := range r.objects {
		if old.selecting == o.selecting && slices.Equal(old.vary.Names, o.vary.Names) || len(n.objects) >= max {
			continue
		}
		n.objects = append(n.objects, old)
	}
	slices.SortStableFunc(n.objects, func(a, b *object) int { return int(b.date - a.date) })
	return n
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
	n := int64(100)
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
