package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Client does what people expect of a program that fetches: it follows
// redirects, keeps cookies, undoes codings and tries again. The zero value
// follows redirects, and nothing else. Fields must not change after first use.
// All methods may be called at the same time.
//
// It is not http.Client, which can have a [Transport], too: that one makes GET of
// every method after 301 and 302, keeps credentials when the port or the scheme
// changes and for subdomains, sends a Referer, and takes a Location that is no
// URL for an error even when nobody follows it. Credentials in a URL are sent as
// Basic ones, as there.
type Client struct {
	// Transport makes exchanges; nil means one of this package without a cache.
	Transport http.RoundTripper

	// Jar keeps cookies; nil means that they are not kept. See
	// [Jar].
	Jar http.CookieJar

	// MaxRedirects bounds the redirects that are followed for one request; the
	// next one is an error, a *RedirectError. 0 means 20, as in browsers;
	// negative: none is followed, and the redirect is the answer.
	MaxRedirects int

	// Redirected, if not nil, is called before a redirect is followed, and may
	// change what is asked next. With http.ErrUseLastResponse the redirect is
	// the answer; other errors are Do's.
	Redirected func(next *http.Request, redirect *http.Response) error

	// Decode asks for compressed answers (zstd, br, gzip), unless the request
	// has an Accept-Encoding or a Range, and undoes what came. Then
	// Content-Encoding and Content-Length are gone, and Uncompressed is true. A
	// body that becomes 250 times longer, beyond 16 MiB, ends in an error.
	Decode bool

	// Retry says what is tried again; the zero value, nothing.
	Retry Retry

	// Timeout bounds all of a request, with redirects, pauses between tries and
	// the reading of the body. 0 means no bound but that of its context.
	Timeout time.Duration

	// UserAgent is sent with requests that have none; "" sends nothing.
	UserAgent string

	once sync.Once
	own  *Transport
}

func (c *Client) transport() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	c.once.Do(func() { c.own = &Transport{} })
	return c.own
}

// CloseIdleConnections closes the connections of Transport that are not in use.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport().(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Get does a GET request; see Do.
func (c *Client) Get(ctx context.Context, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return c.Do(req)
}

// Do sends a request and returns the answer to it, or to the last it was
// redirected to: that is in the answer's Request, whose Response is the redirect.
// The body of the answer is to be read to its end or closed. Errors are of type
// *url.Error, or what Redirected returned. A status of 400 or more is no error.
// Hosts that are not ASCII are asked for by their ASCII form, see [ASCIIHost].
//
// The request is not changed; its body is closed.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		closeBody(req)
		return nil, errors.New("client: the request has no URL")
	}
	if c.Timeout <= 0 {
		return c.do(req.Context(), req)
	}
	ctx, end := context.WithTimeout(req.Context(), c.Timeout)
	resp, err := c.do(ctx, req)
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &endingBody{ReadCloser: resp.Body, end: end}
	return resp, nil
}

func (c *Client) do(ctx context.Context, req *http.Request) (*http.Response, error) {
	decodes := c.Decode && len(req.Header["Accept-Encoding"]) == 0 && len(req.Header["Range"]) == 0
	first := req.Clone(ctx)
	if first.Header == nil {
		first.Header = http.Header{}
	}
	if err := named(first); err != nil {
		closeBody(req)
		return nil, urlError(req, err)
	}
	if c.UserAgent != "" && len(first.Header["User-Agent"]) == 0 {
		first.Header["User-Agent"] = []string{c.UserAgent}
	}
	if decodes {
		first.Header["Accept-Encoding"] = []string{acceptable}
	}
	resp, err := c.follow(first)
	if err == nil && decodes {
		decode(resp)
	}
	return resp, err
}

// exchange sends a request once, with the cookies and the credentials that belong
// to its URL.
func (c *Client) exchange(req *http.Request) (*http.Response, error) {
	sent := *req
	sent.Header = req.Header.Clone()
	if c.Jar != nil {
		for _, cookie := range c.Jar.Cookies(req.URL) {
			sent.AddCookie(cookie)
		}
	}
	if u := req.URL.User; u != nil && len(sent.Header["Authorization"]) == 0 {
		password, _ := u.Password()
		sent.SetBasicAuth(u.Username(), password)
	}
	resp, err := c.transport().RoundTrip(&sent)
	if err != nil {
		return nil, urlError(req, err)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	if resp.Request == nil {
		resp.Request = &sent
	}
	if c.Jar != nil {
		if cookies := resp.Cookies(); len(cookies) > 0 {
			c.Jar.SetCookies(req.URL, cookies)
		}
	}
	return resp, nil
}

// endingBody ends a context with a body.
type endingBody struct {
	io.ReadCloser
	end context.CancelFunc
}

func (b *endingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *endingBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}
