package forward

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// withoutParameters returns the request for an address with less of a query. The
// cache's key is of that, so that pages which were reached in many ways are
// stored once.
func withoutParameters(r *http.Request, address string) *http.Request {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery == r.URL.RawQuery {
		return r
	}
	out := *r
	to := *r.URL
	to.RawQuery, to.ForceQuery = u.RawQuery, false
	out.URL = &to
	return &out
}

// removedNames are the names of the parameters that an address has no more.
func removedNames(before, after string) (names []string) {
	_, rest, _ := strings.Cut(after, "?")
	kept := strings.Split(rest, "&")
	_, query, _ := strings.Cut(before, "?")
	for p := range strings.SplitSeq(query, "&") {
		if i := slices.Index(kept, p); i >= 0 {
			kept = slices.Delete(kept, i, i+1)
			continue
		}
		if name, _, _ := strings.Cut(p, "="); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
