package cache

import (
	"slices"
	"sort"
	"strconv"
	"sync/atomic"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// heads are what answers with an object begin with, made at the first hit:
// many objects never have one.
type heads struct {
	own  blocks // of the stored status
	part blocks // of a 206 made of it, without Content-Range and Content-Length
	same blocks // of a 304
}

// prepared holds the heads once they are made; copies of an object share it.
type prepared struct {
	p atomic.Pointer[heads]
	// seen is the generation up to which no purge is about the object, and counted
	// that up to which it was counted for purges.
	seen, counted atomic.Uint64
}

func (o *object) heads() *heads {
	if h := o.prepared.p.Load(); h != nil {
		return h
	}
	names := make([]string, 0, len(o.fields))
	for name := range o.fields {
		switch name {
		case "Age", "Cache-Status", "Content-Length":
		default:
			names = append(names, name)
		}
	}
	sort.Strings(names)
	h := &heads{
		own:  newBlocks(o.status, names, o.fields, nil),
		part: newBlocks(206, names, o.fields, leftOut206),
		same: newBlocks(304, names, o.fields, o.leftOut304),
	}
	o.prepared.p.Store(h)
	return h
}

// blocks are a head in pieces; between them go the lines that are made for each
// answer: Age, Cache-Status, and those of the length.
type blocks struct{ beforeAge, beforeStatus, beforeLength, rest []byte }

// leftOut304 says which fields a 304 does without: metadata of a
// representation that the client has (RFC 9110 §15.4.5).
func (o *object) leftOut304(name string) bool {
	switch name {
	case "Content-Type", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Accept-Ranges",
		"Content-Digest", "Repr-Digest":
		return true
	case "Last-Modified":
		return o.tag != ""
	}
	return false
}

// leftOut206 says which fields a 206 made of a whole answer does without: what is
// about the content as it came (RFC 9530 §2).
func leftOut206(name string) bool { return name == "Content-Range" || name == "Content-Digest" }

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
