package static

import (
	"bytes"
	"net/http"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/representation"
	"freshet/internal/rule"
)

// A listing is made for each request, for no stamp tells whether one is still
// right: that of a folder does not change when a file in it grows. What is
// sent is an entry like that of a file, with one difference: its codings are
// made at once, quickly, and only those that are asked for; what takes long in
// the background would be late, for the next listing may be another.
//
// A coding of a small listing takes longer than the listing. So an entry that
// has one is kept in the table, one for each address and kind, and serves as
// long as the listing that is made is equal to its body, byte by byte.

// serveListing answers with a listing.
func (h *Handler) serveListing(w http.ResponseWriter, r *http.Request, q *query, urlPath string, entries []listingEntry) {
	l := h.list(r, urlPath, entries)
	e, made := h.listingEntry(&l, q.accepted)
	if made {
		h.table.put(e)
	}
	h.serveEntry(w, r, q, e) // never false: no file is behind it
}

// listed is a listing: what it is called in the table, and what it is.
type listed struct {
	key  string
	meta representation.Meta
	body []byte
}

// list makes the listing of a folder: JSON for programs that prefer it, else a
// page. urlPath is the folder's decoded path and ends in a slash; entries may
// be in any order and are sorted in place.
func (h *Handler) list(r *http.Request, urlPath string, entries []listingEntry) (l listed) {
	view := viewOf(r.URL.RawQuery)
	sortEntries(entries, view.sort, view.desc)
	l.meta = representation.Meta{CacheControl: "no-cache", Vary: "Accept, Accept-Encoding"}
	if h.opt.NoCompress {
		l.meta.Vary = "Accept"
	}
	if field.BestType(strings.Join(r.Header.Values("Accept"), ","), "text/html", "application/json") == 1 {
		l.meta.Type, view.size = "application/json", listingPageJSON
		l.body = appendListingJSON(nil, entries, view)
	} else {
		l.meta.Type, l.meta.Policy = typeHTML, listingPolicy
		l.body = appendListingHTML(nil, urlPath, entries, view)
	}
	l.body = bytes.Clone(l.body) // without the room that was guessed: it may be kept
	last := view.pages(len(entries))
	view.page = min(view.page, last)
	// No path has a NUL (see wire.DecodePath), so this is no file's key.
	l.key = "\x00" + l.meta.Type + urlPath + "\x00" + view.query()
	if view.page < last {
		view.page++
		l.meta.Link = "<" + view.query() + `>; rel="next"`
	}
	return l
}

// listingEntry returns an entry for a listing, with the coding that a request
// prefers, if it is worth one. made reports whether that had to be made, and
// the entry is to be kept for the next request.
//
// A listing of more than Options.MaxInMemory is sent as it is, as files are.
func (h *Handler) listingEntry(l *listed, accepted field.Accepted) (e *entry, made bool) {
	if e = h.keptListing(l); e == nil {
		e = newListing(l, representation.NewSet(&l.meta, newVariant(&l.meta, field.Identity, int64(len(l.body)), l.body)))
	}
	set := e.set.Load()
	order, n := accepted.Order(coding.All.With(field.Identity))
	if n == 0 || set.Has(order[0]) || !h.negotiable(e) || len(l.body) < coding.MinSize || int64(len(l.body)) > h.opt.MaxInMemory {
		return e, false
	}
	b, err := coding.Encode(nil, order[0], l.body, coding.Quick)
	if err != nil || !coding.Worth(len(l.body), len(b)) {
		return e, false
	}
	b = bytes.Clone(b) // without the encoder's spare room
	return newListing(l, set.With(newVariant(&l.meta, order[0], int64(len(b)), b))), true
}

// keptListing returns the entry of a listing that is equal to l, or nil.
func (h *Handler) keptListing(l *listed) *entry {
	e := h.table.get(l.key)
	if e == nil || e.meta != l.meta || !bytes.Equal(e.set.Load().Variant(field.Identity).Body, l.body) {
		return nil
	}
	return e
}

func newListing(l *listed, set *representation.Set) *entry {
	e := &entry{key: l.key, why: rule.StaticListing, meta: l.meta, slot: -1}
	e.set.Store(set)
	return e
}
