package cgi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// maxRedirects is how many local redirects one request may lead to.
const maxRedirects = 10

// redirectKey is the context's key of a trail.
type redirectKey struct{}

// trail is the way that a request has come.
type trail struct {
	redirects int
	been      []string // targets that were asked for with GET or HEAD
}

// redirects returns how many local redirects led to a request.
func redirects(ctx context.Context) int { return trailOf(ctx).redirects }

func trailOf(ctx context.Context) trail {
	t, _ := ctx.Value(redirectKey{}).(trail)
	return t
}

// redirect answers with what a path leads to that the program named
// (RFC 3875 §6.2.2).
func (x *exchange) redirect(to string) {
	t := trailOf(x.r.Context())
	if isSafe(x.r.Method) {
		t.been = append(slices.Clip(t.been), x.r.RequestURI)
	}
	// A cache in front would have what goes round wait for itself.
	if t.redirects++; t.redirects > maxRedirects || slices.Contains(t.been, to) {
		x.fail(nil, &gateway.Fault{Rule: rule.ScriptRedirectLoop, Detail: to})
		return
	}
	u, err := url.ParseRequestURI(to)
	if err != nil {
		x.fail(nil, &gateway.Fault{Rule: rule.ScriptHeadInvalid, Detail: "Location is no path", Err: err})
		return
	}
	next := x.h.o.Redirects
	if next == nil {
		next = x.h
	}
	next.ServeHTTP(gateway.Private(x.w), redirected(x.r, u, to, t))
}

// isSafe reports whether a request has the method that local redirects have.
func isSafe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// redirected is the request that a local redirect stands for: with GET, or
// HEAD for HEAD, and without a body.
func redirected(r *http.Request, u *url.URL, target string, t trail) *http.Request {
	to := r.WithContext(context.WithValue(r.Context(), redirectKey{}, t))
	to.Header = make(http.Header, len(r.Header))
	safe := isSafe(r.Method)
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
