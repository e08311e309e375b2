package check

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// ofOrigin are the notes that are looked for once for each origin, or that need
// the root of one.
var ofOrigin = []string{
	"connection-not-kept", "http10-chunked", "method-allow-missing", "method-unknown-succeeds", "missing-page-fails", "missing-page-kept",
	"missing-page-is-start", "missing-page-succeeds", "redirect-chain", "redirect-loop", "redirect-many", "redirect-changes-method", "trace-enabled",
	"query-without-effect",
}

// A site on which each page makes one mistake, and the server some more: a
// crawl finds every one, where it is.
func TestBadSite(t *testing.T) {
	var planted []string
	mux := http.NewServeMux()
	var links strings.Builder
	for id, h := range faulty() {
		if slices.Contains(ofOrigin, id) {
			continue
		}
		planted = append(planted, id)
		mux.Handle("/"+id+"/", http.StripPrefix("/"+id, h))
	}
	slices.Sort(planted)
	for _, id := range planted {
		fmt.Fprintf(&links, "<a href=/%s/>%s</a>", id, id)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "TRACE":
			r.Write(w)
		case r.Method != "GET" && r.Method != "HEAD":
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, links.String())
		case r.URL.Path == "/robots.txt":
			w.WriteHeader(http.StatusNotFound)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	c, stop, err := inProcess(&http.Server{Handler: mux}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	crawl, err := c.Crawl(context.Background(), &url.URL{Scheme: "http", Host: inProcessHost, Path: "/"}, Crawling{Concurrency: 2})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]map[string]string{}
	for _, r := range crawl.Results {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		at[strings.Trim(u.Path, "/")] = foundIn([]*Result{r})
	}
	for _, id := range planted {
		if at[id][id] == "" {
			t.Errorf("%s is not found on its page; these are: %v", id, at[id])
		}
	}
	for _, id := range []string{"trace-enabled", "method-allow-missing", "missing-page-fails"} {
		if at[""][id] == "" {
			t.Errorf("%s is not found on the first page; these are: %v", id, at[""])
		}
	}
	report := Report{Title: "bad", Results: crawl.Results}
	if !report.Fails() || len(report.Groups()) < len(planted) {
		t.Errorf("%d groups for %d mistakes", len(report.Groups()), len(planted))
	}
}
