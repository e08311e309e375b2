package static

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// found is what an address stands for: exactly one of a file's entry, a
// folder to be listed, a redirect, or the rule by which it is refused.
type found struct {
	entry    *entry
	folder   *opened // the caller closes it
	redirect string  // relative, percent-encoded
	why      rule.ID
	err      error // what the file system said, of a refusal
}

// keyOf returns the table's key of a decoded path.
func keyOf(name string, dir bool) string {
	if dir && name != "" {
		return name + "/"
	}
	return name
}

// resolve finds what a decoded path stands for, for a request that was read at
// now. Hidden names are the caller's business.
func (h *Handler) resolve(name string, dir bool, now moment) found {
	key := keyOf(name, dir)
	if e := h.table.get(key); e != nil && h.holds(e, now) {
		return found{entry: e}
	}
	lock := &h.loading[h.table.stripe(key)]
	lock.Lock()
	defer lock.Unlock()
	if e := h.table.get(key); e != nil {
		if h.holds(e, now) {
			return found{entry: e}
		}
		h.table.remove(e)
	}
	a := h.aimAt(key, name, dir)
	if a.file == nil {
		return a.found
	}
	return h.entryOf(a.plan, a.file, now)
}

// aim is where an address leads, before anything is read: a file, open, and
// what to make of it, or else what was found.
type aim struct {
	plan plan
	file *opened
	found
}

// aimAt looks for what has a decoded path, and changes nothing.
func (h *Handler) aimAt(key, name string, dir bool) aim {
	if dir {
		return h.aimAtFolder(key, name)
	}
	return h.aimAtFile(key, name)
}

// aimAtFile is for a path that does not end in a slash.
func (h *Handler) aimAtFile(key, name string) aim {
	var absent []string
	if original, ok := h.originalOf(name); ok {
		if h.isFile(original) {
			return aim{found: found{why: rule.StaticHidden}}
		}
		absent = []string{h.tree.locate(original)}
	}
	f, err := h.open(name)
	base := path.Base(name)
	switch {
	case err == nil && f.dir:
		f.Close()
		return redirected("./" + escapeSegment(base) + "/")
	case err == nil:
		if to, ok := h.cleanURL(name); ok {
			f.Close()
			return redirected(to)
		}
		return aim{plan: plan{key: key, name: name, why: rule.StaticFile, absent: absent}, file: f}
	case h.opt.CleanURLs && errors.Is(err, fs.ErrNotExist) && path.Ext(base) == "":
		if f, err := h.open(name + htmlExt); err == nil && !f.dir {
			return aim{plan: plan{key: key, name: name + htmlExt, why: rule.StaticFile, absent: []string{h.tree.locate(name)}}, file: f}
		} else if err == nil {
			f.Close()
		}
	}
	return aim{found: refusal(err)}
}

func redirected(to string) aim { return aim{found: found{redirect: to, why: rule.StaticRedirect}} }

// aimAtFolder is for a path that ends in a slash.
func (h *Handler) aimAtFolder(key, name string) aim {
	var absent []string
	for _, index := range h.opt.Index {
		index = path.Join(name, index)
		f, err := h.open(index)
		switch {
		case err == nil && !f.dir:
			return aim{plan: plan{key: key, name: index, why: rule.StaticIndex, absent: absent}, file: f}
		case err == nil:
			f.Close()
		case reasonOf(err) != rule.StaticNotFound:
			return aim{found: refusal(err)}
		}
		absent = append(absent, h.tree.locate(index))
	}
	f, err := h.open(name)
	if err != nil {
		return aim{found: refusal(err)}
	}
	if f.dir {
		return aim{found: found{folder: f, why: rule.StaticListing}}
	}
	f.Close()
	return redirected("../" + escapeSegment(path.Base(name)))
}

func (h *Handler) entryOf(p plan, f *opened, now moment) found {
	e, err := h.load(p, f, now.at)
	if err != nil {
		return refusal(err)
	}
	return found{entry: e}
}

func refusal(err error) found { return found{why: reasonOf(err), err: err} }

const htmlExt = ".html"

// cleanURL returns where a page is redirected to that has a shorter address,
// unless that address stands for something else.
func (h *Handler) cleanURL(name string) (to string, ok bool) {
	short, isPage := strings.CutSuffix(name, htmlExt)
	if !h.opt.CleanURLs || !isPage {
		return "", false
	}
	if path.Base(name) == h.opt.Index[0] {
		return "./", true
	}
	base := path.Base(short)
	if path.Ext(base) != "" || strings.HasSuffix(name, "/"+htmlExt) || name == htmlExt || !h.tree.empty(h.tree.locate(short)) {
		return "", false
	}
	return "./" + escapeSegment(base), true
}

// originalOf returns the name of the file that a file of this name would be a
// sidecar of: then it is served as a coding of that, not by itself.
func (h *Handler) originalOf(name string) (original string, ok bool) {
	if h.opt.NoCompress || h.opt.Hidden {
		return "", false
	}
	for c := field.Identity + 1; c < field.NumCodings; c++ {
		if original, ok := strings.CutSuffix(name, coding.Sidecar(c)); ok {
			return original, hasSidecars(typeOf(original, h.opt.MIME))
		}
	}
	return "", false
}

// hasSidecars reports whether files of a media type may have sidecars: those
// that compress, but for archives: data.tar and data.tar.gz are two files to
// whoever put them there.
func hasSidecars(mediaType string) bool {
	return coding.Compressible(mediaType) && mediaType != "application/x-tar"
}

func (h *Handler) isFile(name string) bool {
	f, err := h.open(name)
	if err != nil {
		return false
	}
	f.Close()
	return !f.dir
}

const shellKey = "\x00" // in the table; no path has it

// shell returns the entry of the page of a single-page application.
func (h *Handler) shell(now moment) found {
	const key = shellKey
	if e := h.table.get(key); e != nil && h.holds(e, now) {
		return found{entry: e}
	}
	lock := &h.loading[h.table.stripe(key)]
	lock.Lock()
	defer lock.Unlock()
	if e := h.table.get(key); e != nil && h.holds(e, now) {
		return found{entry: e} // others who waited have loaded it
	}
	a := h.aimAtShell()
	if a.file == nil {
		return a.found
	}
	return h.entryOf(a.plan, a.file, now)
}

func (h *Handler) aimAtShell() aim {
	f, err := h.open(h.opt.SPA)
	if err != nil {
		return aim{found: refusal(err)}
	}
	if f.dir {
		f.Close()
		return aim{found: found{why: rule.StaticNotFound}}
	}
	return aim{plan: plan{key: shellKey, name: h.opt.SPA, why: rule.StaticFallback, shell: true}, file: f}
}

// escapeSegment percent-encodes one segment of a path: all but the characters
// that RFC 3986 §2.3 leaves unreserved.
func escapeSegment(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}
