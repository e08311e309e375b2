package check

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"freshet/internal/field"
)

// An examination is the active checks of one address: further requests, each
// of which differs in one thing from one before, and what the differences of
// the answers say.
type examination struct {
	*Checker
	ctx    context.Context
	url    *url.URL
	http2  bool // the server speaks HTTP/2 only
	found  map[Finding]bool
	lost   int             // requests that got no answer
	waited bool            // codings were waited for
	told   map[string]bool // notes about a 304
	add    func(Finding)

	base   *reply // to a browser's request
	plain  *reply // to the same, without a coding
	stable bool   // the content is the same each time

	doubts []doubt // of the step that is being made
	again  bool    // it is made once more, and only doubts count
}

// examine makes the active checks of an address. main is the answer to a
// browser's request, over the protocol that a browser would take.
func (c *Checker) examine(ctx context.Context, r *Result, main *reply, u *url.URL) {
	e := &examination{Checker: c, ctx: ctx, url: u, found: map[Finding]bool{}, told: map[string]bool{}, base: main}
	e.add = func(f Finding) { r.add(f) }
	if main.Proto == "HTTP/2.0" && !e.overHTTP1(main) {
		e.http2 = true
	}
	if e.first(originOf(u)) {
		e.server()
	}
	if e.base.Status != 200 || e.base.endless() {
		return
	}
	e.content()
	if e.plain == nil {
		return
	}
	e.surely(e.head)
	e.conditional()
	e.surely(e.ranges)
	e.negotiation()
	e.query()
	e.surely(e.codings)
}

// report notes a finding, once.
func (e *examination) report(id, where, detail string) {
	if e.again {
		return
	}
	f := Finding{activeNote(id), where, detail}
	if !e.found[f] {
		e.found[f] = true
		e.add(f)
	}
}

// maxLost is how many requests may get no answer, before no more are sent.
const maxLost = 3

// ask sends a request and returns the answer, nil when there is none, which
// is noted. where is what the answer is called.
func (e *examination) ask(where string, p probe) *reply {
	if e.lost >= maxLost || e.ctx.Err() != nil {
		return nil
	}
	if p.url == nil {
		p.url = e.url
	}
	p.http2 = e.http2
	r, err := e.client.do(e.ctx, p)
	if err != nil {
		e.lost++
		if e.ctx.Err() == nil {
			e.report("answer-missing", where, err.Error())
		}
		return nil
	}
	for _, f := range r.faults {
		e.report(f.note, where, f.detail)
	}
	if p.close && !e.http2 && r.whole && !r.ended && e.first("close "+originOf(p.url)) {
		e.report("connection-not-closed", where, "")
	}
	return r
}

// with is a request with fields in place of the usual ones; a value of "" is
// a field that is left out.
func with(fields ...string) probe {
	h := http.Header{}
	for i := 0; i < len(fields); i += 2 {
		h[fields[i]] = nil
		if fields[i+1] != "" {
			h[fields[i]] = []string{fields[i+1]}
		}
	}
	return probe{header: h}
}

// overHTTP1 asks again over HTTP/1.1, which the other checks are made in, and
// compares. It is false when the server does not speak it.
func (e *examination) overHTTP1(main *reply) bool {
	r, err := e.client.do(e.ctx, probe{url: e.url})
	if err != nil {
		return false
	}
	e.base = r
	if r.Status != main.Status {
		e.report("http2-differs", "the status code", fmt.Sprintf("%d, and %d over HTTP/1.1", main.Status, r.Status))
		return true
	}
	for _, name := range []string{"Cache-Control", "Content-Type", "Etag", "Vary", "Strict-Transport-Security"} {
		if a, b := main.get(name), r.get(name); !sameValue(name, a, b) {
			e.report("http2-differs", name, fmt.Sprintf("%s, and %s over HTTP/1.1", quoted(a), quoted(b)))
		}
	}
	return true
}

// content asks twice more: for the same, and for what has no coding.
func (e *examination) content() {
	again := e.ask("the second answer", probe{})
	if again == nil {
		return
	}
	// Without either, another address that is checked meanwhile has taken it.
	lost := !e.base.kept || again.missed
	if !e.http2 && !again.reused && lost && e.base.whole && e.first("keep "+originOf(e.url)) {
		detail := "the server closes it"
		if e.base.hasToken("Connection", "close") {
			detail = "the answer says Connection: close"
		}
		e.report("connection-not-kept", "the connection", detail)
	}
	sameCoding := e.base.get("Content-Encoding") == again.get("Content-Encoding")
	e.stable = sameCoding && sameBytes(e.base, again)
	tag, tagAgain := e.base.get("Etag"), again.get("Etag")
	switch {
	case !sameCoding || !e.base.whole || !again.whole || tag == "" || tagAgain == "":
	case e.base.sum == again.sum && tag != tagAgain && !sameTag(tag, tagAgain):
		e.report("etag-changes", "ETag", tag+", then "+tagAgain)
	case e.base.sum != again.sum && tag == tagAgain && !strings.HasPrefix(tag, "W/"):
		e.report("etag-two-bodies", "ETag", tag)
	}
	e.plain = e.ask("the answer without a coding", with("Accept-Encoding", "identity"))
	if e.plain != nil && e.plain.Status != 200 {
		e.plain = nil
	}
	if !sameCoding && e.plain != nil {
		// A coding was made between the two. What they decode to may differ for
		// that, too: a coded file may be an old one.
		again = e.ask("the second answer without a coding", with("Accept-Encoding", "identity"))
		e.stable = again != nil && sameBytes(e.plain, again)
	}
}

// sameBytes reports whether two bodies are the same, as far as they are kept.
func sameBytes(a, b *reply) bool {
	return a.sum == b.sum && a.whole == b.whole && a.get("Content-Length") == b.get("Content-Length")
}

// get returns the value of a field of the answer: its lines, joined by commas.
func (r *reply) get(name string) string { return strings.Join(r.Header[name], ", ") }

// hasToken reports whether a list of the answer has a token.
func (r *reply) hasToken(name, token string) bool {
	return slices.ContainsFunc(r.Header[name], func(line string) bool { return field.HasToken(line, token) })
}

// varies reports whether Vary has a field, or says that anything counts.
func (r *reply) varies(name string) bool { return r.hasToken("Vary", name) || r.hasToken("Vary", "*") }

// shared reports whether a shared cache may store the answer.
func (r *reply) shared() bool { return newSubject(&r.Exchange).shared.Store }

// mediaType is the Content-Type without parameters, in lower case.
func (r *reply) mediaType() string {
	t, _, _ := strings.Cut(r.get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func quoted(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
