package cache

import (
	"io"
	"net/http"
	"strings"

	"freshet/digest"
	"freshet/freshness"
	"freshet/internal/diskstore"
	"freshet/internal/field"
)

// What an answer says of its own bytes (RFC 9530) is compared once, when they are
// stored, and once more when parts have become a whole. What contradicts itself
// goes to the request that it came for, with the field that says so, and is not
// kept; those who share the fetch are cut before the end of it, or ask for
// themselves, and for a while nobody shares one.
// What is put together of stored bytes and others is never sent as a whole, nor
// found by others, before it was compared: the last bytes of a large part, which
// goes to the client and to a file as it comes, are kept back until then, and of
// what is wrong they are not sent. Digests in trailers that were announced are
// compared, too, before something is stored, and not kept, as no trailers are.

// checkerOf returns what compares a body with the digests that fields say it has;
// nil when they say nothing.
func checkerOf(method string, status int, fields freshness.Fields) *digest.Checker {
	return moreChecks(nil, method, status, func(name string) []string { return fields[name] })
}

// moreChecks adds to a checker, which is made if there is none, the digests in
// fields.
func moreChecks(c *digest.Checker, method string, status int, fields func(name string) []string) *digest.Checker {
	content, repr := digest.Applies(method, status)
	repr = repr || content && status == http.StatusPartialContent && allOf(first(fields("Content-Range")))
	for _, f := range [...]struct {
		name    string
		applies bool
	}{{"Content-Digest", content}, {"Repr-Digest", repr}} {
		lines := fields(f.name)
		if !f.applies || len(lines) == 0 {
			continue
		}
		said, err := digest.Parse(lines)
		if err != nil || len(said.Digests) == 0 {
			continue
		}
		if c == nil {
			c = new(digest.Checker)
		}
		c.Add(f.name, said.Digests...)
	}
	return c
}

// allOf reports whether a Content-Range is that of all bytes: such a part is
// stored as the whole, and is what its Repr-Digest is of.
func allOf(contentRange string) bool {
	from, last, size, ok := freshness.ParseContentRange(contentRange)
	return ok && from == 0 && last+1 == size
}

// announced reports whether fields say that a trailer will come.
func announced(fields http.Header, name string) bool {
	for elem := range field.Elements(fields["Trailer"]) {
		if strings.EqualFold(elem, name) {
			return true
		}
	}
	return false
}

// checkTrailers adds what the trailers of an answer say, which have come by now.
func (x *fill) checkTrailers() {
	if x.check == nil || len(x.header["Trailer"]) == 0 {
		return
	}
	moreChecks(x.check, x.q.r.Method, x.code, func(name string) []string {
		if !announced(x.header, name) {
			return nil
		}
		if lines := x.header[http.TrailerPrefix+name]; len(lines) > 0 {
			return lines
		}
		return x.header[name]
	})
}

// wrong reports whether what was written to a checker is not what it has to be.
func wrong(c *digest.Checker) bool { return c != nil && c.Verdict().Outcome == digest.Wrong }

// contradicts reports whether an object, put together of parts in memory, is not
// what its Repr-Digest says. One of which something is still missing contradicts
// nothing.
func (o *object) contradicts() bool {
	return o.body.whole() && contradicted(o.fields, func(w io.Writer) error { return hashBody(w, &o.body) })
}

// contradictsFile is contradicts of an object whose bytes, w.Written() of size,
// have been written to a file that nobody else knows of yet.
func (o *object) contradictsFile(w *diskstore.Writer, size int64) bool {
	return w.Written() == size && contradicted(o.fields, func(c io.Writer) error {
		n, err := io.CopyBuffer(c, io.NewSectionReader(w, 0, size), make([]byte, chunkSize))
		if err == nil && n < size {
			err = io.ErrUnexpectedEOF
		}
		return err
	})
}

// contradicted reports whether the whole that write writes is not what the
// Repr-Digest in fields says.
func contradicted(fields freshness.Fields, write func(io.Writer) error) bool {
	if len(fields["Repr-Digest"]) == 0 {
		return false
	}
	c := checkerOf(http.MethodGet, http.StatusOK, freshness.Fields{"Repr-Digest": fields["Repr-Digest"]})
	switch {
	case c == nil:
		return false
	case write(c) != nil:
		return true // nobody can say that it is right
	}
	return wrong(c)
}
