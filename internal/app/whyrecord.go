package app

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"

	"freshet/internal/journal"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// explainRecord explains a request by its record alone.
func explainRecord(rec *record.Record) *why.Explanation {
	row := rule.Of(rec.Rule)
	e := &why.Explanation{}
	switch {
	case row.Sentence == "":
		e.Sentence = fmt.Sprintf("It was answered with %d; nothing else is known.", rec.Status)
	case rec.Status == 0:
		e.Sentence = fmt.Sprintf("The connection was cut: %s.", row.Sentence)
	case rec.Verdict == record.Refused:
		e.Sentence = fmt.Sprintf("It was refused with %d: %s.", rec.Status, row.Sentence)
	default:
		e.Sentence = fmt.Sprintf("It was answered with %d: %s.", rec.Status, row.Sentence)
	}
	if rec.Target != "" {
		e.Compared = append(e.Compared, why.Comparison{What: "request line", Value: rec.Method + " " + rec.Target + " " + rec.Proto})
	}
	return e
}

// measured is what was measured of a request.
func measured(n *journal.Entry) []why.Comparison {
	rec := &n.Record
	waited := "from memory, without waiting"
	if rec.Waited > 0 {
		waited = why.Duration(rec.Waited) + " until the answer began"
	}
	if rec.Verdict == record.Refused {
		waited = "nobody else was asked"
	}
	if rec.Hot {
		waited = "a prebuilt answer"
	}
	all := []why.Comparison{
		{What: "took", Value: why.Duration(rec.Duration), Note: waited},
		{What: "sent", Value: why.Count(rec.Bytes, "byte")},
	}
	if d := rec.Detail; d != nil && d.OriginID != 0 {
		all = append(all, why.Comparison{What: "ID at the origin", Value: d.OriginID.String(), Note: "which is a freshet, too: it knows why it answered"})
	}
	if rec.Remote.IsValid() {
		all = append(all, why.Comparison{What: "client", Value: rec.Remote.Addr().String(), Note: rec.Agent})
	}
	if n.Truncated && !targetIsWhole(n) {
		all = append(all, why.Comparison{What: "record", Value: "shortened", Note: "its address was longer than what is kept"})
	}
	return all
}

// requestOf makes of a record the request, as far as it is known: without its
// fields. It is nil when there is no target to be read.
func requestOf(rec *record.Record) *http.Request {
	u, err := url.ParseRequestURI(rec.Target)
	if err != nil || u.Host == "" && u.Path == "" {
		return nil
	}
	u.Scheme, u.Host = "", ""
	r := &http.Request{
		Method: rec.Method, URL: u, Host: rec.Host, Header: http.Header{}, RequestURI: rec.Target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, RemoteAddr: rec.Remote.String(),
	}
	if rec.TLS {
		r.TLS = new(tls.ConnectionState)
	}
	return r
}
