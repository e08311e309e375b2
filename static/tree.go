package static

import (
	"embed"
	"errors"
	"io/fs"
	"syscall"

	"freshet/internal/rule"
)

// tree is the file system below the root. Names are slash-separated and
// relative to it; "" is the root itself.
type tree interface {
	// open opens a file or folder for reading. It never blocks on a pipe, and
	// never follows a link out of the tree unless that was asked for. What is
	// neither file nor folder is errSpecial.
	open(name string) (*opened, error)

	// same reports whether a source's name still leads to what its stamp says.
	same(s *source) bool

	// gone reports whether nothing has that name, and no link was followed to
	// find out. False may also mean: not known.
	gone(name string) bool

	// empty reports whether nothing is at a place.
	empty(place string) bool

	// locate returns the place of a name, in the form in which same and empty
	// find it fastest.
	locate(name string) string

	// hot reports whether same, gone and empty are calls of the operating system, that
	// the hot path may make, and not somebody's code.
	hot() bool
}

// opened is an open file or folder and what was known when it was opened.
type opened struct {
	fs.File
	stamp stamp
	dir   bool
	local bool // on a disk of this machine, as far as is known
}

// restamp asks again what the system says about an open file.
func (o *opened) restamp() (stamp, error) {
	fi, err := o.Stat()
	if err != nil {
		return stamp{}, err
	}
	return stampOf(fi), nil
}

var (
	errSpecial = errors.New("not a file or a folder")
	errOutside = errors.New("leads out of the folder")
)

// newOpened takes over a file that was just opened.
func newOpened(f fs.File) (*opened, error) {
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	switch {
	case fi.IsDir():
		return &opened{File: f, stamp: stampOf(fi), dir: true}, nil
	case fi.Mode().IsRegular():
		return &opened{File: f, stamp: stampOf(fi)}, nil
	}
	f.Close()
	return nil, errSpecial
}

// reasonOf returns the rule by which an error of the tree is answered.
func reasonOf(err error) rule.ID {
	switch {
	case errors.Is(err, errOutside), errors.Is(err, syscall.EXDEV):
		return rule.StaticOutside
	case errors.Is(err, errProgram):
		return rule.StaticProgram
	case errors.Is(err, errSpecial), errors.Is(err, syscall.ENXIO): // a socket cannot be opened: ENXIO
		return rule.StaticSpecialFile
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ELOOP), errors.Is(err, fs.ErrInvalid):
		return rule.StaticNotFound
	case errors.Is(err, fs.ErrPermission):
		return rule.StaticUnreadable
	case errors.Is(err, syscall.ENAMETOOLONG):
		return rule.StaticPathTooLong
	}
	return rule.StaticIOError
}

// fsTree is a tree over any fs.FS.
type fsTree struct {
	fsys   fs.FS
	frozen bool // files never change
}

func newFSTree(fsys fs.FS, immutable bool) *fsTree {
	_, embedded := fsys.(embed.FS)
	return &fsTree{fsys, immutable || embedded}
}

func (t *fsTree) open(name string) (*opened, error) {
	if name == "" {
		name = "."
	}
	fi, err := t.look(name)
	if err != nil {
		return nil, err
	}
	if fi != nil && !fi.IsDir() && !fi.Mode().IsRegular() {
		return nil, errSpecial
	}
	f, err := t.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	return newOpened(f)
}

// look returns what the file system says of a name, or nil where it cannot be
// asked without opening the file: to open a pipe waits for its other end.
func (t *fsTree) look(name string) (fs.FileInfo, error) {
	switch fsys := t.fsys.(type) {
	case fs.StatFS:
		return fsys.Stat(name)
	case fs.ReadLinkFS: // such as fs.Sub makes of an os.DirFS
		if fi, err := fsys.Lstat(name); err == nil && fi.Mode()&fs.ModeSymlink == 0 {
			return fi, nil
		}
	}
	return nil, nil
}

// stat is look, but opens the file where there is no other way.
func (t *fsTree) stat(name string) (fs.FileInfo, error) {
	if fi, err := t.look(name); fi != nil || err != nil {
		return fi, err
	}
	return fs.Stat(t.fsys, name)
}

func (t *fsTree) same(s *source) bool {
	if t.frozen {
		return true
	}
	fi, err := t.stat(s.place)
	return err == nil && fi.Mode().IsRegular() && stampOf(fi) == s.stamp
}

func (t *fsTree) gone(name string) bool {
	_, err := t.stat(name)
	return errors.Is(err, fs.ErrNotExist)
}

func (t *fsTree) empty(place string) bool {
	return t.frozen || t.gone(place)
}

func (t *fsTree) locate(name string) string { return name }
func (t *fsTree) hot() bool                 { return t.frozen }
