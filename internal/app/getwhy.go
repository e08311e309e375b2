package app

import (
	"net/http"
	"net/url"

	"freshet/client"
)

// getWhy is what is known of why an answer is what it is.
type getWhy struct {
	url  *url.URL
	resp *http.Response
	why  client.Why
	ok   bool // why is known
	err  error
}

// noteWhy notes it of a hop.
func (f *fetch) noteWhy(h *getHop, resp *http.Response, err error) {
	w := getWhy{url: h.url, resp: resp, err: err}
	if resp != nil {
		w.why, w.ok = client.From(resp)
	}
	f.whys = append(f.whys, w)
}

// verdictOf is what a request came to in the cache, "" without one.
func verdictOf(resp *http.Response) string {
	w, _ := client.From(resp)
	return w.Verdict
}

// tellWhy tells it of all hops.
func (f *fetch) tellWhy(error) {}
