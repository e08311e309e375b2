package forward

import (
	"net/http"
	"strings"

	"freshet/httpd"
	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/rewrite"
)

// hider puts style sheets into documents, between the cache and the servers. The
// request says which one; the cache keeps what comes out.
type hider struct {
	h    *Handler
	next http.Handler
}

// ServeHTTP implements http.Handler.
func (x hider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	version := r.Header.Get(sheetField)
	if version == "" {
		x.next.ServeHTTP(w, r)
		return
	}
	out := *r
	out.Header = r.Header.Clone()
	delete(out.Header, sheetField)
	s, _ := r.Context().Value(sheetKey{}).(*sheet)
	if s == nil || s.version != version || !wantsSheet(r) {
		x.next.ServeHTTP(w, &out)
		return
	}
	d := &document{w: w, r: r, sheet: s, codings: codingsFor(r)}
	if len(out.Header["Accept-Encoding"]) > 0 {
		out.Header["Accept-Encoding"] = []string{undone(out.Header["Accept-Encoding"])}
	}
	rewrite.OriginConditions(out.Header, s.tagVersions(d.codings)...)
	defer d.drop()
	x.next.ServeHTTP(d, &out)
	d.finish()
}

// sheetKey is that of the style sheet in the context of a request.
type sheetKey struct{}

// undone returns those of the codings that a client accepts that can be undone.
func undone(lines []string) string {
	var kept []string
	for e := range field.Elements(lines) {
		name, _, _ := strings.Cut(e, ";")
		name = strings.TrimSpace(name)
		if _, ok := field.CodingNamed(name); ok || name == "*" {
			kept = append(kept, e)
		}
	}
	if len(kept) == 0 {
		return "identity"
	}
	return strings.Join(kept, ", ")
}

// stage is how far an answer has come.
type stage uint8

const (
	stageHead    stage = iota // the head has not come
	stagePassing              // it passes as it is
	stageHeld                 // it is looked for the place
	stageSent                 // the head was sent; what follows passes through splicer and decoder
)

// maxHeld bounds what is held of a document while it is not known whether there
// is a place in it.
const maxHeld = 64 << 10

// document is the writer behind which an answer has the style sheet, if it is a
// document that may be changed. Its head waits until that is known.
type document struct {
	w       http.ResponseWriter
	r       *http.Request // as it came, with the client's or the cache's conditions
	sheet   *sheet
	codings []field.Coding // that the request accepts, the preferred first

	stage   stage
	code    int
	splicer *rewrite.Splicer
	decoder *decoder       // nil if there is nothing to undo
	coding  field.Coding   // in which it goes out
	encoder *coding.Writer // nil before the head, and for identity
	held    []byte
	later   http.Header // what is set behind the head: digests of other bytes, and nothing else of use
}

// Unwrap lets others reach the writer below.
func (d *document) Unwrap() http.ResponseWriter { return d.w }

// Header implements http.ResponseWriter. Trailers of a document that was changed
// are dropped.
func (d *document) Header() http.Header {
	if d.stage == stageSent {
		if d.later == nil {
			d.later = http.Header{}
		}
		return d.later
	}
	return d.w.Header()
}

// WriteHeader implements http.ResponseWriter.
func (d *document) WriteHeader(code int) {
	if d.stage != stageHead {
		return
	}
	if code >= 100 && code < 200 && code != http.StatusSwitchingProtocols {
		d.w.WriteHeader(code)
		return
	}
	h := d.w.Header()
	delete(h, sheetField)
	d.code = code
	if code == http.StatusNotModified {
		d.confirm(h)
	}
	v := rewrite.May(code, h, d.r)
	if !v.OK || !d.open(v) {
		d.pass(h, v.Reason)
		return
	}
	d.describe(h, v)
	if d.r.Method == http.MethodHead {
		d.stage = stageSent
		rewrite.AllowSheet(h, d.sheet.Sheet)
		h[sheetField] = []string{hidden}
		d.w.WriteHeader(code)
		return
	}
	d.stage = stageHeld
}

// open opens what a document passes through. It is refused when its coding
// cannot be undone.
func (d *document) open(v rewrite.Verdict) bool {
	d.splicer = rewrite.NewSplicer(spliced{d}, rewrite.Edit{Sheet: d.sheet.Sheet, Nonce: rewrite.Nonce(d.w.Header()), Charset: v.Charset})
	if v.Coding == "" {
		return true
	}
	var err error
	d.decoder, err = newDecoder(d.splicer, v.Coding)
	return err == nil
}

// hidden is what the field says of an answer that has the style sheet.
const hidden = "hidden"

// pass lets an answer pass as it is.
func (d *document) pass(h http.Header, reason rewrite.Reason) {
	d.stage = stagePassing
	if reason == "" {
		reason = rewrite.BadCoding
	}
	if untouched[reason] {
		h[sheetField] = []string{string(reason)}
	}
	d.w.WriteHeader(d.code)
}

// untouched are the reasons why something that is a document is left as it is.
// The others say that it is none.
var untouched = map[rewrite.Reason]bool{
	rewrite.XHTML: true, rewrite.BadCharset: true, rewrite.BadCoding: true, rewrite.NoTransform: true, rewrite.Partial: true, rewrite.Signed: true,
	rewrite.UnknownCharset: true, rewrite.LateCharset: true, rewrite.TooLong: true, rewrite.MetaPolicy: true,
}

// Write implements io.Writer.
func (d *document) Write(p []byte) (int, error) {
	if d.stage == stageHead {
		d.WriteHeader(http.StatusOK)
	}
	switch {
	case d.stage == stagePassing:
		return d.w.Write(p)
	case d.decoder != nil:
		n, err := d.decoder.Write(p)
		if err != nil {
			d.fault(err)
		}
		return n, err
	case d.splicer != nil && d.r.Method != http.MethodHead:
		return d.splicer.Write(p)
	}
	return len(p), nil
}

// spliced is where a document comes out of the splicer.
type spliced struct{ d *document }

func (s spliced) Write(p []byte) (int, error) {
	d := s.d
	if d.stage == stageSent {
		return d.out(p)
	}
	result := d.splicer.Result()
	if result.Inserted || result.Reason != "" || len(d.held)+len(p) > maxHeld {
		if err := d.send(); err != nil {
			return 0, err
		}
		return d.out(p)
	}
	d.held = append(d.held, p...)
	return len(p), nil
}

// send sends the head, and what was held.
func (d *document) send() error {
	h, result := d.w.Header(), d.splicer.Result()
	if result.Reason == "" { // there is a place, or may be
		rewrite.AllowSheet(h, d.sheet.Sheet)
		h[sheetField] = []string{hidden}
	} else if untouched[result.Reason] {
		h[sheetField] = []string{string(result.Reason)}
	}
	d.w.WriteHeader(d.code)
	d.stage = stageSent
	if d.coding != field.Identity {
		d.encoder = coding.NewPartWriter(d.w, d.coding)
	}
	if len(d.held) == 0 {
		return nil
	}
	_, err := d.out(d.held)
	d.held = nil
	return err
}

// Flush implements http.Flusher. Before the head there is nothing to be seen.
func (d *document) Flush() {
	if d.encoder != nil && d.encoder.Flush() != nil {
		return // the next Write says so, too
	}
	if f, ok := d.w.(http.Flusher); ok && (d.stage == stagePassing || d.stage == stageSent) {
		f.Flush()
	}
}

// finish says that the answer is whole.
func (d *document) finish() {
	if d.stage != stageHeld && (d.stage != stageSent || d.r.Method == http.MethodHead) {
		return
	}
	if d.decoder != nil {
		if err := d.decoder.Close(); err != nil {
			d.fault(err)
			panic(http.ErrAbortHandler) // what is not complete must not look so
		}
	}
	if err := d.splicer.Close(); err != nil {
		panic(http.ErrAbortHandler)
	}
	if d.stage == stageHeld {
		if d.send() != nil {
			panic(http.ErrAbortHandler)
		}
	}
	if d.encoder != nil && d.encoder.Close() != nil {
		panic(http.ErrAbortHandler)
	}
}

// drop gives back what a document holds, however it ended.
func (d *document) drop() {
	if d.decoder != nil {
		d.decoder.drop()
	}
	if d.encoder != nil {
		d.encoder.Discard()
	}
}

// fault tells the operator why a document ends early.
func (d *document) fault(err error) {
	if detail := httpd.DetailOf(d.w); detail != nil {
		detail.Error = "the page: " + err.Error()
	}
}

// confirm gives a 304 the entity-tag under which what it confirms is stored: one
// that the request had, of a coding that it accepts, the preferred first, where it
// leads back to the origin's.
func (d *document) confirm(h http.Header) {
	asked := strings.Join(d.r.Header["If-None-Match"], ", ")
	if asked == "" {
		return
	}
	tag := h.Get("Etag")
	tries := []string{tag, "W/" + tag}
	if rest, weak := strings.CutPrefix(tag, "W/"); weak {
		tries = []string{tag, rest}
	}
	for _, version := range d.sheet.tagVersions(d.codings) {
		for _, t := range tries {
			c := http.Header{}
			if tag != "" {
				c.Set("Etag", t)
			} else if h.Get("Last-Modified") != "" {
				c["Last-Modified"] = h["Last-Modified"]
			}
			rewrite.Verdict{OK: true}.Apply(c, version)
			if changed := c.Get("Etag"); changed != "" && strings.Contains(asked, changed) {
				d.confirmed(h, changed)
				return
			}
		}
	}
	if tag == "" && h.Get("Last-Modified") == "" && !strings.Contains(asked, ",") && strings.HasPrefix(asked, "W/") {
		d.confirmed(h, asked) // the only one that there was
	}
}

// confirmed gives a 304 the fields of the document that it confirms.
func (d *document) confirmed(h http.Header, tag string) {
	h["Etag"] = []string{tag}
	delete(h, "Last-Modified")
	delete(h, "Content-Encoding")
	varyOnCoding(h)
}
