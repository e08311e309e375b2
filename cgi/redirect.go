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

// redirectKey is the context's key for where local redirects led to.
type redirectKey struct{}

// redirects returns how many local redirects led to a request.
func redirects(ctx context.Context) int { return len(trail(ctx)) }

// trail returns where local redirects led to, the latest last.
func trail(ctx context.Context) []string {
	targets, _ := ctx.Value(redirectKey{}).([]string)
	return targets
}

// redirect answers with what a path leads to that the program named
// (RFC 3875 §6.2.2).
func (x *exchange) redirect(to string) {
	been := trail(x.r.Context())
	if len(been) >= maxRedirects || goesRound(x.r, been, to) {
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
	next.ServeHTTP(x.w, redirected(x.r, u, append(slices.Clip(been), to)))
}

// goesRound reports whether a redirect leads to where the request has been. A
// cache in front would have it wait for itself.
func goesRound(r *http.Request, been []string, to string) bool {
	return slices.Contains(been, to) || len(been) == 0 && isSafe(r.Method) && r.RequestURI == to
}

// isSafe reports whether a request has the method that local redirects have.
func isSafe(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// redirected is the request that a local redirect stands for: with GET, or
// HEAD for HEAD, and without a body. The last of been is its target.
func redirected(r *http.Request, u *url.URL, been []string) *http.Request {
	to := r.WithContext(context.WithValue(r.Context(), redirectKey{}, been))
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
	to.URL, to.RequestURI = u, been[len(been)-1]
	to.Body, to.ContentLength, to.TransferEncoding, to.Trailer = http.NoBody, 0, nil, nil
	to.Form, to.PostForm, to.MultipartForm = nil, nil, nil
	return to
}
