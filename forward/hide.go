package forward

import (
	"net/http"
	"sync"

	"freshet/internal/rewrite"
)

// Hiding says what style sheets hide in pages.
type Hiding uint8

// HideAll is the default. HideSpecific leaves out the rules for all pages, of
// which public lists have so many that each page grows by some hundred
// kilobytes.
const (
	HideAll Hiding = iota
	HideSpecific
	HideNothing
)

// sheetField is a field between the parts of the proxy: it is a part of the key
// of documents that get a style sheet, and names it. No client can set it, and no
// server sees it.
const sheetField = "Freshet-Sheet"

// maxSheets bounds the style sheets that are kept ready, in bytes.
const maxSheets = 32 << 20

// sheets are those that were made of a set, by their text.
type sheets struct {
	mu    sync.Mutex // guards the rest
	of    map[string]*rewrite.Sheet
	bytes int
}

// hider puts style sheets into documents, between the cache and the servers.
type hider struct {
	h    *Handler
	next http.Handler
}

func (x hider) ServeHTTP(w http.ResponseWriter, r *http.Request) { x.next.ServeHTTP(w, r) }

// hides reports whether documents may get style sheets.
func (h *Handler) hides() bool { return len(h.o.Lists) > 0 && h.o.Hiding != HideNothing }

// openFilter opens what judges requests.
func (h *Handler) openFilter(rt http.RoundTripper) error {
	if h.o.ListTransport != nil {
		rt = h.o.ListTransport
	}
	var err error
	if h.lists, err = openLists(&h.o, rt); err != nil {
		return err
	}
	if err := h.allowances.open(h.o.ListFolder, h.lists.now); err != nil {
		h.o.ErrorLog.Warn("filter: allowances begin anew", "err", err)
	}
	return nil
}

// passOn prepares a request that is made.
func (h *Handler) passOn(w http.ResponseWriter, r *http.Request, j *judged) (http.ResponseWriter, *http.Request, bool) {
	j.tell(w)
	if j.verdict.URL != "" {
		r = withoutParameters(r, j.verdict.URL)
	}
	return w, r, false
}
