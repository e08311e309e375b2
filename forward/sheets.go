package forward

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"freshet/filterlist"
	"freshet/internal/coding"
	"freshet/internal/field"
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

// ParseHiding reads "all", "specific" or "off".
func ParseHiding(s string) (Hiding, bool) {
	switch s {
	case "all":
		return HideAll, true
	case "specific":
		return HideSpecific, true
	case "off":
		return HideNothing, true
	}
	return 0, false
}

// sheetField is a field between the parts of the proxy. In a request it is a part
// of the key of documents that get a style sheet, and names it: answers with
// other sheets are kept apart, and what lists change without changing the sheet
// leaves what is stored. In an answer it says what became of the document. No
// client can set it, and no server sees it.
const sheetField = "Freshet-Sheet"

// sheet is a style sheet for documents.
type sheet struct {
	*rewrite.Sheet
	version string              // of the sheet and of how it is put in; in keys and entity-tags
	rules   int                 // for this page alone, beside those for all pages
	part    func() *coding.Part // of gzip, made once it is needed
}

// rewriting changes when documents are changed otherwise for one sheet.
const rewriting = "1"

// maxSheets bounds the style sheets that are kept ready, in bytes; beyond it
// they are made anew.
const maxSheets = 32 << 20

// sheets are those that were made of a set.
type sheets struct {
	mu    sync.Mutex // guards the rest; held while a sheet is made
	of    map[string]*sheet
	bytes int
}

// sheetFor returns the style sheet of a page, nil if there is nothing to hide.
func (s *ruleSet) sheetFor(page string, hiding Hiding) *sheet {
	if hiding == HideNothing {
		return nil
	}
	found := s.Hide(page)
	if hiding == HideSpecific {
		found.Generic, found.Common = "", true
	}
	if found.Generic == "" && found.Specific == "" {
		return nil
	}
	key := found.Specific
	if !found.Common {
		key = found.Generic + "\x00" + key
	}
	s.sheets.mu.Lock()
	defer s.sheets.mu.Unlock()
	if x, ok := s.sheets.of[key]; ok {
		return x
	}
	x := newSheet(&found)
	if s.sheets.of == nil || s.sheets.bytes > maxSheets {
		s.sheets.of, s.sheets.bytes = map[string]*sheet{}, 0
	}
	s.sheets.of[key] = x
	s.sheets.bytes += len(key) + (len(found.Generic)+len(found.Specific))*3/2 + 256 // with what gzip makes of them
	return x
}

// newSheet makes a style sheet; nil when it is none.
func newSheet(of *filterlist.Hiding) *sheet {
	made, err := rewrite.NewSheet(of.Style())
	if err != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(rewriting + made.Text()))
	part := sync.OnceValue(func() *coding.Part { return coding.NewPart(made.Rest()) })
	return &sheet{made, hex.EncodeToString(sum[:8]), len(of.Rules), part}
}

// wantsSheet reports whether a request is for a document that may be changed:
// all that the fields of requests decide is decided here, for who shares a key
// gets the same.
func wantsSheet(r *http.Request) bool {
	if !rewrite.WantsDocument(r) || strings.EqualFold(r.Header.Get("X-Requested-With"), "XMLHttpRequest") {
		return false
	}
	for e := range field.Elements(r.Header["Cache-Control"]) {
		name, _, _ := strings.Cut(e, "=")
		if field.EqualFold(strings.TrimSpace(name), "no-transform") {
			return false
		}
	}
	return true
}
