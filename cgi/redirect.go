package cgi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// maxRedirects is how many local redirects one request may lead to.
const maxRedirects = 10

// redirectKey is the context's key for how often a request was redirected.
type redirectKey struct{}

// redirects returns how many local redirects led to a request.
func redirects(ctx context.Context) int {
	n, _ := ctx.Value(redirectKey{}).(int)
	return n
}

// redirect answers with what a path leads to that the program named
// (RFC 3875 §6.2.2).
func (x *exchange) redirect(to string) {
	n := redirects(x.r.Context()) + 1
	if n > maxRedirects {
		x.fail(nil, &gateway.Fault{Rule: rule.ScriptRedirectLoop, Detail: to})
		return
	}
	to, _, _ = strings.Cut(to, "#")
	u, err := url.ParseRequestURI(to)
	if err != nil {
		x.fail(nil, &gateway.Fault{Rule: rule.ScriptHeadInvalid, Detail: "Location is no path", Err: err})
		return
	}
	next := x.h.o.Redirects
	if next == nil {
		next = x.h
	}
	next.ServeHTTP(x.w, redirected(x.r, u, to, n))
}

// redirected is the request that a local redirect stands for: with GET, or
// HEAD for HEAD, and without a body.
func redirected(r *http.Request, u *url.URL, target string, n int) *http.Request {
	to := r.WithContext(context.WithValue(r.Context(), redirectKey{}, n))
	to.Header = make(http.Header, len(r.Header))
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	for name, values := range r.Header {
		switch {
		case strings.HasPrefix(name, "Content-"), name == "Expect", name == "Trailer", name == "Transfer-Encoding":
		case !safe && (strings.HasPrefix(name, "If-") || name == "Range"): // they were for what the other method does
		default:
			to.Header[name] = values
		}
	}
	if r.Method != http.MethodHead {
		to.Method = http.MethodGet
	}
	to.URL, to.RequestURI = u, target
	to.Body, to.ContentLength, to.TransferEncoding, to.Trailer = http.NoBody, 0, nil, nil
	to.Form, to.PostForm, to.MultipartForm = nil, nil, nil
	return to
}
