package fastcgi

import "net/http"

// Authorizer asks a backend, in the role authorizer, whether a request may
// pass to another handler.
type Authorizer struct{ h *Handler }

// NewAuthorizer returns an authorizer in front of next.
func NewAuthorizer(o Options, next http.Handler) (*Authorizer, error) {
	h, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Authorizer{h: h}, nil
}

// ServeHTTP implements http.Handler.
func (a *Authorizer) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Close closes what is kept.
func (a *Authorizer) Close() error { return nil }
