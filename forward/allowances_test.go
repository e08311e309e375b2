package forward_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/forward"
	"freshet/httpd"
)

// What is let pass is asked for, as long as it was said, on the site or by the
// rule that was said; it is kept over a restart, and can be taken back.
func TestAllow(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "real") }))
	defer server.Close()
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	told := make(chan httpd.Record, 8)
	o := forward.Options{AllowPrivate: true, Lists: []forward.ListSource{listFile(t, "/ads/\n/ads/*.js$redirect=noop.js\n")}, ListFolder: t.TempDir(), Now: now.Load}
	h, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	c := through(t, serveHandler(t, h, records(told)))
	ask := func(page string) string {
		t.Helper()
		fetch{url: server.URL + "/ads/x.gif", dest: "image", page: page}.do(t, c)
		r := <-told
		if r.Detail.Noted[0] != 0 {
			return r.Detail.Noted[0].String()
		}
		return r.Rule.String()
	}
	until := func(d time.Duration) time.Time { return time.Unix(0, now.Load()).Add(d) }
	for _, step := range []struct {
		name    string
		do      func() error
		page    string
		outcome string
	}{
		{"nothing is allowed", func() error { return nil }, "http://a.example/", "filter-stand-in"},
		{"a site", func() error { return h.Allow(forward.Allowance{Site: "A.example", Until: until(time.Hour)}) }, "http://a.example/", "filter-let-pass"},
		{"below it", func() error { return nil }, "http://www.a.example/x", "filter-let-pass"},
		{"another one", func() error { return nil }, "http://ba.example/x", "filter-stand-in"},
		{"a rule", func() error { return h.Allow(forward.Allowance{Rule: "/ads/", Until: until(2 * time.Hour)}) }, "http://b.example/x", "filter-let-pass"},
		{"an hour later", func() error { now.Add(int64(time.Hour)); return nil }, "http://a.example/", "filter-let-pass"},
		{"without the rule", func() error { _, err := h.Forbid(forward.Allowance{Rule: "/ads/"}); return err }, "http://a.example/", "filter-stand-in"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(step.name, err)
		}
		if got := ask(step.page); got != step.outcome {
			t.Errorf("%s: %s, want %s", step.name, got, step.outcome)
		}
	}
	if err := h.Allow(forward.Allowance{Site: "c.example", Until: until(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	again, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if all := again.Allowances(); len(all) != 1 || all[0].Site != "c.example" {
		t.Errorf("after a restart: %+v", all)
	}
}

func TestAllowFaults(t *testing.T) {
	h, err := forward.New(forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	soon := time.Now().Add(time.Hour)
	for says, a := range map[string]forward.Allowance{
		"a site or a rule":  {Until: soon},
		"no name of a host": {Site: "http://x/", Until: soon},
		"until when":        {Site: "a.example"},
		"at most 30 days":   {Site: "a.example", Until: soon.Add(31 * 24 * time.Hour)},
	} {
		if err := h.Allow(a); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	for i := range 1001 {
		err := h.Allow(forward.Allowance{Rule: strings.Repeat("x", i+1), Until: soon})
		if (err != nil) != (i == 1000) {
			t.Fatalf("%d: %v", i, err)
		}
	}
}
