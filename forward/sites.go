package forward

import (
	"net/http"
	"strings"

	"freshet/filterlist"
	"freshet/internal/cookierule"
	"freshet/internal/field"
)

// visit is whose cookies a request and its answer are about.
type visit struct {
	host string // of the server
	site string // that it is of
	page string // the site of the page that it is for; "" when that is not known

	// third says that it is known to be for a page of another site.
	third bool
}

// visitOf says whose cookies a request in origin form is about, as Policy says.
func visitOf(r *http.Request) visit {
	v := visit{host: cookierule.Host(r.Host), site: cookierule.Site(r.Host)}
	if opensPage(r) {
		v.page = v.site
		return v
	}
	// Chromium sends it with what is not of the site in its address bar, whatever
	// frame asks: "none" to servers that are asked by their own frame, too.
	foreign := r.Header.Get("Sec-Fetch-Storage-Access") != ""
	from := r.Header.Get("Sec-Fetch-Site")
	switch {
	case foreign:
	case field.EqualFold(from, "same-origin"), field.EqualFold(from, "same-site"), field.EqualFold(from, "none"):
		v.page = v.site
		return v
	}
	for _, name := range [...]string{"Referer", "Origin"} {
		if _, page, ok := originOf(r.Header.Get(name)); ok && (!foreign || cookierule.Site(page) != v.site) {
			v.page = cookierule.Site(page)
			v.third = v.page != v.site
			return v
		}
	}
	v.third = foreign || field.EqualFold(from, "cross-site")
	return v
}

// opensPage reports whether the answer to a request becomes a page. Where
// browsers do not say it, a script can ask for a document, too. But then a GET
// may have Origin, which that of a link never has, and it lacks what browsers
// that call themselves Mozilla send when they go to a page (Upgrade Insecure
// Requests, §3.2.1).
func opensPage(r *http.Request) bool {
	h := r.Header
	switch {
	case typeOf(r) != filterlist.Document:
		return false
	case h.Get("Sec-Fetch-Dest") != "":
		return true
	case h.Get("Origin") != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return false
	}
	return h.Get("Upgrade-Insecure-Requests") != "" || !strings.HasPrefix(h.Get("User-Agent"), "Mozilla/")
}
