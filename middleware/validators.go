package middleware

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"freshet/conditional"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// Validators are what a handler knows of the representation that it would
// send. The zero Validators say that it cannot tell.
type Validators struct {
	// ETag is the entity-tag as the field has it: `"abc"`, or `W/"abc"` when
	// it names equivalent bytes and not equal ones. "" when there is none;
	// what is no entity-tag counts as none.
	ETag string

	// Modified is when the representation changed last; zero when that is not
	// known. A time that does not identify what it dates counts as unknown:
	// one in the future, in the current second (a second change in it would
	// have the same date), or in the first seconds of 1970.
	Modified time.Time

	// Lifetime is how long the representation may be used without asking
	// again. It is sent as "max-age", and to HTTP/1.0 clients as Expires too.
	// Zero says nothing.
	Lifetime time.Duration

	// CacheControl is sent as Cache-Control instead of Lifetime's "max-age";
	// Expires still follows Lifetime.
	CacheControl string

	// Vary and ContentLocation are sent as the fields of that name. A 304 has
	// to have them when the 200 does (RFC 9110 §15.4.5), and only what is said
	// here is known before the handler runs.
	Vary, ContentLocation string

	// Absent says that the resource has no representation: If-Match is then
	// never met, and If-None-Match always. It lets a PUT that would create it
	// be checked; the other fields are ignored.
	Absent bool
}

// zero reports whether v says nothing about preconditions.
func (v *Validators) zero() bool {
	return !v.Absent && v.tag() == "" && v.Modified.IsZero()
}

// tag returns the entity-tag when it is one.
func (v *Validators) tag() string {
	if field.ValidTag(v.ETag) {
		return v.ETag
	}
	return ""
}

// modified returns Modified in seconds since 1970, 0 when it identifies
// nothing (RFC 9110 §8.8.2.1).
func (v *Validators) modified(now time.Time) int64 {
	if t := v.Modified.Unix(); t > 1 && t < now.Unix() {
		return t
	}
	return 0
}

// Check evaluates the preconditions of r against v within a handler. When they
// decide the answer, it sends that (304 or 412) and returns true: the handler
// has nothing left to do. Else it returns false, and for GET and HEAD has set
// ETag, Last-Modified, Cache-Control and Expires as far as the handler had
// not. Call it once what it needs is known, and before changing anything; a
// handler that fails after it takes the fields off again.
//
//	func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
//		if middleware.Check(w, r, middleware.Validators{ETag: p.tag}) {
//			return
//		}
//		p.render(w)
//	}
//
// Ranges are the handler's own business.
func Check(w http.ResponseWriter, r *http.Request, v Validators) (done bool) {
	now := time.Now()
	if answer(w, r, &v, now) {
		return true
	}
	if reads(r) {
		v.set(w.Header(), r, now)
	}
	return false
}

// answer sends the answer when the preconditions of r decide it.
func answer(w http.ResponseWriter, r *http.Request, v *Validators, now time.Time) bool {
	q := conditional.FromLines(r.Method, r.Header.Values)
	s := conditional.State{Modified: v.modified(now), Now: now.Unix(), NoRanges: true}
	if !v.Absent {
		s.Variants = []conditional.Variant{variant(v.tag())}
	}
	switch d := conditional.Decide(&q, &s, nil); d.Status {
	case http.StatusNotModified:
		v.set(w.Header(), r, now)
		notModified(w, d.Rule)
		w.WriteHeader(d.Status)
		return true
	case http.StatusPreconditionFailed:
		body := preconditionFailed(w, d.Rule)
		w.WriteHeader(d.Status)
		w.Write(body)
		return true
	}
	return false
}

// set adds the fields that v stands for, unless they are there.
func (v *Validators) set(h http.Header, r *http.Request, now time.Time) {
	if v.Absent {
		return
	}
	if _, ok := h["Etag"]; !ok && v.tag() != "" {
		h.Set("Etag", v.tag())
	}
	if _, ok := h["Last-Modified"]; !ok {
		if t := v.modified(now); t != 0 {
			h.Set("Last-Modified", string(field.AppendDate(nil, t)))
		}
	}
	if _, ok := h["Vary"]; !ok && v.Vary != "" {
		h.Set("Vary", v.Vary)
	}
	if _, ok := h["Content-Location"]; !ok && v.ContentLocation != "" {
		h.Set("Content-Location", v.ContentLocation)
	}
	if v.Lifetime > 0 || v.CacheControl != "" {
		setLifetime(h, r, v.CacheControl, v.Lifetime, now)
	}
}

// setLifetime adds Cache-Control, and for clients that do not know it Expires,
// unless the handler said something about either.
func setLifetime(h http.Header, r *http.Request, cacheControl string, lifetime time.Duration, now time.Time) {
	for _, name := range [...]string{"Cache-Control", "Expires", "Pragma"} {
		if _, ok := h[name]; ok {
			return
		}
	}
	if cacheControl == "" {
		cacheControl = "no-cache"
		if s := int64(lifetime / time.Second); s > 0 {
			cacheControl = "max-age=" + strconv.FormatInt(s, 10)
		}
	}
	h.Set("Cache-Control", cacheControl)
	if lifetime > 0 && !r.ProtoAtLeast(1, 1) {
		h.Set("Expires", string(field.AppendDate(nil, now.Add(lifetime).Unix())))
	}
}

// variant makes the one variant that a handler has of its entity-tag.
func variant(tag string) conditional.Variant {
	strong, weak := strings.CutPrefix(tag, "W/")
	return conditional.Variant{Tag: strong, Weak: weak, Size: -1}
}

// reads reports whether a request is for a representation.
func reads(r *http.Request) bool {
	return r.Method == http.MethodGet || r.Method == http.MethodHead
}

// content are the fields that describe the body of the 200 that is not sent.
var content = [...]string{
	"Accept-Ranges", "Content-Digest", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length",
	"Content-Md5", "Content-Range", "Content-Type", "Digest", "Repr-Digest", "Trailer", "Transfer-Encoding",
}

// notModified prepares the head of a 304: Cache-Control, Content-Location,
// Date, ETag, Expires and Vary stay as the 200 would have them, Last-Modified
// when there is no ETag, and what describes the body goes (RFC 9110 §15.4.5).
func notModified(w http.ResponseWriter, why rule.ID) {
	h := w.Header()
	for _, name := range content {
		h.Del(name)
	}
	if h.Get("Etag") != "" {
		h.Del("Last-Modified")
	}
	tell(w, why)
}

// preconditionFailed prepares the head of a 412 and returns its body. What was
// said of the representation that is not sent goes, so that nobody keeps the
// refusal under its name.
func preconditionFailed(w http.ResponseWriter, why rule.ID) []byte {
	h := w.Header()
	for _, name := range content {
		h.Del(name)
	}
	for _, name := range [...]string{"Cache-Control", "Content-Location", "Etag", "Expires", "Last-Modified"} {
		h.Del(name)
	}
	tell(w, why)
	return explain(h, http.StatusPreconditionFailed, rule.Of(why))
}

// explain returns the body of a refusal and sets the fields that describe it.
func explain(h http.Header, status int, row rule.Row) []byte {
	body := []byte(strconv.Itoa(status) + " " + http.StatusText(status) + ": " + row.Sentence + "\n" + row.Remedy + "\n")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	return body
}
