package static

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"

	"freshet/internal/rule"
)

// serveFolder answers with the listing of a folder that has no index file, and
// closes it.
func (h *Handler) serveFolder(w http.ResponseWriter, r *http.Request, q *query, name string, folder *opened) {
	defer folder.Close()
	if h.opt.Listing == ListingOff {
		h.refuse(w, r, rule.StaticListingOff, varyDefault)
		return
	}
	entries, err := h.names(name, folder)
	if err != nil {
		h.opt.ErrorLog.Error("static: list a folder", "path", name, "error", err)
		h.refuse(w, r, rule.StaticIOError, varyDefault)
		return
	}
	h.serveListing(w, r, q, folderPath(name), entries)
}

// folderPath is the decoded path of a folder in URLs.
func folderPath(name string) string {
	if name == "" {
		return "/"
	}
	return "/" + name + "/"
}

var errTooMany = errors.New("the folder has more names than Options.MaxListed")

// names returns what a folder's listing shows: exactly what would be served.
func (h *Handler) names(name string, folder *opened) ([]listingEntry, error) {
	d, ok := folder.File.(fs.ReadDirFile)
	if !ok {
		return nil, errors.New("the file system does not list its folders")
	}
	var entries []listingEntry
	for {
		batch, err := d.ReadDir(1024)
		for _, de := range batch {
			if e, ok := h.listed(name, de); ok {
				entries = append(entries, e)
			}
		}
		if len(entries) > h.opt.MaxListed {
			return nil, errTooMany
		}
		if err == io.EOF || err == nil && len(batch) == 0 {
			return h.withoutSidecars(entries), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// listed returns the entry for one name of a folder, unless it is not served.
func (h *Handler) listed(folder string, de fs.DirEntry) (e listingEntry, ok bool) {
	if !h.opt.Hidden && hiddenName(de.Name(), folder == "") {
		return e, false
	}
	e.Name = de.Name()
	switch t := de.Type(); {
	case t.IsRegular() || t.IsDir():
		fi, err := de.Info()
		if err != nil {
			return e, false // it has gone meanwhile
		}
		e.Dir, e.Size, e.Modified = fi.IsDir(), fi.Size(), fi.ModTime()
	case t&fs.ModeSymlink != 0:
		f, err := h.open(path.Join(folder, de.Name()))
		if err != nil {
			return e, false // it leads out, or nowhere
		}
		defer f.Close()
		fi, err := f.Stat()
		if err != nil {
			return e, false
		}
		e.Dir, e.Size, e.Modified = fi.IsDir(), fi.Size(), fi.ModTime()
	default:
		return e, false
	}
	if e.Dir {
		e.Size = 0
	}
	return e, true
}

// withoutSidecars leaves out the files that are served as a coding of another.
func (h *Handler) withoutSidecars(entries []listingEntry) []listingEntry {
	var files map[string]bool // made when there is a candidate
	return slices.DeleteFunc(entries, func(e listingEntry) bool {
		original, ok := h.originalOf(e.Name)
		if !ok || e.Dir {
			return false
		}
		if files == nil {
			files = make(map[string]bool)
			for _, f := range entries {
				files[f.Name] = files[f.Name] || !f.Dir
			}
		}
		return files[original]
	})
}
