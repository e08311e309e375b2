package check

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
)

// toRange is what an answer to a range is called.
const toRange = "the answer to Range"

// ranges asks for parts of what has no coding, and compares them with the
// whole.
func (e *examination) ranges() {
	if e.plain.get("Content-Encoding") != "" || e.plain.hasToken("Accept-Ranges", "none") {
		return
	}
	size, err := strconv.ParseInt(e.plain.get("Content-Length"), 10, 64)
	if err != nil && e.plain.whole {
		size = int64(len(e.plain.Body))
	} else if err != nil {
		return
	}
	if size < 2 {
		return
	}
	part := e.part("bytes=0-0")
	switch {
	case part == nil:
		return
	case part.Status != 206:
		if part.Status == 200 && e.plain.hasToken("Accept-Ranges", "bytes") {
			e.doubtful(e.plain, "range-not-honoured", toRange, fmt.Sprintf("bytes=0-0: %d", part.Status))
		}
		return
	}
	e.comparePart(part, "bytes=0-0", 0, 0, size)
	e.partFields(part)
	last := fmt.Sprintf("bytes=-%d", min(size, 10))
	if part = e.part(last); part != nil && part.Status == 206 {
		e.comparePart(part, last, size-min(size, 10), size-1, size)
	}
	e.beyond(size)
	e.several(size)
	e.resumed()
}

// part asks for a part, with further fields.
func (e *examination) part(ranges string, fields ...string) *reply {
	return e.ask(toRange, with(append(fields, "Accept-Encoding", "identity", "Range", ranges)...))
}

// comparePart looks whether a 206 is the part of first to last of size bytes.
func (e *examination) comparePart(r *reply, ranges string, first, last, size int64) {
	is := r.get("Content-Range")
	from, to, whole, ok := freshness.ParseContentRange(is)
	if !ok || from != first || to != last || whole != size && whole != -1 {
		e.doubtful(e.plain, "range-content-range", toRange, ranges+": "+quoted(is))
		return
	}
	e.compareBytes(r.Body, ranges, first, last)
}

// compareBytes compares a part with the same of the whole.
func (e *examination) compareBytes(got []byte, ranges string, first, last int64) {
	switch {
	case int64(len(got)) != last-first+1:
		e.doubtful(e.plain, "range-wrong-bytes", toRange, fmt.Sprintf("%s: %s in place of %d", ranges, count(len(got), "byte", "bytes"), last-first+1))
	case last < int64(len(e.plain.Body)) && !bytes.Equal(got, e.plain.Body[first:last+1]):
		e.doubtful(e.plain, "range-wrong-bytes", toRange, ranges)
	}
}

// partFields looks whether a 206 has the fields that tell what it is part of.
func (e *examination) partFields(r *reply) {
	var lacks []string
	for _, name := range []string{"Cache-Control", "Content-Location", "Etag", "Expires", "Vary"} {
		if len(e.plain.Header[name]) > 0 && len(r.Header[name]) == 0 {
			lacks = append(lacks, spelled(name))
		}
	}
	if len(lacks) > 0 {
		e.report("range-lacks-field", toRange, strings.Join(lacks, ", "))
	}
	if is, was := r.get("Etag"), e.plain.get("Etag"); is != "" && was != "" && is != was {
		e.doubtful(e.plain, "range-etag-differs", toRange, is+", and the whole has "+was)
	}
}

// beyond asks for what is behind the last byte.
func (e *examination) beyond(size int64) {
	ranges := fmt.Sprintf("bytes=%d-", size+1000)
	r := e.part(ranges)
	switch {
	case r == nil:
	case r.Status == 206:
		e.doubtful(e.plain, "range-beyond-206", toRange, ranges+": "+quoted(r.get("Content-Range")))
	case r.Status == 416 && !strings.HasPrefix(r.get("Content-Range"), "bytes */"):
		e.report("range-416-size", toRange, ranges+": "+quoted(r.get("Content-Range")))
	}
}

// several asks for the first and the last byte at once.
func (e *examination) several(size int64) {
	const ranges = "bytes=0-0,-1"
	if size < 3 {
		return
	}
	r := e.part(ranges)
	if r == nil || r.Status != 206 || !e.plain.whole {
		return
	}
	if is := r.get("Content-Range"); is != "" {
		// A server may answer with fewer parts than were asked for.
		if first, last, _, ok := freshness.ParseContentRange(is); ok && last < size {
			e.compareBytes(r.Body, ranges, first, last)
			return
		}
		e.doubtful(e.plain, "range-multiple-broken", toRange, ranges+": "+is)
		return
	}
	if fault := e.multipart(r, size); fault != "" {
		e.doubtful(e.plain, "range-multiple-broken", toRange, ranges+": "+fault)
	}
}

// multipart says what is wrong with multipart/byteranges, "" if nothing is.
func (e *examination) multipart(r *reply, size int64) string {
	media, args, err := mime.ParseMediaType(r.get("Content-Type"))
	if err != nil || media != "multipart/byteranges" || args["boundary"] == "" {
		return "Content-Type is " + quoted(r.get("Content-Type"))
	}
	parts := multipart.NewReader(bytes.NewReader(r.Body), args["boundary"])
	for n := 0; ; n++ {
		p, err := parts.NextRawPart()
		switch {
		case err == io.EOF && n > 0:
			return ""
		case err == io.EOF:
			return "there is no part"
		case err != nil:
			return err.Error()
		}
		first, last, _, ok := freshness.ParseContentRange(p.Header.Get("Content-Range"))
		body, err := io.ReadAll(p)
		switch {
		case err != nil:
			return err.Error()
		case !ok || last >= size:
			return "Content-Range of a part is " + quoted(p.Header.Get("Content-Range"))
		case !bytes.Equal(body, e.plain.Body[first:last+1]):
			return "a part does not have the bytes that it names"
		}
	}
}

// resumed asks for a part if the whole is still the same.
func (e *examination) resumed() {
	const ranges = "bytes=1-1"
	where := "the answer to If-Range"
	if r := e.part(ranges, "If-Range", noSuchTag); r != nil && r.Status == 206 {
		e.report("if-range-ignored", where, noSuchTag)
	}
	tag := e.plain.get("Etag")
	if !field.ValidTag(tag) || strings.HasPrefix(tag, "W/") {
		return
	}
	if r := e.part(ranges, "If-Range", tag); r != nil && r.Status == 200 && r.get("Etag") == tag {
		e.report("if-range-not-honoured", where, tag)
	}
}
