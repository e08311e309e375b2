package static

import (
	"io"
	"net/http"
	"strings"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
)

const allowed = "GET, HEAD, OPTIONS"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	httpd.SetVerdict(w, record.File)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.serve(w, r)
	case http.MethodOptions:
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodConnect, http.MethodTrace:
		w.Header().Set("Allow", allowed) // RFC 9110 §15.5.6
		h.refuse(w, r, rule.StaticMethodNotAllowed, varyDefault)
	default:
		h.refuse(w, r, rule.StaticMethodUnknown, varyDefault)
	}
}

const (
	// varyDefault is on every refusal: an error page depends on Accept, which
	// httpd.Error adds, and what is asked for may be there in several codings
	// the next time.
	varyDefault = "Accept-Encoding"

	// maxResolves is how often an address is resolved anew because a file
	// changed between two looks at it.
	maxResolves = 4
)

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	now := moment{at: h.opt.Now().UnixNano()}
	name, dir, broken := decodePath(r.URL.EscapedPath())
	if broken == 0 && !h.opt.Hidden && hiddenPath(name) {
		broken = rule.StaticHidden
	}
	if broken != 0 {
		h.refuse(w, r, broken, varyDefault)
		return
	}
	q := query{Request: conditional.FromLines(r.Method, r.Header.Values), conditioned: true, now: now}
	_, _, q.accepted = acceptEncoding(r.Header)

	for range maxResolves {
		f := h.resolve(name, dir, q.now)
		if h.opt.SPA != "" && f.why == rule.StaticNotFound {
			if assetRequest(name, r.Header) {
				h.refuse(w, r, f.why, varyDefault+", Sec-Fetch-Dest")
				return
			}
			f = h.shell(q.now)
		}
		switch {
		case f.entry != nil:
			if h.serveEntry(w, r, &q, f.entry) {
				return
			}
			h.table.remove(f.entry)
		case f.folder != nil:
			h.serveFolder(w, r, &q, name, f.folder)
			return
		case f.redirect != "":
			h.redirect(w, r, f.redirect)
			return
		default:
			if f.why == rule.StaticIOError {
				h.opt.ErrorLog.Error("static: read a file", "path", name, "error", f.err)
			}
			h.refuse(w, r, f.why, varyDefault)
			return
		}
	}
	h.opt.ErrorLog.Error("static: read a file", "path", name, "error", errChanged)
	h.refuse(w, r, rule.StaticIOError, varyDefault)
}

// acceptEncoding returns the lines of Accept-Encoding as one list, whether there
// are any, and what they accept.
func acceptEncoding(f http.Header) (list string, sent bool, accepted field.Accepted) {
	lines, sent := f["Accept-Encoding"]
	list = strings.Join(lines, ",")
	return list, sent, field.ParseAcceptEncoding(list, sent)
}

// serveEntry answers with an entry. It reports false, having written nothing,
// when a file of it has changed.
func (h *Handler) serveEntry(w http.ResponseWriter, r *http.Request, q *query, e *entry) bool {
	e.touch()
	var a httpd.Answer
	o, v, ranges := h.answer(q, e, &a, nil)
	if o == notAcceptable {
		// The client refuses identity, and no coding is ready: make one.
		if made := h.encodeNow(e, q.accepted); made != nil {
			e = made
			o, v, ranges = h.answer(q, e, &a, nil)
		}
	}
	var src io.ReaderAt
	switch o {
	case stale:
		return false
	case notAcceptable:
		h.refuse(w, r, rule.NotAcceptable, varyDefault)
		return true
	case refused:
		if a.Status == http.StatusRequestedRangeNotSatisfiable {
			w.Header().Set("Content-Range", string(conditional.AppendUnsatisfied(nil, v.Size)))
		}
		h.refuse(w, r, a.Rule, varyDefault)
		return true
	case answered:
		if a.File != nil {
			defer a.Done.Release()
			src = a.File
		}
	case notOpen, manyRanges:
		if v.Body == nil {
			file, release := h.reopen(e.sources[v.Coding])
			if file == nil {
				return false
			}
			defer release()
			src = file
		}
	}
	if file := e.sources[field.Identity]; file != nil && asksDownload(r.URL.RawQuery) && a.Status < 300 {
		w.Header().Set("Content-Disposition", attachment(file.name))
	}
	if e.age > 0 && !r.ProtoAtLeast(1, 1) {
		// A cache of HTTP/1.0 knows no max-age (RFC 9111 §5.3).
		w.Header().Set("Expires", string(field.AppendDate(nil, q.now.at/1e9+e.age)))
	}
	h.setDigests(w.Header(), r, e, v, a.Status, o == manyRanges)
	if o == manyRanges {
		h.sendRanges(w, r, e, v, &a, ranges, src)
	} else {
		h.send(w, r, &a, src)
	}
	return true
}

// redirect sends the client to a relative address. Being relative, and
// beginning with a dot, it can be taken neither for a host's name nor for a
// scheme, and it is right under any prefix.
func (h *Handler) redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	f := w.Header()
	f.Set("Location", to)
	f.Set("Cache-Control", "no-cache") // a folder may become a file
	f.Set("Content-Length", "0")
	httpd.SetRule(w, rule.StaticRedirect)
	w.WriteHeader(http.StatusMovedPermanently)
}
