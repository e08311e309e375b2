package static

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// listingEntry is one line of a folder's listing.
type listingEntry struct {
	Name     string
	Dir      bool
	Size     int64     // of files
	Modified time.Time // zero: not told
}

// How many entries a listing shows at once; what is beyond is on the next page
// (?page=2). A browser takes seconds to lay out a table of tens of thousands of
// rows, a program does not lay out anything.
const (
	listingPage     = 5_000   // as HTML
	listingPageJSON = 100_000 // as JSON
)

// listingView is what a request asks for: which order, which page.
type listingView struct {
	sort listingOrder
	desc bool
	page int // from 1
	size int // entries on a page
}

// viewOf reads ?sort=name|size|modified&order=asc|desc&page=N. What it does not
// understand means the default: name, asc, 1.
func viewOf(query string) listingView {
	q, _ := url.ParseQuery(query)
	v := listingView{sort: orderNamed(q.Get("sort")), desc: q.Get("order") == "desc", page: 1, size: listingPage}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 {
		v.page = n
	}
	return v
}

// query is the reverse of viewOf.
func (v listingView) query() string {
	order := "asc"
	if v.desc {
		order = "desc"
	}
	s := "?sort=" + orderNames[v.sort] + "&order=" + order
	if v.page > 1 {
		s += "&page=" + strconv.Itoa(v.page)
	}
	return s
}

// pages returns how many pages n entries fill, at least one.
func (v listingView) pages(n int) int { return max(1, (n+v.size-1)/v.size) }

// shown returns the entries on the page of the view. A page after the last one
// is the last one.
func (v *listingView) shown(entries []listingEntry) []listingEntry {
	v.page = min(v.page, v.pages(len(entries)))
	from := (v.page - 1) * v.size
	return entries[from:min(from+v.size, len(entries))]
}

// listed is a listing, and what a request's preconditions make of it.
type listed struct {
	body []byte
	json bool
	tag  string
	next string // the query of the next page; "" on the last
	conditional.Decision
}

// list makes the listing of a folder: JSON for programs that prefer it, else a
// page. urlPath is the folder's decoded path and ends in a slash; entries may
// be in any order and are sorted in place.
func list(r *http.Request, urlPath string, entries []listingEntry) (l listed) {
	view := viewOf(r.URL.RawQuery)
	sortEntries(entries, view.sort, view.desc)
	if field.BestType(strings.Join(r.Header.Values("Accept"), ","), "text/html", "application/json") == 1 {
		l.json, view.size = true, listingPageJSON
		l.body = appendListingJSON(nil, entries, view)
	} else {
		l.body = appendListingHTML(nil, urlPath, entries, view)
	}
	if view.page < view.pages(len(entries)) {
		next := view
		next.page++
		l.next = next.query()
	}
	sum := sha256.Sum256(l.body)
	l.tag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	q := conditional.FromLines(r.Method, r.Header.Values)
	l.Decision = conditional.Decide(&q, &conditional.State{Variants: []conditional.Variant{{Tag: l.tag, Size: int64(len(l.body))}}, NoRanges: true}, nil)
	if l.Status == http.StatusOK {
		l.Rule = rule.StaticListing
	}
	return l
}

// serveListing answers with a listing.
func (h *Handler) serveListing(w http.ResponseWriter, r *http.Request, urlPath string, entries []listingEntry) {
	l := list(r, urlPath, entries)
	f := w.Header()
	f.Add("Vary", "Accept")
	f.Set("Cache-Control", "no-cache")
	f.Set("X-Content-Type-Options", "nosniff")
	if l.json {
		f.Set("Content-Type", "application/json")
	} else {
		f.Set("Content-Type", typeHTML)
		f.Set("Content-Security-Policy", listingPolicy)
	}
	if l.next != "" {
		f.Set("Link", "<"+l.next+`>; rel="next"`)
	}
	httpd.SetRule(w, l.Rule)
	f.Set("ETag", l.tag)
	switch l.Status {
	case http.StatusOK:
		f.Set("Content-Length", strconv.Itoa(len(l.body)))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			w.Write(l.body) // an error here means that the client has gone
		}
	case http.StatusNotModified:
		f.Del("Content-Type")
		f.Del("Content-Security-Policy")
		f.Del("Link")
		w.WriteHeader(http.StatusNotModified)
	default:
		// What follows is another page, with a style of its own.
		f.Del("Content-Security-Policy")
		f.Del("Cache-Control")
		f.Del("Link")
		h.refuse(w, r, l.Rule, "")
	}
}

// appendListingJSON appends one object for each entry, one a line.
func appendListingJSON(dst []byte, entries []listingEntry, view listingView) []byte {
	type object struct {
		Name     string     `json:"name"`
		Type     string     `json:"type"` // "file" or "directory"
		Size     *int64     `json:"size,omitempty"`
		Modified *time.Time `json:"modified,omitempty"`

		// A name that is not UTF-8 cannot stand in JSON: then this is its address.
		Href string `json:"href,omitempty"`
	}
	shown := view.shown(entries)
	if len(shown) == 0 {
		dst = append(dst, '[')
	}
	separator := "[\n"
	for i := range shown {
		e := &shown[i]
		o := object{Name: e.Name, Type: "file", Size: &e.Size}
		if e.Dir {
			o.Type, o.Size = "directory", nil
		}
		// A year beyond four digits cannot be told in JSON (RFC 3339).
		if modified := e.Modified.UTC().Truncate(time.Second); !e.Modified.IsZero() && modified.Year() >= 0 && modified.Year() <= 9999 {
			o.Modified = &modified
		}
		if !utf8.ValidString(e.Name) {
			o.Href = entryHref(e)
		}
		line, err := json.Marshal(&o)
		if err != nil {
			continue // no field of an object can fail
		}
		dst = append(append(dst, separator...), line...)
		separator = ",\n"
	}
	return append(dst, "\n]\n"...)
}
