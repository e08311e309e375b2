package forward_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/forward"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

// A request that goes past the cache says so, in its answer and in its record,
// and why says for which fields.
func TestPastCache(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", said("HTTP/1.1 200 OK\r\n"+closing+"Cache-Control: max-age=60\r\nCache-Status: far; hit\r\nContent-Length: 5\r\n\r\nhello"))
	gone := wiretest.Reserve(t)
	told := make(rules, 1)
	addr := startTold(t, forward.Options{AllowPrivate: true, Store: newStore(t)}, told)
	for _, tt := range []struct{ method, host, field, status, rule string }{
		{"GET", o.host(), "X-Forwarded-Host: a.example", "far; hit, freshet; fwd=bypass; fwd-status=200; detail=filter-past-cache", "filter-past-cache"},
		{"GET", o.host(), "X-Forwarded-Host: a.example", "far; hit, freshet; fwd=bypass; fwd-status=200; detail=filter-past-cache", "filter-past-cache"},
		{"HEAD", o.host(), "Forwarded: for=192.0.2.1;host=a.example", "far; hit, freshet; fwd=bypass; fwd-status=200; detail=filter-past-cache", "filter-past-cache"},
		{"GET", gone, "X-Forwarded-Proto: https", "freshet; fwd=bypass; detail=filter-past-cache", "proxy-refused"},
		{"POST", o.host(), "X-Forwarded-Host: a.example", "far; hit, freshet; fwd=method; fwd-status=200; detail=cache-method", "cache-method"},
		{"GET", o.host(), "X-Forwarded-For: 192.0.2.1", "far; hit, freshet; fwd=uri-miss; fwd-status=200; stored", "cache-uri-miss"},
		{"GET", o.host(), "X-Forwarded-Host: a.example", "far; hit, freshet; fwd=bypass; fwd-status=200; detail=filter-past-cache", "filter-past-cache"},
	} {
		got := ask(t, addr, tt.method+" http://"+tt.host+"/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"+tt.field+"\r\nConnection: close\r\n\r\n")
		given := <-told
		if len(got) != 1 || strings.Join(got[0].fields.Values("Cache-Status"), ", ") != tt.status || given != tt.rule {
			t.Errorf("%s %s, %s: %+v by %s, want %q by %s", tt.method, tt.host, tt.field, got, given, tt.status, tt.rule)
		}
	}
	without := start(t, forward.Options{AllowPrivate: true})
	if got := ask(t, without, "GET http://"+o.host()+"/ HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: a.example\r\nConnection: close\r\n\r\n"); len(got) != 1 || got[0].fields.Get("Cache-Status") != "far; hit" {
		t.Errorf("without a cache: %+v", got)
	}
}

func TestWhyPastCache(t *testing.T) {
	h, err := forward.New(forward.Options{AllowPrivate: true, Store: newStore(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "a.example"
	if e := h.Why(r); e.Rule != rule.CacheURIMiss {
		t.Errorf("the rule is %v", e.Rule)
	}
	r.Header["X_forwarded_host"] = []string{"b.example"}
	r.Header["Forwarded"] = []string{"proto=https"}
	e := h.Why(r)
	if e.Rule != rule.FilterPast || !strings.Contains(e.Sentence, "went past the cache") || len(e.Fixes) != 2 || e.Fixes[0].Name != "Forwarded" || e.Fixes[1].Name != "X_forwarded_host" {
		t.Errorf("%v: %s, %+v", e.Rule, e.Sentence, e.Fixes)
	}
}
