package proxy

import (
	"errors"
	"maps"
	"net/http"

	"freshet/internal/rule"
	"freshet/internal/signing"
)

// digested returns a request whose body has a digest, for it is signed; or why
// it is not passed on.
func (h *Handler) digested(r *http.Request) (*http.Request, rule.ID) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return r, 0
	}
	on := *r
	on.Header, on.GetBody = maps.Clone(r.Header), nil
	err := h.o.Sign.Body(&on)
	var kept *signing.BodyError
	switch {
	case err == nil:
		return &on, 0
	case errors.As(err, &kept) && kept.Rule == rule.ScriptClientGone:
		return nil, rule.ProxyClientGone
	case errors.As(err, &kept) && (kept.Rule == rule.ScriptBodyTooLarge || kept.Rule == rule.BodyTooLarge):
		return nil, rule.BodyTooLarge
	}
	return nil, rule.ScriptSpoolFailed
}

// sign signs what an origin is asked.
func (h *Handler) sign(out *http.Request) error {
	if h.o.Sign == nil {
		return nil
	}
	out.Header = maps.Clone(out.Header) // another origin may be asked with the same
	return h.o.Sign.Sign(out)
}
