package proxy

import (
	"errors"
	"maps"
	"net/http"

	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/signing"
)

// digested returns a request whose body has a digest, for it is signed; or why
// it is not passed on.
func (h *Handler) digested(r *http.Request) (*http.Request, rule.ID, error) {
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return r, 0, nil
	}
	on := *r
	on.Header, on.GetBody = maps.Clone(r.Header), nil
	err := h.o.Sign.Body(&on, h.keep)
	var kept *signing.BodyError
	switch {
	case err == nil:
		return &on, 0, nil
	case errors.As(err, &kept) && kept.Rule == rule.ScriptClientGone:
		return nil, rule.ProxyClientGone, err
	case errors.As(err, &kept) && (kept.Rule == rule.ScriptBodyTooLarge || kept.Rule == rule.BodyTooLarge):
		return nil, rule.BodyTooLarge, err
	}
	return nil, rule.ScriptSpoolFailed, err
}

// refuseToSign answers a request that could not be signed, and so not be passed on.
func (h *Handler) refuseToSign(w http.ResponseWriter, r *http.Request, id rule.ID, err error) {
	if told := httpd.DetailOf(w); told != nil {
		told.Error = err.Error()
	}
	if rule.Of(id).Status == http.StatusServiceUnavailable {
		h.o.ErrorLog.Error("a body could not be kept aside to be signed", "error", err)
		w.Header().Set("Retry-After", "10")
	}
	h.refuse(w, r, id)
}

// sign signs what an origin is asked.
func (h *Handler) sign(out *http.Request) error {
	if h.o.Sign == nil {
		return nil
	}
	out.Header = maps.Clone(out.Header) // another origin may be asked with the same
	_, inputs := field.ParseDictionary(out.Header["Signature-Input"])
	_, signatures := field.ParseDictionary(out.Header["Signature"])
	if !inputs || !signatures {
		// The client's are malformed: they are ignored (RFC 9651 §4.2), and with
		// them ours would be.
		delete(out.Header, "Signature-Input")
		delete(out.Header, "Signature")
	}
	return h.o.Sign.Sign(out)
}
