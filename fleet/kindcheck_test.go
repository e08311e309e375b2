package fleet_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/jobs"
)

// site answers one page without a fault that matters, one with, and a list.
func site(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, header map[string]string) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("text\n"))
	}
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { page(w, map[string]string{"Cache-Control": "no-store"}) })
	mux.HandleFunc("/badly", func(w http.ResponseWriter, _ *http.Request) {
		page(w, map[string]string{"Cache-Control": "max-age=ten", "Content-Encoding": "gzip"})
	})
	s := httptest.NewServer(mux)
	mux.HandleFunc("/sitemap.txt", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte(s.URL + "/well\n" + s.URL + "/badly\n"))
	})
	t.Cleanup(s.Close)
	return s.URL
}

// A job of the kind check prints what freshet check does, and fails on what is
// bad.
func TestKindCheck(t *testing.T) {
	c := client(opened(t, t.TempDir()))
	at := site(t)
	const refusedJob = jobs.State(99) // when it is submitted
	for name, x := range map[string]struct {
		params map[string]string
		state  jobs.State
		text   string // in the output, or in the reason
	}{
		"well":          {map[string]string{"urls": at + "/well", "passive": "yes"}, jobs.Succeeded, at + "/well"},
		"badly":         {map[string]string{"urls": at + "/badly", "passive": "yes"}, jobs.Failed, "max-age"},
		"never":         {map[string]string{"urls": at + "/badly", "passive": "yes", "fail-on": "never"}, jobs.Succeeded, "max-age"},
		"a sitemap":     {map[string]string{"sitemap": at + "/sitemap.txt", "passive": "yes"}, jobs.Failed, "2 addresses"},
		"left out":      {map[string]string{"sitemap": at + "/sitemap.txt", "passive": "yes", "max-pages": "1"}, jobs.Succeeded, "left out: 1 of 2"},
		"no sitemap":    {map[string]string{"sitemap": at + "/well"}, jobs.Failed, "sitemap"},
		"no answer":     {map[string]string{"urls": "http://127.0.0.1:1/ " + at + "/well", "passive": "yes"}, jobs.Failed, "1 of 2 addresses did not answer"},
		"nothing":       {nil, refusedJob, "nothing to check"},
		"no parameter":  {map[string]string{"urls": at + "/well", "speed": "high"}, refusedJob, `no parameter "speed"`},
		"no number":     {map[string]string{"urls": at + "/well", "concurrency": "many"}, refusedJob, `"many" is no number`},
		"no severity":   {map[string]string{"urls": at + "/well", "fail-on": "all"}, refusedJob, `"all" is none of`},
		"neither":       {map[string]string{"urls": at + "/well", "passive": "perhaps"}, refusedJob, "neither yes nor no"},
		"no address":    {map[string]string{"urls": "ftp://example.com/"}, refusedJob, "ftp"},
		"several wrong": {map[string]string{"passive": "x", "fail-on": "x"}, refusedJob, "neither"},
	} {
		if x.state == refusedJob {
			if _, err := c.Submit(t.Context(), jobs.Spec{Kind: "check", Params: x.params}); !errors.Is(err, jobs.ErrSpec) || !strings.Contains(err.Error(), x.text) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		id := submit(t, c, jobs.Spec{Kind: "check", Params: x.params})
		info, err := c.Wait(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.Log(t.Context(), id, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		if info.State != x.state || !strings.Contains(string(text)+info.Reason, x.text) {
			t.Errorf("%s: %s (%s), output:\n%s", name, info.State, info.Reason, text)
		}
	}
}
