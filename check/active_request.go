package check

import (
	"fmt"
	"net/url"
	"strings"
)

// head compares HEAD with GET.
func (e *examination) head() {
	const where = "the answer to HEAD"
	r := e.ask(where, probe{method: "HEAD", close: true})
	if r == nil {
		return
	}
	if r.Status != e.base.Status {
		e.report("head-status", where, fmt.Sprintf("%d, and GET gets %d", r.Status, e.base.Status))
		return
	}
	if r.extra > 0 {
		e.report("head-body", where, count(r.extra, "byte", "bytes"))
	}
	// Another coding is another representation, with other fields.
	if r.get("Content-Encoding") != e.base.get("Content-Encoding") {
		return
	}
	for _, name := range []string{"Cache-Control", "Content-Disposition", "Content-Language", "Content-Type", "Etag", "Last-Modified", "Vary"} {
		is, was := r.get(name), e.base.get(name)
		if is != "" && was != "" && !sameValue(name, is, was) {
			e.doubtful(e.base, "head-differs", spelled(name)+" of "+where, is+", and GET has "+was)
		}
	}
	if is, was := r.get("Content-Length"), e.base.get("Content-Length"); is != "" && was != "" && is != was {
		e.doubtful(e.base, "head-length", where, is+", and GET has "+was)
	}
}

// negotiation asks for another language, another media type, and on behalf of
// a page of another origin.
func (e *examination) negotiation() {
	e.language()
	e.mediaTypes()
	const other = "https://freshet-check.example"
	r := e.ask("the answer to Origin", with("Origin", other))
	if r == nil || r.Status != 200 {
		return
	}
	const allow = "Access-Control-Allow-Origin"
	if r.get(allow) == e.base.get(allow) {
		return
	}
	for _, x := range []*reply{r, e.base} {
		if !x.varies("Origin") && x.shared() {
			e.report("origin-no-vary", allow, fmt.Sprintf("%s to Origin: %s, and %s without", quoted(r.get(allow)), other, quoted(e.base.get(allow))))
		}
	}
}

func (e *examination) language() {
	r := e.ask("the answer to Accept-Language: de", with("Accept-Language", "de"))
	if r == nil || r.Status != 200 {
		return
	}
	is, was := r.get("Content-Language"), e.base.get("Content-Language")
	switch {
	case is != was && is != "" && was != "":
		for _, x := range []*reply{r, e.base} {
			if !x.varies("Accept-Language") && x.shared() {
				e.report("language-no-vary", "Content-Language", was+", and "+is+" to Accept-Language: de")
				return
			}
		}
	case e.base.hasToken("Vary", "Accept-Language") && e.same(r):
		if r = e.ask("the answer to Accept-Language: fr", with("Accept-Language", "fr")); r != nil && e.same(r) {
			e.report("vary-without-effect", "Vary", "Accept-Language: en, de, fr")
		}
	}
}

func (e *examination) mediaTypes() {
	asked := "application/json"
	if strings.HasPrefix(e.base.mediaType(), "image/") {
		asked = "image/avif,image/webp,*/*;q=0.8"
	} else if e.base.mediaType() == asked {
		asked = "text/html"
	}
	r := e.ask("the answer to Accept: "+asked, with("Accept", asked))
	if r == nil || r.Status != 200 {
		return
	}
	is, was := r.mediaType(), e.base.mediaType()
	if is == was {
		return
	}
	for _, x := range []*reply{r, e.base} {
		if !x.varies("Accept") && x.shared() {
			e.report("type-no-vary", "Content-Type", was+", and "+is+" to Accept: "+asked)
			return
		}
	}
}

// same reports whether an answer is the first one again.
func (e *examination) same(r *reply) bool {
	return e.stable && e.base.sum == r.sum && e.base.get("Content-Encoding") == r.get("Content-Encoding")
}

// query asks with a query that nobody knows, once for each origin. It matters
// only for what is kept.
func (e *examination) query() {
	if e.url.RawQuery != "" || !e.stable {
		return
	}
	s := newSubject(&e.base.Exchange)
	if !s.shared.Store || s.shared.Terms.NoCache || s.shared.Terms.Lifetime == 0 || len(e.base.Header["No-Vary-Search"]) > 0 {
		return
	}
	if !e.first("query " + originOf(e.url)) {
		return
	}
	u := *e.url
	u.RawQuery = "freshet-check=1"
	if r := e.ask("the answer to a query", probe{url: &u}); r != nil && r.Status == 200 && e.same(r) {
		e.report("query-without-effect", "the query", "?"+u.RawQuery)
	}
}

// server checks what is the same for all addresses of an origin.
func (e *examination) server() {
	if e.url.Scheme == "https" {
		e.secure()
	}
	if !e.http2 {
		e.oldClient()
		e.withoutHost()
	}
	e.methods()
	e.missing()
}

func (e *examination) secure() {
	if http2, err := e.client.speaksHTTP2(e.ctx, e.url); err == nil && !http2 {
		e.report("http2-missing", "the server", "")
	}
	if e.url.Port() != "" {
		return
	}
	open := *e.url
	open.Scheme = "http"
	r, err := e.client.do(e.ctx, probe{url: &open, close: true})
	if err != nil {
		return // nobody listens there
	}
	switch {
	case r.Status/100 == 2:
		e.report("http-beside-https", open.String(), fmt.Sprint(r.Status))
	case r.Status/100 == 3:
		if to, err := open.Parse(r.get("Location")); err == nil && to.Scheme == "http" && normalised(to).Host == open.Host {
			e.report("http-beside-https", open.String(), fmt.Sprintf("%d to %s", r.Status, to))
		}
	}
}

// oldClient asks in HTTP/1.0.
func (e *examination) oldClient() {
	const where = "the answer to HTTP/1.0"
	if r := e.ask(where, probe{http10: true, close: true}); r != nil && r.chunks {
		e.report("http10-chunked", where, "")
	}
}

// withoutHost asks in HTTP/1.1 for nobody.
func (e *examination) withoutHost() {
	const where = "the answer without Host"
	if r, err := e.client.do(e.ctx, probe{url: e.url, noHost: true, close: true}); err == nil && r.Status/100 == 2 {
		e.report("host-missing-accepted", where, fmt.Sprint(r.Status))
	}
}

// methods tries TRACE, and a method that there is not.
func (e *examination) methods() {
	const secret = "freshet-check-trace"
	p := with("X-Freshet-Check", secret)
	p.method = "TRACE"
	if e.http2 {
		return // net/http sends neither
	}
	p.close = true
	if r := e.ask("the answer to TRACE", p); r != nil && r.Status == 200 && strings.Contains(string(r.Body), secret) {
		e.report("trace-enabled", "the answer to TRACE", "")
	}
	const where = "the answer to the method FRESHET-CHECK"
	r := e.ask(where, probe{method: "FRESHET-CHECK", close: true})
	switch {
	case r == nil:
	case r.Status/100 == 2:
		e.report("method-unknown-succeeds", where, fmt.Sprint(r.Status))
	case r.Status == 405 && len(r.Header["Allow"]) == 0:
		e.report("method-allow-missing", where, "")
	}
}

// keptLong is from when on the lifetime of a 404 is noted, in nanoseconds.
const keptLong = 24 * 3600 * second

// missing asks for a page that there is not.
func (e *examination) missing() {
	u := &url.URL{Scheme: e.url.Scheme, Host: e.url.Host, Path: "/freshet-check-no-such-page"}
	where := "the answer to " + u.Path
	r := e.ask(where, probe{url: u})
	switch {
	case r == nil:
	case r.Status == 200 && e.isStart(r):
		e.report("missing-page-is-start", where, "200")
	case r.Status == 200:
		e.report("missing-page-succeeds", where, "200")
	case r.Status/100 == 5:
		e.report("missing-page-fails", where, fmt.Sprint(r.Status))
	case r.Status == 404 || r.Status == 410:
		if s := newSubject(&r.Exchange); s.private.Store && s.private.Explicit && s.private.Terms.Lifetime > keptLong {
			e.report("missing-page-kept", where, r.get("Cache-Control"))
		}
	}
}

// isStart reports whether an answer is the page at the root: that of an
// application with its own routing.
func (e *examination) isStart(r *reply) bool {
	start := e.base
	if e.url.Path != "/" || e.url.RawQuery != "" {
		start = e.ask("the answer to /", probe{url: &url.URL{Scheme: e.url.Scheme, Host: e.url.Host, Path: "/"}})
	}
	return start != nil && start.Status == 200 && start.mediaType() == "text/html" && sameBytes(start, r)
}
