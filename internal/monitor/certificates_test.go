package monitor

import (
	"strings"
	"testing"
	"time"
)

// The list of certificates says of each how it is, also to programs; without
// any there is no link to it.
func TestCertificates(t *testing.T) {
	f := newFixture(t, func(*Options) {})
	if text := send(f.Handler(), "GET", "/", "").Body.String(); strings.Contains(text, "/certificates") {
		t.Error("without TLS there is a link")
	}
	now := f.o.Now()
	day := 24 * time.Hour
	f = newFixture(t, func(o *Options) {
		o.Certificates = func() []Certificate {
			return []Certificate{
				{Names: "a.example", From: "ACME", Issuer: "R1", Until: now.Add(60 * day), Due: now.Add(30 * day)},
				{Names: "b.example", From: "ACME"},
				{Names: "c.example", From: "ACME", Error: "the authority says: <no>", Failed: now.Add(-time.Minute), Next: now.Add(time.Minute)},
				{Names: "d.example", From: "ACME", Issuer: "R1", Until: now.Add(10 * day), Due: now.Add(-day), Error: "no"},
				{Names: "e.example", From: "ACME", Issuer: "R1", Until: now.Add(10 * day), Due: now},
				{Names: "f.example", From: "f.pem", Issuer: "CA", Until: now.Add(endsSoon - time.Second)},
				{Names: "g.example", From: "g.pem", Issuer: "CA", Until: now.Add(endsSoon + time.Hour)},
				{Names: "h.example", From: "h.pem", Issuer: "CA", Until: now},
			}
		}
	})
	lines := strings.Split(send(f.Handler(), "GET", "/certificates.csv", "").Body.String(), "\r\n")
	for i, want := range []string{"a.example,valid,ACME,R1,", "b.example,missing,ACME,,,", "c.example,failing,ACME,,", "d.example,failing,", "e.example,due,", "f.example,ends soon,f.pem,CA,", "g.example,valid,g.pem", "h.example,over,"} {
		if len(lines) < 9 || !strings.HasPrefix(lines[i+1], want) {
			t.Errorf("%q, want %q", lines, want)
		}
	}
	page := send(f.Handler(), "GET", "/certificates", "").Body.String()
	if !strings.Contains(page, "the authority says: &lt;no&gt;") || !strings.Contains(page, `href="/certificates"`) {
		t.Errorf("the page: %s", page)
	}
	if text := send(f.Handler(), "GET", "/certificates.json", "").Body.String(); !strings.Contains(text, `"issuer":"R1"`) && !strings.Contains(text, `"issuer": "R1"`) {
		t.Errorf("JSON: %s", text)
	}
}
