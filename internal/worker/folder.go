package worker

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"freshet/internal/child"
)

// base is the folder of a worker, in which it makes those of tasks:
//
//	DIR/worker-…/lock         locked while the worker lives
//	DIR/worker-…/task-…/work  0700, the program's user's: where it runs, its HOME
//	DIR/worker-…/task-…/temp  0700, likewise: its TMPDIR
type base struct {
	path string
	user *child.User // nil: as we are
	lock *os.File    // nil where there are no locks
	own  string      // DIR, if it was made for us alone; close removes it
}

// openBase makes the folder, looks who could change it, and removes those that
// other workers left behind. Without DIR it is made for this worker alone.
func openBase(dir string, user *child.User) (*base, error) {
	if dir != "" {
		return openBaseIn(dir, &base{user: user})
	}
	removeAbandoned(os.TempDir())
	const tries = 10
	for try := 1; ; try++ {
		own, err := os.MkdirTemp("", basePrefix)
		if err != nil {
			return nil, err
		}
		b, err := openBaseIn(own, &base{user: user, own: own})
		if !errors.Is(err, fs.ErrNotExist) || try == tries {
			return b, err
		} // else one that began at the same time took it for an abandoned one, and removed it
	}
}

func openBaseIn(dir string, b *base) (_ *base, err error) {
	user := b.user
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if err := makeDir(dir, b.own != ""); err != nil {
		return b, err
	}
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return b, err
	}
	if _, err := (&base{path: resolved, user: user}).check(); err != nil {
		return b, err
	}
	removeStale(resolved)
	for try := 1; ; try++ {
		err = b.settle(filepath.Join(resolved, workerPrefix+rand.Text()))
		if err == nil || try == 3 {
			return b, err
		}
	}
}

// makeDir makes a folder that programs may pass through, unless it is there.
func makeDir(dir string, fresh bool) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
		fresh = true
	} else if err != nil {
		return err
	}
	if fresh { // whatever the umask is
		return os.Chmod(dir, 0o711)
	}
	return nil
}

// settle makes the worker's own folder, and locks it. Another worker may take
// it for a stale one in between, and remove it: that is an error.
func (b *base) settle(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	b.path = path
	if err := os.Chmod(path, 0o711); err != nil {
		return err
	}
	lock, err := lockFile(filepath.Join(path, "lock"), true)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(path, "lock")); err != nil {
		return errors.Join(err, lock.Close())
	}
	b.lock = lock
	return nil
}

// What the folders of workers are called, and those for one worker alone.
const (
	workerPrefix = "worker-"
	basePrefix   = "freshet-worker-"
)

// removeAbandoned removes folders that were made for one worker alone, which is
// no more. One that has no worker yet stays.
func removeAbandoned(temp string) {
	root, err := os.OpenRoot(temp)
	if err != nil {
		return
	}
	defer root.Close()
	entries, _ := fs.ReadDir(root.FS(), ".")
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), basePrefix) {
			continue
		}
		fi, err := root.Lstat(e.Name())
		if err == nil && fi.IsDir() && trusted(fi) && !changeable(fi) && removeStale(filepath.Join(temp, e.Name())) {
			_ = root.Remove(e.Name()) // if that was all
		}
	}
}

// removeStale removes the folders of workers that are no more: those that
// nobody has locked. It reports whether there were any.
func removeStale(dir string) (any bool) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false
	}
	defer root.Close()
	entries, _ := fs.ReadDir(root.FS(), ".")
	for _, e := range entries {
		fi, err := root.Lstat(e.Name())
		if err != nil || !fi.IsDir() || !trusted(fi) || !strings.HasPrefix(e.Name(), workerPrefix) {
			continue
		}
		lock, err := lockFile(filepath.Join(dir, e.Name(), "lock"), false)
		if err != nil {
			continue
		}
		any = removeAll(root, e.Name()) == nil || any
		_ = lock.Close()
	}
	return any
}

func (b *base) close() error {
	var faults []error
	if b.lock != nil {
		faults = append(faults, b.lock.Close())
	}
	if b.path != "" {
		faults = append(faults, os.RemoveAll(b.path))
	}
	if b.own != "" {
		faults = append(faults, os.RemoveAll(b.own))
	}
	return errors.Join(faults...)
}

// check looks at the folder and those above it: nobody but root and us may be
// able to change what a path in it leads to, and the programs' user must be
// able to enter. It returns what the folder is.
func (b *base) check() (fi fs.FileInfo, err error) {
	path := b.path
	for first := true; ; first = false {
		at, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		switch {
		case !at.IsDir():
			return nil, fmt.Errorf("%s is not a folder", path)
		case !trusted(at):
			return nil, fmt.Errorf("%s belongs to somebody else than root and us", path)
		case changeable(at):
			return nil, fmt.Errorf("%s may be changed by its group or by everybody", path)
		case !enterable(at, b.user):
			return nil, fmt.Errorf("%s cannot be entered by user %s", path, b.user.Name)
		}
		if first {
			fi = at
		}
		up := filepath.Dir(path)
		if up == path {
			return fi, nil
		}
		path = up
	}
}

// place is where one attempt runs.
type place struct {
	base  *base
	name  string
	outer *os.Root // task-…, ours
	root  *os.Root // work
	work  string
	temp  string
	made  []string // what is to be the program's user's, below outer
}

// make makes the folders of an attempt. They are ours until handOver, so that
// no other program can meddle while they are filled.
func (b *base) make() (p *place, err error) {
	fi, err := b.check()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(b.path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if now, err := root.Stat("."); err != nil || !os.SameFile(fi, now) {
		return nil, errors.Join(fmt.Errorf("%s was replaced just now", b.path), err)
	}
	p = &place{base: b, name: "task-" + rand.Text(), made: []string{"work", "temp"}}
	p.work = filepath.Join(b.path, p.name, "work")
	p.temp = filepath.Join(b.path, p.name, "temp")
	defer func() {
		if err != nil {
			err = errors.Join(err, p.remove())
		}
	}()
	if err := root.Mkdir(p.name, 0o700); err != nil {
		return p, err
	}
	if p.outer, err = root.OpenRoot(p.name); err != nil {
		return p, err
	}
	for _, name := range p.made {
		if err := p.outer.Mkdir(name, 0o700); err != nil {
			return p, err
		}
	}
	p.root, err = p.outer.OpenRoot("work")
	return p, err
}

// handOver gives the folders, and what was put there, to the program's user.
func (p *place) handOver() error {
	if u := p.base.user; u != nil {
		for _, name := range p.made {
			if err := p.outer.Lchown(filepath.FromSlash(name), int(u.UID), int(u.GID)); err != nil {
				return err
			}
		}
	}
	return p.outer.Chmod(".", 0o711)
}

// remove removes the folders with all that is in them.
func (p *place) remove() error {
	for _, root := range []*os.Root{p.root, p.outer} {
		if root != nil {
			_ = root.Close()
		}
	}
	root, err := os.OpenRoot(p.base.path)
	if err != nil {
		return err
	}
	defer root.Close()
	return removeAll(root, p.name)
}

// removeAll removes a folder with all that is in it, wherever links lead.
func removeAll(root *os.Root, name string) error {
	err := root.RemoveAll(name)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	// A program that runs as we do may leave folders that we may not change.
	open(root, name)
	return root.RemoveAll(name)
}

// open makes folders changeable again, from the top; no link is followed.
func open(root *os.Root, dir string) {
	inner, err := root.OpenRoot(dir)
	if err != nil {
		if root.Chmod(dir, 0o700) != nil {
			return
		}
		if inner, err = root.OpenRoot(dir); err != nil {
			return
		}
	}
	defer inner.Close()
	if inner.Chmod(".", 0o700) != nil {
		return
	}
	f, err := inner.Open(".")
	if err != nil {
		return
	}
	defer f.Close()
	entries, _ := f.ReadDir(-1)
	for _, e := range entries {
		if e.IsDir() {
			open(inner, e.Name())
		}
	}
}

// workIn finds and opens the folder that a job names to work in; it must be one
// of those that are allowed, or in one.
func (w *Worker) workIn(dir string) (string, *os.Root, error) {
	resolved, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", nil, err
	}
	for _, allowed := range w.o.Dirs {
		at, err := filepath.EvalSymlinks(allowed)
		if err != nil {
			continue
		}
		inside, err := filepath.Rel(at, resolved)
		if err != nil || !filepath.IsLocal(inside) {
			continue
		}
		// Through the allowed one: what became a link meanwhile leads nowhere.
		top, err := os.OpenRoot(at)
		if err != nil {
			return "", nil, err
		}
		defer top.Close()
		root, err := top.OpenRoot(inside)
		return resolved, root, err
	}
	return "", nil, errors.New("this worker does not allow jobs to work there")
}
