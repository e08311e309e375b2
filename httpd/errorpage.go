package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// PageKind is the form of an error page.
type PageKind uint8

const (
	PageText    PageKind = iota // for tools: a few lines of plain text
	PageHTML                    // for people with a browser
	PageProblem                 // for programs: application/problem+json (RFC 9457)

	// NumPageKinds is how many kinds there are, for tables of prebuilt pages.
	NumPageKinds = iota
)

// PageKindOf chooses the kind of page for the value of an Accept field. A page
// is HTML only for clients that name HTML: a tool that sends no Accept, or
// */*, prints what it gets on a terminal.
func PageKindOf(accept string) PageKind {
	if accept == "" {
		return PageText
	}
	switch field.BestType(accept, "text/plain", "text/html", "application/problem+json", "application/json") {
	case 1:
		return PageHTML
	case 2, 3:
		return PageProblem
	}
	return PageText
}

// ContentType returns the media type of a page of this kind.
func (k PageKind) ContentType() string {
	switch k {
	case PageHTML:
		return "text/html; charset=utf-8"
	case PageProblem:
		return "application/problem+json"
	}
	return "text/plain; charset=utf-8"
}

// AppendErrorPage appends the built-in page for a status code: its phrase, a
// sentence that explains it, and message, which says what was wrong this time
// and may be "".
func AppendErrorPage(dst []byte, kind PageKind, code int, message string) []byte {
	return new(Pages).Append(dst, kind, code, message)
}

// Error answers a request with an error page, as http.Error does, but in the
// form that the client prefers, and with the fields of the answer in order:
//
//   - fields that describe another body (ETag, Content-Encoding, …) are removed;
//   - Vary gains Accept, X-Content-Type-Options is set;
//   - Cache-Control stays when it suits an error, else it becomes no-store: a
//     missing file must not be missing for the year that it was meant to live.
//
// The page is the one of the [Pages] in the request's context, else the
// built-in one. Like http.Error it does not end the handler.
func Error(w http.ResponseWriter, r *http.Request, code int, message string) {
	p, _ := r.Context().Value(pagesKey{}).(*Pages)
	p.Error(w, r, code, message)
}

// Pages makes error pages. The zero value, and nil, make the built-in ones.
type Pages struct {
	// Template makes the HTML pages instead of the built-in page. It is
	// executed with a [PageData]. When it fails, the built-in page is sent.
	Template ErrorTemplate
}

// ErrorTemplate is what a *template.Template of html/template is. It is named
// by its method so that programs without one do not link that package.
type ErrorTemplate interface {
	Execute(w io.Writer, data any) error
}

// PageData is what [Pages.Template] is executed with.
type PageData struct {
	Code        int    // 404
	Phrase      string // Not Found
	Explanation string // what the code means, in a sentence
	Message     string // what was wrong this time, or ""
}

type pagesKey struct{}

// Context returns a context in which [Error] uses p. Server.BaseContext is the
// place to call it: every request then has it, at no cost of its own.
func (p *Pages) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, pagesKey{}, p)
}

// Error is the function [Error] with these pages.
func (p *Pages) Error(w http.ResponseWriter, r *http.Request, code int, message string) {
	h := w.Header()
	if wire.BodylessStatus(code) {
		w.WriteHeader(code) // RFC 9110 §6.4.1: these have no content
		return
	}
	for _, name := range describesBody {
		h.Del(name)
	}
	if code != http.StatusRequestedRangeNotSatisfiable {
		h.Del("Content-Range") // there it tells the length (RFC 9110 §15.5.17)
	}
	if !suitsError(code, strings.Join(h.Values("Cache-Control"), ",")) {
		h.Set("Cache-Control", "no-store")
	}
	varyByAccept(h)
	kind := PageKindOf(strings.Join(r.Header.Values("Accept"), ","))
	page := p.Append(nil, kind, code, message)
	h.Set("Content-Type", kind.ContentType())
	h.Set("Content-Length", strconv.Itoa(len(page)))
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		w.Write(page) // an error here means that the client has gone
	}
}

// describesBody are fields that a handler may have set for the body that it
// wanted to send. They would be lies about an error page.
var describesBody = []string{
	"Accept-Ranges", "Content-Digest", "Content-Disposition", "Content-Encoding", "Content-Language",
	"Content-Length", "Content-Location", "Etag", "Expires", "Last-Modified", "Repr-Digest", "Trailer",
}

// maxErrorAge is the longest lifetime, in seconds, that an error may have.
const maxErrorAge = 3600

// suitsError reports whether a Cache-Control that was set before the error is
// right for it. It is when it forbids reuse; and when it names a lifetime of
// an hour at most, for codes that describe the resource and not the moment
// (those that RFC 9110 §15.1 lets a cache keep).
func suitsError(code int, cacheControl string) bool {
	short := false
	for elem, rest, ok := field.NextElement(cacheControl); ok; elem, rest, ok = field.NextElement(rest) {
		name, value, _ := strings.Cut(elem, "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return true
		case "immutable":
			return false
		case "max-age", "s-maxage":
			age, err := strconv.Atoi(strings.Trim(value, `"`))
			if err != nil || age > maxErrorAge {
				return false
			}
			short = true
		}
	}
	switch code {
	case 404, 405, 410, 414, 501:
		return short
	}
	return false
}

// varyByAccept adds Accept to Vary, unless it is there.
func varyByAccept(h http.Header) {
	vary := strings.Join(h.Values("Vary"), ", ")
	switch {
	case vary == "":
		h.Set("Vary", "Accept")
	case !field.HasToken(vary, "Accept") && !field.HasToken(vary, "*"):
		h.Set("Vary", vary+", Accept")
	}
}

// Append appends the page for a status code; see [AppendErrorPage].
func (p *Pages) Append(dst []byte, kind PageKind, code int, message string) []byte {
	d := PageData{code, wire.Phrase(code), wire.Explain(code), strings.ToValidUTF8(message, "\uFFFD")}
	switch kind {
	case PageHTML:
		if p != nil && p.Template != nil {
			var b bytes.Buffer
			if p.Template.Execute(&b, d) == nil {
				return append(dst, b.Bytes()...)
			}
		}
		return appendHTMLPage(dst, &d)
	case PageProblem:
		return appendProblem(dst, &d)
	}
	return appendTextPage(dst, &d)
}

func appendTextPage(dst []byte, d *PageData) []byte {
	dst = strconv.AppendInt(dst, int64(d.Code), 10)
	dst = append(append(dst, ' '), d.Phrase...)
	for _, sentence := range []string{d.Explanation, d.Message} {
		if sentence != "" {
			dst = append(append(dst, "\n\n"...), sentence...)
		}
	}
	return append(dst, '\n')
}

// appendProblem appends the problem object of RFC 9457 §3. With about:blank
// the title is the phrase of the status code (§4.2.1).
func appendProblem(dst []byte, d *PageData) []byte {
	detail := d.Message
	if detail == "" {
		detail = d.Explanation
	}
	object, _ := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{"about:blank", d.Phrase, d.Code, detail}) // strings and a number: cannot fail
	return append(append(dst, object...), '\n')
}

// The built-in page: no script, no picture to fetch, under 2 KB, and in a text
// browser a heading and two paragraphs.
const (
	pageHead = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>`
	pageStyle = `</title>
<style>
:root{--paper:#f7fafb;--ink:#17262e;--soft:#566b76;--accent:#00708c;--line:#d5e1e6}
@media(prefers-color-scheme:dark){:root{--paper:#0f171c;--ink:#e3ecf0;--soft:#93a8b3;--accent:#5cc8e0;--line:#263740}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink);font:1.0625rem/1.55 system-ui,sans-serif}
main{box-sizing:border-box;width:100%;max-width:36rem;padding:2rem 1.5rem 14vh}
h1{margin:0 0 1rem;font-size:1.5rem;font-weight:600;line-height:1.2}
h1 b{display:block;color:var(--accent);font-size:4.5rem;font-weight:300;letter-spacing:-.04em}
p{margin:0 0 .75rem;overflow-wrap:anywhere}
.why{color:var(--soft);border-left:3px solid var(--line);padding-left:.875rem}
.why::first-letter{text-transform:uppercase}
a{color:var(--accent)}
</style>
<main>
<h1><b>`
)

func appendHTMLPage(dst []byte, d *PageData) []byte {
	code, phrase := strconv.Itoa(d.Code), html.EscapeString(d.Phrase)
	dst = append(append(append(append(dst, pageHead...), code...), ' '), phrase...)
	dst = append(append(append(append(dst, pageStyle...), code...), "</b> "...), phrase...)
	dst = append(dst, "</h1>\n"...)
	if d.Explanation != "" {
		dst = append(append(append(dst, "<p>"...), html.EscapeString(d.Explanation)...), "</p>\n"...)
	}
	if d.Message != "" {
		dst = append(append(append(dst, `<p class="why">`...), html.EscapeString(d.Message)...), "</p>\n"...)
	}
	if d.Code == 404 || d.Code == 410 {
		dst = append(dst, "<p><a href=\"/\">Go to the start page</a></p>\n"...)
	}
	return append(dst, "</main>\n"...)
}
