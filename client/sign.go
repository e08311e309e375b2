package client

import (
	"maps"
	"net/http"

	"freshet/internal/signing"
	"freshet/signature"
)

// Signer signs requests (RFC 9421); see [Transport.Sign]. Its method Request adds
// the Content-Digest of a body, which is read for that before it is sent, and a
// signature that says when it was made, by which key, and a nonce, so that a
// server can take it once.
type Signer = signing.Signer

// SignOptions say what signatures cover and say; the zero value is good.
type SignOptions = signing.Options

// NewSigner returns a signer with a key that can sign.
func NewSigner(key *signature.Key, o SignOptions) (*Signer, error) { return signing.New(key, o) }

// signed returns a request as it is to be sent. With an error its body is closed.
func (t *Transport) signed(req *http.Request) (*http.Request, error) {
	if t.Sign == nil || req.Method == http.MethodConnect || req.URL == nil {
		return req, nil
	}
	on := *req
	if on.Header = maps.Clone(req.Header); on.Header == nil {
		on.Header = http.Header{}
	}
	if err := t.Sign(&on); err != nil {
		if on.Body != nil {
			on.Body.Close()
		}
		return nil, err
	}
	return &on, nil
}
