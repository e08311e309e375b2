package forward

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"freshet/cache"
	"freshet/filterlist"
	"freshet/httpd"
	"freshet/internal/rule"
)

// passOn prepares a request that is made: its address, the style sheet that its
// answer gets, and what is added to that.
func (h *Handler) passOn(w http.ResponseWriter, r *http.Request, j *judged) (http.ResponseWriter, *http.Request, bool) {
	j.tell(w)
	if j.verdict.URL != "" {
		r = withoutParameters(r, j.verdict.URL)
	}
	s := h.sheetOf(r, j)
	if s != nil {
		r = r.WithContext(context.WithValue(r.Context(), sheetKey{}, s))
		r.Header.Set(sheetField, s.version)
	}
	if !isSafe(r.Method) && h.hides() {
		return h.invalidating(w, r, j), r, false
	}
	if s != nil || len(j.verdict.CSP)+len(j.verdict.Permissions) > 0 {
		w = &added{ResponseWriter: w, csp: j.verdict.CSP, permissions: j.verdict.Permissions, sheet: s}
	}
	return w, r, false
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions || method == http.MethodTrace
}

// invalidating makes a request that may change something invalidate both what is
// stored of a document with its style sheet, and what without (RFC 9111 §4.4):
// the key of the request is that of the first.
func (h *Handler) invalidating(w http.ResponseWriter, r *http.Request, j *judged) http.ResponseWriter {
	s := j.set.sheetFor(j.address, h.o.Hiding)
	a := &added{ResponseWriter: w, csp: j.verdict.CSP, permissions: j.verdict.Permissions, sheet: s}
	if c, ok := h.next.(*cache.Handler); ok && s != nil {
		r.Header.Set(sheetField, s.version)
		a.succeeded = func() {
			if _, err := c.Purge(j.address, false); err != nil {
				h.o.ErrorLog.Error("filter: invalidate", "url", j.address, "err", err)
			}
		}
	}
	return a
}

// sheetOf returns the style sheet for the answer to a request; nil for none.
func (h *Handler) sheetOf(r *http.Request, j *judged) *sheet {
	if !h.hides() || j.pass != nil && j.pass.Site != "" || !wantsSheet(r) {
		return nil
	}
	return j.set.sheetFor(j.address, h.o.Hiding)
}

// added adds to the head of an answer, from wherever it comes, what lists want,
// and takes out what is for ourselves.
type added struct {
	http.ResponseWriter
	csp, permissions []filterlist.Policy
	sheet            *sheet
	succeeded        func() // called when the answer says that the request was obeyed; nil for nothing
	done             bool
}

// Unwrap lets others reach the writer below.
func (a *added) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *added) WriteHeader(code int) {
	if !a.done && (code >= 200 || code == http.StatusSwitchingProtocols) {
		a.done = true
		if a.succeeded != nil && code >= 200 && code < 400 {
			a.succeeded()
		}
		a.change(a.Header())
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *added) change(h http.Header) {
	if is := h.Get(sheetField); is != "" {
		a.note(is)
	}
	delete(h, sheetField)
	addPolicies(h, "Content-Security-Policy", a.csp)
	addPolicies(h, "Permissions-Policy", a.permissions)
}

// note tells what became of the document.
func (a *added) note(is string) {
	d := httpd.DetailOf(a.ResponseWriter)
	if d == nil || a.sheet == nil {
		return
	}
	if d.Changed != "" {
		d.Changed += "; "
	}
	if is == hidden {
		d.Note(rule.FilterHidden)
		d.Changed += "style sheet " + a.sheet.version + " put in, " + strconv.Itoa(a.sheet.rules) + " of its rules for this page"
		return
	}
	d.Note(rule.FilterNotRewritten)
	d.Changed += "no style sheet: " + is
}

// addPolicies adds a field for each policy. The lines may be shared with what is
// stored.
func addPolicies(h http.Header, name string, policies []filterlist.Policy) {
	if len(policies) == 0 {
		return
	}
	lines := append([]string(nil), h[name]...)
	for _, p := range policies {
		lines = append(lines, p.Value)
	}
	h[name] = lines
}

// Write implements io.Writer.
func (a *added) Write(p []byte) (int, error) {
	if !a.done {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(p)
}

// ReadFrom implements io.ReaderFrom, so that the engine's own way is taken.
func (a *added) ReadFrom(src io.Reader) (int64, error) {
	if !a.done {
		a.WriteHeader(http.StatusOK)
	}
	return io.Copy(a.ResponseWriter, src)
}

// Flush implements http.Flusher.
func (a *added) Flush() {
	if !a.done {
		a.WriteHeader(http.StatusOK)
	}
	if f, ok := a.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
