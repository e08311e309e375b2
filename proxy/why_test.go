package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/proxy"
)

func asked(method, url string, fields ...string) *http.Request {
	r := httptest.NewRequest(method, url, nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func text(e *why.Explanation) string { return string(e.AppendText(nil, 200)) }

func says(t *testing.T, e *why.Explanation, id rule.ID, parts ...string) {
	t.Helper()
	said := text(e)
	if e.Rule != id {
		t.Errorf("the rule is %v, want %v", e.Rule, id)
	}
	for _, p := range parts {
		if !strings.Contains(said, p) {
			t.Errorf("no %q in\n%s", p, said)
		}
	}
}

// What is refused is explained without asking anybody.
func TestWhyRefused(t *testing.T) {
	h := newProxy(t, proxy.Options{Origins: []string{"http://127.0.0.1:1/app"}, Name: "edge"})
	for _, tt := range []struct {
		r    *http.Request
		id   rule.ID
		says string
	}{
		{asked("GET", "/", "Via: 1.1 edge"), rule.ProxyLoop, "this proxy is edge"},
		{asked("GET", "/a/../b"), rule.ProxyLeavesPrefix, "the origin is asked below /app"},
		{asked("OPTIONS", "/", "Max-Forwards: 0"), rule.ProxyFinalRecipient, "The proxy itself would answer"},
		{&http.Request{Method: "CONNECT", Host: "a:1", URL: asked("GET", "/").URL}, rule.ProxyConnect, "ask with the method GET"},
		{asked("GET", "/a"), rule.ProxyAnswered, "The origin http://127.0.0.1:1/app would be asked."},
	} {
		says(t, h.Why(tt.r), tt.id, tt.says)
	}
	if s := h.States()[0]; s.Requests != 0 {
		t.Errorf("%d requests were sent", s.Requests)
	}
}

// Asking why takes no turn, and knows what happened before.
func TestWhyAsked(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }))
	defer up.Close()
	down := "http://" + deadAddr(t)
	now := time.Unix(1800000000, 0)
	h := newProxy(t, proxy.Options{Origins: []string{up.URL, down}, Retries: -1, MaxFails: 1, Now: func() time.Time { return now }})
	addr, recs := serve(t, h)
	get := func() {
		t.Helper()
		resp, err := newClient(t).Get("http://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		recs.rule(t)
	}
	for range 3 {
		says(t, h.Why(asked("GET", "/")), rule.ProxyAnswered, "The origin "+up.URL+" would be asked.", up.URL+" (0 requests so far)")
	}
	get()
	says(t, h.Why(asked("GET", "/")), rule.ProxyAnswered, "The origin "+down+" would be asked.", "answered last with 404")
	get()
	says(t, h.Why(asked("GET", "/")), rule.ProxyAnswered, "The origin "+up.URL+" would be asked.", "circuit open, tried again in 10s", "connection_refused")
	up.Close()
	get()
	e := h.Why(asked("GET", "/"))
	says(t, e, rule.ProxyNoOrigin, "No origin would be asked, for about 10s", "start the origin "+down, "start the origin "+up.URL, "max-fails")
	now = now.Add(10 * time.Second)
	says(t, h.Why(asked("GET", "/")), rule.ProxyRefused, "would be asked again; the last time the origin refused the connection", "half-open")

	recs.mu.Lock()
	all := recs.all
	recs.mu.Unlock()
	first, second := all[0].Detail, all[1].Detail
	if first == nil || first.Origin != up.URL || first.OriginStatus != 404 || first.Tries != 1 || first.Connect <= 0 || first.Wait <= 0 || first.Error != "" {
		t.Errorf("the first: %+v", first)
	}
	if second == nil || second.Origin != down || second.OriginStatus != 0 || !strings.Contains(second.Error, "refused") {
		t.Errorf("the second: %+v", second)
	}
	says(t, h.Explain(&all[0]), rule.ProxyAnswered, "answered with 404", "for connecting", "set cache to on")
	says(t, h.Explain(&all[1]), rule.ProxyRefused, "was asked: the origin refused the connection", "start the origin "+down)
	says(t, h.Explain(&record.Record{Rule: rule.ProxyNoOrigin}), rule.ProxyNoOrigin, "No origin was asked")
}

// An answer that breaks off is remembered.
func TestWhyCut(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer origin.Close()
	h := newProxy(t, proxy.Options{Origins: []string{origin.URL}})
	addr, recs := serve(t, h)
	if resp, err := newClient(t).Get("http://" + addr + "/"); err == nil {
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	recs.rule(t)
	says(t, h.Why(asked("GET", "/")), rule.ProxyIncomplete, "would be asked again; the last time")
}
