package proxy

import (
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/signing"
	"freshet/internal/tunnel"
)

// Handler answers requests with the answers of its origins. It may be used by
// any number of goroutines.
type Handler struct {
	o       Options
	origins []*origin
	rt      http.RoundTripper
	close   func()   // closes what New opened for rt
	timed   bool     // rt has no time limits of its own
	via11   []string // Via for HTTP/1.1, as values of a field
	name    []string // Options.Name, as values of a field
	turn    atomic.Uint64

	tunnels tunnel.Set // upgraded connections

	kept gateway.Files        // bodies that are kept aside to be signed
	keep gateway.SpoolOptions // how they are
}

// New returns a Handler, or all that is wrong with the options.
func New(o Options) (*Handler, error) {
	faults := []error{o.check()}
	h := &Handler{}
	for i, s := range o.Origins {
		origin, err := parseOrigin(s, i)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		h.origins = append(h.origins, origin)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	h.o = o
	h.keep = gateway.SpoolOptions{Most: signing.MaxBody, Files: &h.kept}
	h.via11, h.name = []string{"1.1 " + o.Name}, []string{o.Name}
	h.rt, h.close, h.timed = o.Transport, func() {}, true
	if h.rt == nil {
		h.rt, h.close = newTransport(&h.o, h.origins)
		h.timed = false
	}
	return h, nil
}

// Close ends upgraded connections, waits for their goroutines, and closes idle
// connections to the origins. Requests under way go on; new upgrades are
// ended at once. A Transport that Options gave is left alone.
func (h *Handler) Close() {
	h.tunnels.Close()
	h.close()
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler when
// an answer that was begun cannot be completed.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id := h.refuses(r); id != 0 {
		h.refuse(w, r, id)
		return
	}
	if n, ok := maxForwards(r); ok && n == 0 {
		h.answerItself(w, r)
		return
	}
	if h.o.Sign != nil {
		on, id, err := h.digested(r)
		if id != 0 {
			h.refuseToSign(w, r, id, err)
			return
		}
		if on.Body != r.Body {
			defer on.Body.Close()
		}
		r = on
	}
	x := &exchange{h: h, w: w, r: r, rc: http.NewResponseController(w), told: httpd.DetailOf(w)}
	x.serve()
}

// refuses returns why a request is not passed on, 0 when it is.
func (h *Handler) refuses(r *http.Request) rule.ID {
	switch {
	case r.Method == http.MethodConnect:
		return rule.ProxyConnect
	case h.Loops(r):
		return rule.ProxyLoop
	}
	return badRequest(r)
}

// refuse answers a request that is not passed on.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, id rule.ID) {
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	httpd.Error(w, r, rule.Of(id).Status, h.words(r, &Error{Rule: id}))
}

// answerItself answers a TRACE or OPTIONS request that must go no further
// (RFC 9110 §7.6.2).
func (h *Handler) answerItself(w http.ResponseWriter, r *http.Request) {
	httpd.SetRule(w, rule.ProxyFinalRecipient)
	header := w.Header()
	if r.Method == http.MethodOptions {
		header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		return
	}
	text := traceOf(r)
	header.Set("Content-Type", "message/http")
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	w.Write(text)
}
