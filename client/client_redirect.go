package client

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"freshet/internal/outbound"
)

// A RedirectError says that a redirect was not followed. It is the Err of a
// *url.Error.
type RedirectError struct {
	Location string // where it leads
	Reason   string // why not
}

// Error implements error.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("redirect to %q: %s", e.Location, e.Reason)
}

const (
	defaultRedirects = 20
	// drained is how much of a redirect's body is read for the sake of its
	// connection.
	drained = 64 << 10
)

// follow sends a request and follows redirects.
func (c *Client) follow(req *http.Request) (*http.Response, error) {
	most := c.MaxRedirects
	if most == 0 {
		most = defaultRedirects
	}
	for n := 0; ; n++ {
		resp, err := c.try(req)
		if err != nil || most < 0 {
			return resp, err
		}
		next, err := redirected(req, resp)
		if next == nil && err == nil {
			return resp, nil
		}
		if err == nil && n == most {
			err = &RedirectError{resp.Header.Get("Location"), fmt.Sprintf("the last of %d redirects", n)}
		}
		if err != nil {
			drain(resp)
			return nil, urlError(req, err)
		}
		next.Response = resp
		if c.Redirected != nil {
			if err := c.Redirected(next, resp); errors.Is(err, http.ErrUseLastResponse) {
				closeBody(next)
				return resp, nil
			} else if err != nil {
				closeBody(next)
				drain(resp)
				return nil, err
			}
		}
		drain(resp)
		req = next
	}
}

func urlError(req *http.Request, err error) error {
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	return &url.Error{Op: method[:1] + strings.ToLower(method[1:]), URL: req.URL.Redacted(), Err: err}
}

// drain closes a body that nobody wants, so that its connection can be used.
func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, drained)
	resp.Body.Close()
}

// redirected returns the request that a redirect leads to (RFC 9110 §15.4), nil
// if the answer is none that is followed: without Location, or when the body
// would have to be sent again and cannot be.
func redirected(req *http.Request, resp *http.Response) (*http.Request, error) {
	method, again := methodAfter(req.Method, resp.StatusCode)
	location := resp.Header.Get("Location")
	if method == "" || location == "" {
		return nil, nil
	}
	if again = again && hasBody(req); again && req.GetBody == nil {
		return nil, nil
	}
	to, err := req.URL.Parse(location)
	switch {
	case err != nil:
		return nil, &RedirectError{location, "it is no URL"}
	case to.Scheme != "http" && to.Scheme != "https" || to.Host == "":
		return nil, &RedirectError{location, "only http and https are followed"}
	}
	if to.Host, err = ASCIIHost(to.Host); err != nil {
		return nil, &RedirectError{location, err.Error()}
	}
	if to.Fragment == "" { // RFC 9110 §10.2.2
		to.Fragment, to.RawFragment = req.URL.Fragment, req.URL.RawFragment
	}
	next := req.Clone(req.Context())
	next.URL, next.Method = to, method
	if !again {
		next.Body, next.GetBody, next.ContentLength, next.TransferEncoding, next.Trailer = nil, nil, 0, nil, nil
	} else if next.Body, err = req.GetBody(); err != nil {
		return nil, err
	}
	if method != req.Method && req.Method != "" {
		withoutContent(next.Header)
	}
	next.Header.Del("Referer") // RFC 9110 §15.4: it was about the other resource
	if outbound.SameOrigin(req.URL, to) {
		to.User = req.URL.User
	} else {
		to.User, next.Host = nil, ""
		for _, name := range [...]string{"Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Origin"} {
			next.Header.Del(name)
		}
	}
	return next, nil
}

// methodAfter returns the method with which a redirect is followed, and whether
// the body goes with it; "" when the status is none that is followed. As in
// browsers, POST becomes GET after 301 and 302, any method but HEAD after 303.
func methodAfter(method string, status int) (next string, body bool) {
	if method == "" {
		method = http.MethodGet
	}
	switch status {
	case http.StatusMovedPermanently, http.StatusFound:
		if method == http.MethodPost {
			return http.MethodGet, false
		}
		return method, true
	case http.StatusSeeOther:
		if method == http.MethodHead {
			return method, false
		}
		return http.MethodGet, false
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return method, true
	}
	return "", false
}

// withoutContent deletes the fields that are about a body (RFC 9110 §15.4).
func withoutContent(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "Content-") {
			delete(h, name)
		}
	}
	for _, name := range [...]string{"Digest", "Last-Modified", "Expect", "Trailer", "Transfer-Encoding"} {
		delete(h, name)
	}
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }
