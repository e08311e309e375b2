package static

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"freshet/internal/coding"
	"freshet/internal/field"
)

// errProgram is why a file is not opened that somebody else runs.
var errProgram = errors.New("a program, whose source is not served")

// open opens a file or folder of the tree, unless it is a program by its name,
// or by the name that links, or the case of letters, hide. Nothing of the
// handler opens a file in another way.
func (h *Handler) open(name string) (*opened, error) {
	if h.opt.Programs == nil {
		return h.tree.open(name)
	}
	if h.program(name) {
		return nil, errProgram
	}
	f, err := h.tree.open(name)
	if err != nil || !h.programReally(name, f) {
		return f, err
	}
	f.Close()
	return nil, errProgram
}

// program reports whether a name is that of a program, of a coding of one
// (a.py.gz), or of what an editor or a person leaves beside one (a.py~, a.py.old).
func (h *Handler) program(name string) bool {
	if runtime.GOOS == "windows" && aliased(path.Base(name)) {
		return true
	}
	if h.opt.Programs(name) {
		return true
	}
	for c := field.Identity + 1; c < field.NumCodings; c++ {
		if original, ok := strings.CutSuffix(name, coding.Sidecar(c)); ok && h.program(original) {
			return true
		}
	}
	dir, base := path.Split(name)
	original, ok := strings.CutSuffix(base, "~")
	if ext := path.Ext(base); !ok && leftover(strings.ToLower(ext)) {
		original, ok = strings.TrimPrefix(strings.TrimSuffix(base, ext), "."), true
	}
	if !ok {
		original, ok = strings.CutSuffix(base, ",v") // of RCS
	}
	if inside := strings.TrimPrefix(base, "#"); !ok && inside != base {
		original, ok = strings.CutSuffix(inside, "#")
	}
	return ok && original != "" && h.program(dir+original) // a.py.old~, too
}

// leftover reports whether an extension, in small letters, says that a file is
// another version of the one without it: a.py.bak, a.py.save, a.py.1. Those that
// make it something else to read (a.py.txt, a.py.html) do not.
func leftover(ext string) bool {
	switch ext {
	case ".old", ".new", ".save", ".sav", ".backup", ".copy", ".tmp", ".temp", ".dist":
		return true
	}
	return hiddenExtensions[ext] || len(ext) > 1 && strings.Trim(ext[1:], "0123456789") == ""
}

// programReally is program for what was opened: for the name that it has once
// all links are followed. Of what is outside the folder only the last part of
// the name counts.
func (h *Handler) programReally(name string, f *opened) bool {
	file := osFile(f.File)
	if file == nil {
		return false // an fs.FS, whose names are what they are
	}
	real, err := realName(file)
	if err != nil {
		return true // nobody knows what it is
	}
	root, err := filepath.EvalSymlinks(h.opt.Root)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		return true
	}
	inside, err := filepath.Rel(root, real)
	if err != nil || !filepath.IsLocal(inside) {
		return h.program(filepath.Base(real))
	}
	if inside = filepath.ToSlash(inside); inside == "." || inside == name {
		return false
	}
	return h.program(inside)
}

// realPath is the name of an open file without links, by looking its path up
// again.
func realPath(f *os.File) (string, error) {
	real, err := filepath.EvalSymlinks(f.Name())
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}
