package cgi

import (
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// program is what a path leads to.
type program struct {
	file string // as it is executed: absolute, without links below Options.Dir
	name string // SCRIPT_NAME
	info string // PATH_INFO
}

// nph reports whether the program prints a status line (RFC 3875 §5).
func (p *program) nph() bool { return strings.HasPrefix(path.Base(p.name), "nph-") }

// found is what was found for a path.
type found struct {
	program
	mine     bool    // it is for a program, or must not be sent as a file; else it is the next handler's
	rule     rule.ID // why it is refused; 0: the program runs
	detail   string  // what exactly, for the operator
	redirect string  // a folder's address, when the path has no slash at its end
}

func refused(id rule.ID, detail string) found { return found{mine: true, rule: id, detail: detail} }

// find looks for the program that a path, still encoded, is for.
func (h *Handler) find(escaped string) found {
	name, dir, broken := wire.DecodePath(escaped)
	if broken != wire.PathSound {
		lenient, _ := wire.RoutePath(escaped)
		rest, ok := h.below(lenient)
		return found{mine: ok && h.inFolder(rest), rule: rule.ScriptPath}
	}
	rest, ok := h.below(name)
	if !ok {
		return none
	}
	w := walk{h: h, rest: rest, at: h.o.Dir, dir: dir, folder: h.inFolder(rest)}
	if !w.folder && !(dir && len(h.o.Index) > 0) && !h.hasExtensions(rest) {
		return none // without asking the system: most requests for files end here
	}
	return w.find()
}

// none is for what is not for a program.
var none = found{rule: rule.ScriptMissing}

// below cuts Options.Prefix off a decoded path.
func (h *Handler) below(name string) (rest string, ok bool) {
	if h.prefix == "" {
		return name, true
	}
	rest, ok = strings.CutPrefix(name, h.prefix)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(rest, "/"), true
}

// inFolder reports whether a path below Prefix is, or is in, one of the folders.
func (h *Handler) inFolder(rest string) bool {
	for _, folder := range h.folders {
		n := len(folder)
		if n == 0 || len(rest) >= n && strings.EqualFold(rest[:n], folder) && (len(rest) == n || rest[n] == '/') {
			return true
		}
	}
	return false
}

// hasExtension reports whether the name of a file says that it is a program.
// What some file systems do not count as part of a name, does not count.
func (h *Handler) hasExtension(name string) bool {
	if len(h.o.Extensions) == 0 {
		return false
	}
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimRight(name, ". ")
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return false
	}
	for _, e := range h.o.Extensions {
		if strings.EqualFold(name[i:], e) {
			return true
		}
	}
	return false
}

// hasExtensions reports whether any part of a path has one.
func (h *Handler) hasExtensions(path string) bool {
	for len(h.o.Extensions) > 0 && path != "" {
		var part string
		part, path, _ = strings.Cut(path, "/")
		if h.hasExtension(part) {
			return true
		}
	}
	return false
}

// walk goes down a path, component by component.
type walk struct {
	h      *Handler
	rest   string // below Dir, decoded; what is left of it
	done   string // what was walked
	at     string // the folder or file that it led to
	dir    bool   // the path ends in a slash
	folder bool   // all of the path is in one of the folders
	guard  guard
}

// find goes on until a file, or the end of the path.
func (w *walk) find() found {
	if err := w.guard.begin(w.h); err != nil {
		return w.missing(err)
	}
	for w.rest != "" {
		segment, rest, _ := strings.Cut(w.rest, "/")
		w.rest = rest
		if segment[0] == '.' {
			return w.missing(nil)
		}
		w.done += "/" + segment
		mode, err := w.step(segment)
		switch {
		case errors.Is(err, errOutside):
			return w.unless(segment, refused(rule.ScriptOutside, err.Error()))
		case err != nil:
			return w.missing(err)
		case mode.IsRegular():
			return w.unless(segment, w.file(w.done, w.rest))
		case !mode.IsDir():
			return w.unless(segment, refused(rule.ScriptOutside, w.at+" is neither a file nor a folder"))
		}
	}
	return w.index()
}

// unless is f for what is a program by its place or its name, and nothing for
// other files.
func (w *walk) unless(segment string, f found) found {
	if w.folder || w.h.hasExtension(segment) {
		return f
	}
	return none
}

// missing is for a path at which there is nothing.
func (w *walk) missing(err error) found {
	if !w.folder {
		return none
	}
	detail := ""
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		detail = err.Error()
	}
	return refused(rule.ScriptMissing, detail)
}

var errOutside = errors.New("a link leads out of the folder")

// step goes one component down.
func (w *walk) step(segment string) (fs.FileMode, error) {
	w.at = filepath.Join(w.at, segment)
	fi, err := os.Lstat(w.at)
	if err != nil {
		return 0, err
	}
	if fi.Mode()&fs.ModeSymlink == 0 {
		w.guard.passed(w.at, fi)
		return fi.Mode(), nil
	}
	return w.follow()
}

// follow follows a link, and walks from Dir to where it leads, in which there
// are no more links, so that all folders on the way are looked at.
func (w *walk) follow() (fs.FileMode, error) {
	to, err := filepath.EvalSymlinks(w.at)
	if err != nil {
		return 0, err
	}
	root, err := filepath.EvalSymlinks(w.h.o.Dir)
	if err != nil {
		return 0, err
	}
	below, err := filepath.Rel(root, to)
	if err != nil || !filepath.IsLocal(below) {
		return 0, errOutside
	}
	w.at = root
	var fi fs.FileInfo
	for _, part := range strings.Split(below, string(filepath.Separator)) {
		w.at = filepath.Join(w.at, part)
		if fi, err = os.Lstat(w.at); err != nil {
			return 0, err
		}
		w.guard.passed(w.at, fi)
	}
	return fi.Mode(), nil
}

// file is for a program's file.
func (w *walk) file(name, rest string) found {
	p := program{file: w.at, name: name}
	if w.h.prefix != "" {
		p.name = "/" + w.h.prefix + name
	}
	if rest != "" {
		p.info = "/" + rest
	}
	if w.dir {
		p.info += "/"
	}
	id, detail := w.guard.judge(w.h)
	return found{program: p, mine: true, rule: id, detail: detail}
}

// index is for a folder: the first of the names that is a program's.
func (w *walk) index() found {
	folder, guard := w.at, w.guard
	for _, name := range w.h.o.Index {
		if !w.folder && !w.h.hasExtension(name) {
			continue
		}
		w.at, w.guard = folder, guard
		mode, err := w.step(name)
		if err != nil || !mode.IsRegular() {
			continue
		}
		if !w.dir {
			return found{mine: true, redirect: "./" + url.PathEscape(path.Base(w.done)) + "/"}
		}
		w.dir = false
		return w.file(w.done+"/"+name, "")
	}
	return w.missing(nil)
}
