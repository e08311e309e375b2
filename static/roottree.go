package static

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// rootTree is a tree over a real folder, by what every system offers.
//
// The folder is opened by its path each time: a build tool may have deleted it
// and made a new one.
type rootTree struct {
	dir    string // absolute
	follow bool   // links may lead out
}

func (t *rootTree) open(name string) (*opened, error) {
	if name == "" {
		name = "."
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return nil, fs.ErrNotExist // a name that this system reserves, such as NUL
	}
	f, err := t.openFile(name)
	if err != nil {
		return nil, err
	}
	return newOpened(f)
}

func (t *rootTree) openFile(name string) (*os.File, error) {
	if t.follow {
		return os.OpenFile(t.locate(name), os.O_RDONLY|openFlags, 0)
	}
	root, err := os.OpenRoot(t.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if !escapes(err) {
		return f, err
	}
	// os.Root refuses every absolute link, also one that stays inside.
	if name, err = resolveInside(t.dir, name); err != nil {
		return nil, err
	}
	if f, err = root.OpenFile(name, os.O_RDONLY|openFlags, 0); escapes(err) {
		return nil, errOutside
	}
	return f, err
}

// resolveInside follows the links of a name and returns the name without them,
// or errOutside. Whoever opens the result must still not follow links out: they
// may have changed meanwhile.
func resolveInside(root, name string) (string, error) {
	real, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return "", errOutside // nobody shall learn what there is outside
	}
	if root, err = filepath.EvalSymlinks(root); err != nil {
		return "", err
	}
	inside, err := filepath.Rel(root, real)
	if err != nil || !filepath.IsLocal(inside) {
		return "", errOutside
	}
	return inside, nil
}

// escapes reports whether os.Root refused a path because it leads out. The
// error has no name that could be compared.
func escapes(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && strings.Contains(pe.Err.Error(), "escapes")
}

func (t *rootTree) same(s *source) bool {
	fi, err := os.Stat(s.place)
	return err == nil && fi.Mode().IsRegular() && stampOf(fi) == s.stamp
}

func (t *rootTree) gone(name string) bool {
	if strings.Contains(name, "/") {
		return false // a folder on the way may be a link
	}
	_, err := os.Lstat(t.locate(name))
	return errors.Is(err, fs.ErrNotExist)
}

func (t *rootTree) empty(place string) bool {
	_, err := os.Stat(place)
	return errors.Is(err, fs.ErrNotExist)
}

func (t *rootTree) locate(name string) string {
	return filepath.Join(t.dir, filepath.FromSlash(name))
}

func (t *rootTree) hot() bool { return true }
