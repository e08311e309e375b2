package app

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/client"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// getWhy is what is known of why an answer is what it is.
type getWhy struct {
	url    *url.URL
	method string
	resp   *http.Response // nil without an answer
	why    client.Why
	ok     bool   // why is known
	passed string // why the cache was passed
}

// noteWhy notes it of a hop, once its body was read or given up.
func (f *fetch) noteWhy(h *getHop, resp *http.Response) {
	w := getWhy{url: h.url, method: h.method, resp: resp}
	if resp != nil {
		w.why, w.ok = client.From(resp)
	}
	switch {
	case f.resume.on:
		w.passed = "a part of a file was asked for, and the cache has no part in that"
	case f.cache == nil && !f.conf.Cache:
		w.passed = "there is none (--cache off)"
	case f.cache == nil && f.unlike() != "":
		w.passed = f.unlike()
	case f.cache == nil:
		w.passed = "there is none: it could not be opened"
	}
	f.whys = append(f.whys, w)
}

// verdictOf is what a request came to in the cache, "" without one.
func verdictOf(resp *http.Response) string {
	w, _ := client.From(resp)
	return w.Verdict
}

// whyIndent is where the second column of --why begins.
const whyIndent = 12

// tellWhy tells it of all hops, on standard error.
func (f *fetch) tellWhy() {
	var b strings.Builder
	for i := range f.whys {
		f.whys[i].text(&b)
	}
	io.WriteString(f.env.Stderr, b.String())
}

// text writes what is known, in lines of 80 columns at most.
func (w *getWhy) text(b *strings.Builder) {
	shown := *w.url
	shown.User = nil
	whyLine(b, "why", w.method+" "+shown.String())
	if w.resp == nil {
		whyLine(b, "answer", "none")
		return
	}
	whyLine(b, "answer", getStatusText(w.resp))
	w.own(b)
	for _, why := range notCompared(w.method, w.resp) {
		whyLine(b, "digest", why)
	}
	w.onTheWay(b)
}

// own says what the user's cache did.
func (w *getWhy) own(b *strings.Builder) {
	if !w.ok {
		why := w.passed
		if why == "" {
			why = "the request is none for a cache"
		}
		whyLine(b, "own cache", "not used: "+why)
		return
	}
	v := &w.why
	whyLine(b, "own cache", ownVerdicts[v.Verdict]+": "+withClause(v.Sentence, v.Clause))
	if v.Decided != "" {
		whyLine(b, "", "("+v.Decided+")")
	}
	switch {
	case v.Verdict == "hit" || v.Verdict == "stale" || v.Verdict == "revalidated":
		whyLine(b, "", "age "+span(v.Age)+", "+w.lasting(v.TTL))
	case v.Joined:
		whyLine(b, "", "another request was under way for the same, and its answer was taken")
	}
	switch {
	case v.Verdict == "hit" || v.Verdict == "stale":
	case !v.Done:
		whyLine(b, "kept", "not known: the answer was not read to its end")
	case v.Stored:
		whyLine(b, "kept", "yes, "+w.lasting(v.TTL))
	case v.Because != "" && v.Because == v.Sentence:
		whyLine(b, "kept", "no, for that reason")
	case v.Because != "":
		whyLine(b, "kept", "no: "+withClause(v.Because, clauseOf(v.Storing)))
	case v.Err != nil:
		whyLine(b, "kept", "no: the body did not come to its end")
	default:
		whyLine(b, "kept", "no")
	}
}

// ownVerdicts are verdicts of the cache in words.
var ownVerdicts = map[string]string{
	"hit": "hit", "stale": "hit, stale", "revalidated": "validated, still the same", "miss": "miss",
	"bypass": "passed", "refused": "refused", "handled": "nothing decided",
}

func withClause(sentence, clause string) string {
	if clause == "" {
		return sentence
	}
	return sentence + " (" + clause + ")"
}

// clauseOf is the clause of a rule by its name.
func clauseOf(name string) (clause string) {
	for _, row := range rule.All {
		if row.Name == name {
			return row.Clause
		}
	}
	return ""
}

// lasting says for how long the answer may be used.
func (w *getWhy) lasting(ttl time.Duration) string {
	for _, line := range w.resp.Header["Cache-Control"] {
		if field.HasToken(line, "no-cache") {
			return "and to be validated before each use (no-cache)"
		}
	}
	return freshFor(ttl)
}

func freshFor(ttl time.Duration) string {
	if ttl <= 0 {
		return "stale since " + span(-ttl)
	}
	return "fresh for " + span(ttl)
}

// onTheWay says what other caches say that the answer has passed, one line for
// each.
func (w *getWhy) onTheWay(b *strings.Builder) {
	h := w.resp.Header
	members := cacheMembers(h["Cache-Status"])
	if w.ok && len(members) > 0 {
		members = members[:len(members)-1] // our own
	}
	before := ""
	if w.ok && (w.why.Verdict == "hit" || w.why.Verdict == "stale") {
		before = "when it was stored: "
	}
	for _, m := range members {
		whyLine(b, "cache", fmt.Sprintf("%s%s: %s", before, m.name, m.words()))
	}
	for _, f := range []struct{ name, label string }{{"Age", "age"}, {"Via", "via"}, {"X-Cache", "x-cache"}, {"X-Cache-Hits", "x-cache-hits"}, {"Cf-Cache-Status", "cloudflare"}} {
		value := strings.Join(h[f.name], ", ")
		switch {
		case value == "":
		case f.name == "Age":
			if n, err := strconv.ParseInt(value, 10, 32); err == nil && !(w.ok && w.why.Verdict != "miss" && w.why.Verdict != "bypass") {
				whyLine(b, "age", span(time.Duration(n)*time.Second)+" when it came, says a cache on the way")
			}
		default:
			whyLine(b, f.label, before+value)
		}
	}
}

// whyLine writes a line of two columns, wrapped at 80.
func whyLine(b *strings.Builder, label, text string) {
	line := "* " + label + strings.Repeat(" ", max(whyIndent-len(label)-2, 1))
	column := len(line)
	first := true
	for _, word := range strings.Fields(printable(text)) {
		for len([]rune(word)) > 80-whyIndent { // a URL, say
			runes := []rune(word)
			if !first && column > whyIndent {
				line += "\n" + strings.Repeat(" ", whyIndent)
			}
			n := 80 - whyIndent
			line += string(runes[:n]) + "\n" + strings.Repeat(" ", whyIndent)
			word, column, first = string(runes[n:]), whyIndent, true
		}
		size := len([]rune(word))
		switch {
		case first:
		case column+1+size > 80:
			line += "\n" + strings.Repeat(" ", whyIndent)
			column = whyIndent
		default:
			line += " "
			column++
		}
		line += word
		column += size
		first = false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
}

// cacheMember is what a cache says in Cache-Status (RFC 9211).
type cacheMember struct {
	name   string
	params []string // "hit", "fwd=uri-miss"
}

// cacheMembers reads Cache-Status, the cache nearest to the origin first. What
// is not well formed is shown as it is.
func cacheMembers(lines []string) []cacheMember {
	var all []cacheMember
	for _, member := range field.Split(strings.Join(lines, ","), ',') {
		parts := field.Split(member, ';')
		if m := (cacheMember{name: strings.Trim(strings.TrimSpace(parts[0]), `"`)}); m.name != "" {
			for _, p := range parts[1:] {
				m.params = append(m.params, strings.TrimSpace(p))
			}
			all = append(all, m)
		}
	}
	return all
}

// forwardReasons are those of RFC 9211 §2.2 in words.
var forwardReasons = map[string]string{
	"bypass": "it was passed", "method": "the method is none for it", "uri-miss": "miss, it had nothing for the address",
	"vary-miss": "miss, it had answers to other requests", "miss": "miss", "request": "the request wanted it asked anew",
	"stale": "what it had was stale", "partial": "it had a part only",
}

// words are the parameters of a member in words.
func (m *cacheMember) words() string {
	var all []string
	for _, p := range m.params {
		key, value, _ := strings.Cut(p, "=")
		seconds, err := strconv.ParseInt(value, 10, 32)
		switch {
		case key == "hit":
			all = append(all, "hit")
		case key == "fwd" && forwardReasons[value] != "":
			all = append(all, forwardReasons[value])
		case key == "fwd-status":
			all = append(all, "asked on, got "+value)
		case key == "ttl" && err == nil:
			all = append(all, freshFor(time.Duration(seconds)*time.Second))
		case key == "stored":
			all = append(all, "stored")
		case key == "collapsed":
			all = append(all, "joined with another request")
		case key == "detail", key == "key":
			all = append(all, key+" "+strings.Trim(value, `"`))
		case p != "":
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return "says nothing"
	}
	return strings.Join(all, ", ")
}

// span is a time as people say it: "75 s", "20 min", "3 h 5 min", "12 d".
func span(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 120:
		return fmt.Sprintf("%d s", s)
	case s < 2*3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*3600 && s/60%60 == 0:
		return fmt.Sprintf("%d h", s/3600)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min", s/3600, s/60%60)
	}
	return fmt.Sprintf("%d d", s/86400)
}
