package worker

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"freshet/jobs"
)

// maxEntries is how many entries of folders are looked at for the outputs of a
// task.
const maxEntries = 1 << 20

// Unfinished begins the names of files that a FileStore is still writing, beside those
// that are whole, and that it removes when it is opened.
const Unfinished = ".freshet-"

// CheckOutput refuses names that outputs cannot have: they would be taken for files that
// are still being written.
func CheckOutput(name string) error {
	if strings.HasPrefix(path.Base(name), Unfinished) {
		return errors.New("names that begin with " + Unfinished + " are those of files that are still being written; call it something else")
	}
	return nil
}

// checkOutputs refuses patterns that are none, lead out of the folder, or match only
// names that outputs cannot have.
func checkOutputs(patterns []string) error {
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("output %q: %w", p, err)
		}
		if err := checkName(p); err != nil {
			return fmt.Errorf("output %q: %w", p, err)
		}
		if err := CheckOutput(p); err != nil {
			return fmt.Errorf("output %q: %w", p, err)
		}
	}
	return nil
}

// storeError is that outputs are there and could not be stored, which is not
// the task's fault.
type storeError struct{ error }

// outputs stores what the task made in a folder. It may hold anything: nothing
// outside of it is read, no link is followed, and only files that are the
// program's user's are taken.
func (h *holding) outputs(root *os.Root, patterns []string) error {
	g := gatherer{h: h, seen: map[string]bool{}}
	for _, p := range patterns {
		before := len(g.found)
		if err := g.gather(root, "", p); err != nil {
			return fmt.Errorf("output %q: %w", p, err)
		}
		if len(g.found) == before && !strings.ContainsAny(p, `*?[`) && !g.seen[p] {
			return fmt.Errorf("output %q was not made", p)
		}
	}
	for _, name := range g.found {
		if err := h.store(root, name, &g); err != nil {
			return err
		}
	}
	return nil
}

// gatherer finds files by patterns.
type gatherer struct {
	h       *holding
	found   []string
	seen    map[string]bool
	entries int
	size    int64
}

// gather finds what pattern matches below dir, whose name is behind.
func (g *gatherer) gather(dir *os.Root, behind, pattern string) error {
	element, rest, more := strings.Cut(pattern, "/")
	names := []string{element}
	if strings.ContainsAny(element, `*?[`) {
		var err error
		if names, err = g.matches(dir, element); err != nil {
			return err
		}
	}
	for _, name := range names {
		fi, err := dir.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		full := path.Join(behind, name)
		switch {
		case err != nil:
			return err
		case more && fi.IsDir():
			err = g.descend(dir, name, full, rest)
		case !more && !g.seen[full]:
			err = g.take(full, fi)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) descend(dir *os.Root, name, full, rest string) error {
	inner, err := dir.OpenRoot(name)
	if err != nil {
		return err
	}
	defer inner.Close()
	return g.gather(inner, full, rest)
}

// matches are the names in a folder that an element of a pattern matches.
func (g *gatherer) matches(dir *os.Root, element string) (names []string, err error) {
	f, err := dir.Open(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(1024)
		for _, e := range entries {
			if ok, _ := path.Match(element, e.Name()); ok {
				names = append(names, e.Name())
			}
		}
		if g.entries += len(entries); g.entries > maxEntries {
			return nil, fmt.Errorf("more than %d files are there to look through", maxEntries)
		}
		if err == io.EOF || errors.Is(err, fs.ErrNotExist) { // the folder was removed
			return names, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// take counts a file that is to be stored; what is none is said in the log.
func (g *gatherer) take(name string, fi fs.FileInfo) error {
	o := &g.h.w.o
	switch {
	case fi.IsDir():
		return nil
	case !fi.Mode().IsRegular():
		g.h.log.note(fmt.Sprintf("output %q is left out: it is no regular file", name))
		return nil
	case !theirs(fi, g.h.w.user):
		g.h.log.note(fmt.Sprintf("output %q is left out: it is not the program's user's", name))
		return nil
	}
	if err := CheckOutput(name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	g.seen[name] = true
	if g.found = append(g.found, name); len(g.found) > o.MaxOutputs {
		return fmt.Errorf("more than %d files", o.MaxOutputs)
	}
	if g.size += fi.Size(); g.size > o.MaxOutputSize {
		return fmt.Errorf("more than %d bytes", o.MaxOutputSize)
	}
	return nil
}

// store stores one file, and tries again when the store fails.
func (h *holding) store(root *os.Root, name string, g *gatherer) error {
	var failing pause
	for try := 1; ; try++ {
		f, err := root.OpenFile(name, os.O_RDONLY|withoutWaiting, 0)
		if err != nil {
			return fmt.Errorf("output %q: %w", name, err)
		}
		fi, err := f.Stat()
		if err == nil && (!fi.Mode().IsRegular() || !theirs(fi, h.w.user)) {
			err = errors.New("it was replaced after the program had ended")
		}
		if err == nil && fi.Size() > h.w.o.MaxOutputSize {
			err = fmt.Errorf("it grew after the program had ended")
		}
		if err != nil {
			f.Close()
			return fmt.Errorf("output %q: %w", name, err)
		}
		err = h.w.o.Files.Store(h.ctx, h.task.Lease, name, fi.Size(), io.LimitReader(f, fi.Size()))
		f.Close()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, jobs.ErrFull): // trying again would not help
			return fmt.Errorf("store output %q: %w", name, err)
		}
		if try == inputTries || !failing.wait(h.ctx, nil) {
			return storeError{fmt.Errorf("store output %q: %w", name, err)}
		}
	}
}
