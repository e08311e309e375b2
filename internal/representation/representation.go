// Package representation holds what is sent again and again: the codings of
// one resource, each with its entity-tag and with its heads already written.
//
// A [Variant] is one coding, a [Set] the codings that exist at the moment.
// Both are immutable; a new coding makes a new Set, so that a reader needs a
// pointer and no lock:
//
//	m := &representation.Meta{Type: "text/css; charset=utf-8", CacheControl: "no-cache"}
//	s := representation.NewSet(m, representation.New(m, field.Identity, tag, size, body))
//	v, d := s.Decide(&preconditions, accepted, now, nil)
//
// The package reads no files and knows no requests beyond their
// preconditions; which status is right is decided by package conditional.
//
// Heads list their fields in the order of their names, as the engine writes
// those of handlers, and end before the fields that the engine adds.
package representation

import (
	"strconv"
	"sync/atomic"

	"freshet/conditional"
	"freshet/digest"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// Meta is what the codings of one resource have in common.
type Meta struct {
	Type         string // Content-Type
	CacheControl string // Cache-Control; "" sends none
	Policy       string // Content-Security-Policy; "" sends none
	Link         string // Link; "" sends none
	Vary         string // Vary; "" sends none
	Modified     int64  // Last-Modified, Unix seconds; 0 sends none
}

// Variant is one coding of a resource.
type Variant struct {
	Coding field.Coding
	Tag    string // strong entity-tag with its quotes; "" while none is known
	Size   int64  // of the body
	Body   []byte // nil when the body is not in memory

	// Digest is that of the body, as it is coded (RFC 9530 §3); the zero Digest
	// while none is known. It is set before the variant is shared.
	Digest digest.Digest

	// Long is its sha-512, which is made when somebody wants it; nil until then.
	// LongBegun says that somebody makes it.
	Long      atomic.Pointer[digest.Digest]
	LongBegun atomic.Bool

	head        []byte // of 200
	length, end int    // head[length:end] is the Content-Length line
	kind, after int    // head[kind:after] is the Content-Type line
	notModified []byte // head of 304
}

// statusOK and its fellows are the status lines that a variant may have.
var (
	statusOK          = string(wire.AppendStatusLine(nil, 200))
	statusPartial     = string(wire.AppendStatusLine(nil, 206))
	statusNotModified = string(wire.AppendStatusLine(nil, 304))
)

// New returns the variant of a resource in one coding. The body must not
// change any more; it is nil for a body that is not in memory.
func New(m *Meta, coding field.Coding, tag string, size int64, body []byte) *Variant {
	v := &Variant{Coding: coding, Tag: tag, Size: size, Body: body}
	b := append(make([]byte, 0, 384), statusOK...)
	b = appendField(b, "Accept-Ranges", "bytes")
	b = appendField(b, "Cache-Control", m.CacheControl)
	if coding != field.Identity {
		b = appendField(b, "Content-Encoding", coding.String())
	}
	v.length = len(b)
	b = appendLength(b, size)
	v.end = len(b)
	b = appendField(b, "Content-Security-Policy", m.Policy)
	v.kind = len(b)
	b = appendField(b, "Content-Type", m.Type)
	v.after = len(b)
	b = appendField(b, "ETag", tag)
	b = appendModified(b, m.Modified)
	b = appendField(b, "Link", m.Link)
	b = appendField(b, "Vary", m.Vary)
	b = appendField(b, "X-Content-Type-Options", "nosniff")
	v.head = append(make([]byte, 0, len(b)), b...)

	// RFC 9110 §15.4.5: what a 200 would have sent of Cache-Control, ETag and
	// Vary; Last-Modified only where no entity-tag says it better.
	b = append(b[:0], statusNotModified...)
	b = appendField(b, "Cache-Control", m.CacheControl)
	b = appendField(b, "ETag", tag)
	if tag == "" {
		b = appendModified(b, m.Modified)
	}
	b = appendField(b, "Vary", m.Vary)
	v.notModified = append(make([]byte, 0, len(b)), b...)
	return v
}

// Head returns the head of the whole representation, a 200.
func (v *Variant) Head() []byte { return v.head }

// NotModified returns the head of a 304.
func (v *Variant) NotModified() []byte { return v.notModified }

// AppendPartial appends the head of a 206 with one range.
func (v *Variant) AppendPartial(dst []byte, r field.Range) []byte {
	dst = append(dst, statusPartial...)
	dst = append(dst, v.head[len(statusOK):v.length]...)
	dst = appendLength(dst, r.Length)
	dst = append(dst, "Content-Range: "...)
	dst = conditional.AppendContentRange(dst, r, v.Size)
	dst = append(dst, "\r\n"...)
	return append(dst, v.head[v.end:]...)
}

// AppendMultipart appends the head of a 206 with several ranges, whose body
// has the length and media type given.
func (v *Variant) AppendMultipart(dst []byte, length int64, mediaType string) []byte {
	dst = append(dst, statusPartial...)
	dst = append(dst, v.head[len(statusOK):v.length]...)
	dst = appendLength(dst, length)
	dst = append(dst, v.head[v.end:v.kind]...)
	dst = appendField(dst, "Content-Type", mediaType)
	return append(dst, v.head[v.after:]...)
}

// Cost is about how many bytes of memory the variant holds.
func (v *Variant) Cost() int64 {
	return int64(len(v.Body)+len(v.head)+len(v.notModified)+len(v.Tag)) + 380
}

func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	return append(strconv.AppendInt(dst, n, 10), "\r\n"...)
}

func appendModified(dst []byte, unix int64) []byte {
	if unix == 0 {
		return dst
	}
	dst = append(dst, "Last-Modified: "...)
	return append(field.AppendDate(dst, unix), "\r\n"...)
}
