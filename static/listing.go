package static

import (
	"encoding/json"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
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
