package check

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// codingNames are the codings that are asked for one by one.
var codingNames = []string{field.Gzip.String(), field.Brotli.String(), field.Zstd.String()}

// minCoded is how long a text is, in bytes, of which coding is expected: a
// shorter one fits one packet either way.
const minCoded = 1024

// maxDecoded bounds what a body may become, in bytes.
const maxDecoded = 32 << 20

// decoded returns the content without its codings. It is not ok when that is
// not known: a body that is not whole, or in another coding.
func (r *reply) decoded() (content []byte, ok bool) {
	if !r.whole {
		return nil, false
	}
	name := r.get("Content-Encoding")
	if name == "" || strings.EqualFold(name, "identity") {
		return r.Body, true
	}
	content, err := decodeAs(name, r.Body)
	return content, err == nil
}

func decodeAs(name string, body []byte) ([]byte, error) {
	if c, ok := field.CodingNamed(name); ok && c != field.Identity {
		return coding.Decode(c, body, maxDecoded)
	}
	return nil, fmt.Errorf("%s is not known", name)
}

// codings asks for each coding alone, and compares.
func (e *examination) codings() {
	if is := e.plain.get("Content-Encoding"); is != "" && !strings.EqualFold(is, "identity") {
		e.report("coding-unasked", "the answer to Accept-Encoding: identity", is)
		return
	}
	var coded []*reply
	var gains []string
	for _, name := range codingNames {
		where := "the answer to Accept-Encoding: " + name
		r := e.ask(where, with("Accept-Encoding", name))
		if r == nil || r.Status != 200 {
			continue
		}
		is := strings.ToLower(r.get("Content-Encoding"))
		switch {
		case is == "" || is == "identity":
			continue
		case is != name && is != "x-"+name:
			e.report("coding-unasked", where, is)
			continue
		}
		coded = append(coded, r)
		e.compareCoding(r, name, where)
		if e.plain.whole && r.whole && len(e.plain.Body) > 0 {
			gains = append(gains, gain(name, len(r.Body), len(e.plain.Body)))
			if len(r.Body) >= len(e.plain.Body) && len(e.plain.Body) > 0 {
				e.report("coding-larger", where, gain(name, len(r.Body), len(e.plain.Body)))
			}
		}
	}
	if len(coded) == 0 {
		if e.couldGain() && isFile(e.url, e.base) && !e.waited && e.patient(originOf(e.url)) {
			if e.waited = true; e.comesLater() {
				e.codings()
				return
			}
			e.vain(originOf(e.url))
		}
		e.reportGain()
		return
	}
	if len(gains) > 0 {
		e.report("coding-gain", "the content", strings.Join(gains, "; ")+", of "+count(len(e.plain.Body), "byte", "bytes"))
	}
	e.codingFields(coded)
}

// gain says what a coding saves.
func gain(name string, size, of int) string {
	return fmt.Sprintf("%s %s (%+d %%)", name, count(size, "byte", "bytes"), (size-of)*100/of)
}

// compareCoding looks whether a coding is one of the content.
func (e *examination) compareCoding(r *reply, name, where string) {
	if !r.whole {
		return
	}
	content, err := decodeAs(name, r.Body)
	switch {
	case err != nil:
		e.report("coding-broken", where, err.Error())
	case e.plain.whole && !bytes.Equal(content, e.plain.Body):
		e.doubtful(e.plain, "coding-content-differs", where, fmt.Sprintf("%s in place of %s", count(len(content), "byte", "bytes"), field.Thousands(int64(len(e.plain.Body)))))
	}
}

// codingFields looks at Vary and entity-tags of answers in different codings.
func (e *examination) codingFields(coded []*reply) {
	for _, r := range coded {
		if !r.varies("Accept-Encoding") && r.shared() {
			e.report("coding-no-vary", "the answer with "+r.get("Content-Encoding"), "Vary: "+quoted(r.get("Vary")))
		}
	}
	if !e.plain.varies("Accept-Encoding") && e.plain.shared() {
		e.report("coding-vary-missing", "the answer without a coding", "Vary: "+quoted(e.plain.get("Vary")))
	}
	names := map[string][]string{} // of the codings that have an entity-tag
	for _, r := range append([]*reply{e.plain}, coded...) {
		tag := r.get("Etag")
		names[tag] = append(names[tag], quoted(r.get("Content-Encoding")))
	}
	for _, tag := range slices.Sorted(maps.Keys(names)) {
		same := names[tag]
		if tag != "" && len(same) > 1 && !strings.HasPrefix(tag, "W/") {
			e.report("coding-same-etag", "ETag", tag+" for the codings "+strings.Join(same, ", "))
		}
	}
}

// Codings that a server makes beside its requests may come later: how long they
// are waited for, in all a second.
var codingWaits = []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, 600 * time.Millisecond}

// isFile reports whether an answer looks like one of a file: it has a date, or
// the address is not that of a folder.
func isFile(u *url.URL, r *reply) bool {
	return r.get("Last-Modified") != "" || !strings.HasSuffix(u.Path, "/")
}

// maxVain is how often codings of an origin are waited for in vain.
const maxVain = 3

// patient reports whether codings of an origin are waited for.
func (c *Checker) patient(origin string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.settled && c.waits[origin] < maxVain
}

// vain notes that there was nothing to wait for.
func (c *Checker) vain(origin string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits[origin]++
}

// comesLater reports whether the answer has a coding when it is asked for again.
func (e *examination) comesLater() bool {
	for _, d := range codingWaits {
		pause(e.ctx, d)
		r := e.ask("the answer to the same again", probe{})
		if r == nil {
			return false
		}
		if r.get("Content-Encoding") != "" {
			// It has what it lacked: the others may, too.
			pause(e.ctx, d)
			return true
		}
	}
	return false
}

// couldGain reports whether the content is a text that is worth a coding.
func (e *examination) couldGain() bool {
	return e.plain.whole && len(e.plain.Body) >= minCoded && isText(e.plain.mediaType()) && !e.plain.hasToken("Cache-Control", "no-transform")
}

// reportGain says what compression would gain.
func (e *examination) reportGain() {
	if !e.couldGain() {
		return
	}
	body := e.plain.Body
	made, err := coding.Encode(nil, field.Gzip, body, coding.Quick)
	if err != nil || !coding.Worth(len(body), len(made)) {
		return
	}
	e.report("coding-missing", "the content", "with "+gain("gzip", len(made), len(body))+" in place of "+field.Thousands(int64(len(body))))
}

// isText reports whether a media type is one of text, which compresses well.
func isText(media string) bool {
	switch media {
	case "application/javascript", "application/json", "application/xml", "application/manifest+json", "image/svg+xml", "application/wasm":
		return true
	}
	return strings.HasPrefix(media, "text/") && media != "text/event-stream" || strings.HasSuffix(media, "+xml") || strings.HasSuffix(media, "+json")
}
