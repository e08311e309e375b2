package forward

import (
	"net/http"

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
	if typeOf(r) == filterlist.Document { // it becomes the page
		v.page = v.site
		return v
	}
	from := r.Header.Get("Sec-Fetch-Site")
	switch {
	case field.EqualFold(from, "same-origin"), field.EqualFold(from, "same-site"), field.EqualFold(from, "none"):
		v.page = v.site
		return v
	}
	for _, name := range [...]string{"Referer", "Origin"} {
		if _, page, ok := originOf(r.Header.Get(name)); ok {
			v.page = cookierule.Site(page)
			v.third = v.page != v.site
			return v
		}
	}
	v.third = field.EqualFold(from, "cross-site")
	return v
}
