package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"freshet/internal/why"
	"freshet/internal/worker"
	"freshet/static"
)

// precompressor writes files' codings beside them, where package static looks
// for them: app.js.br beside app.js.
//
// A coding that is written has the time and the mode of its original: as soon as that
// is edited, it is older, and not served. It is written aside, synced, and
// renamed. What was written is noted (codingNotes), so that the next run leaves
// what is up to date, writes anew what is not, also where the original was
// replaced by one that is not newer, and removes what has no use any more. What
// somebody else has put there is left alone.
//
// Links are not followed, and nothing is written but below the folders. One
// file is in memory at a time, up to wholeBytes of it, and the names of one
// folder's folders.
type precompressor struct {
	wants  precompressWants
	report worker.Reporter
	notes  string        // the folder of notes
	settle time.Duration // how old the last change of a file has to be, so that a next one shows in its time
	now    func() time.Time
	whole  int64 // see wholeBytes

	// Counts: of files, the rest of codings.
	total, done                                  int64
	written, had, foreign, removed, idle, failed int64

	fault error // the first one
	told  int   // of them
}

// Bounds of a run.
const (
	mostFolders = 200_000 // in one folder
	mostTold    = 100     // lines about faults
)

// all does the folders that are served. Its error is why not all is done.
func (p *precompressor) all(ctx context.Context, all []servedFolder) error {
	var places []belowRoot
	defer func() {
		for i := range places {
			places[i].root.Close()
		}
	}()
	missing, found := map[string]error{}, map[string]bool{}
	for _, f := range all {
		root, err := os.OpenRoot(f.files.Root())
		if err != nil {
			p.failing(f.files.Root(), err)
			continue
		}
		place := belowRoot{root: root, files: f.files}
		if len(p.wants.paths) == 0 {
			place.below = []string{""}
		}
		for _, path := range p.wants.paths {
			name, ok := f.below(path)
			if !ok {
				continue
			}
			if err := place.find(name); err == nil {
				place.below = append(place.below, name)
				found[path] = true
			} else {
				missing[path] = err
			}
		}
		places = append(places, place)
	}
	for _, path := range p.wants.paths {
		if !found[path] {
			return fmt.Errorf("/%s cannot be compressed: %w", visible(path), cmp.Or(missing[path], errNoFolders))
		}
	}
	count := func(context.Context, *belowRoot, *codingNotes, string) { p.total++ }
	for _, pass := range []struct {
		look  visit
		write bool
	}{{count, false}, {p.file, true}} {
		for i := range places {
			for _, name := range places[i].below {
				if err := p.walk(ctx, &places[i], name, pass.look, pass.write); err != nil {
					return err
				}
			}
		}
	}
	if p.failed > 0 {
		return fmt.Errorf("%s failed: %w", why.Count(p.failed, "coding"), p.fault)
	}
	return p.fault
}

// belowRoot is a folder, and what of it is wanted: names, "" is all.
type belowRoot struct {
	root  *os.Root
	files *static.Handler
	below []string
}

// find says why what has a name is not looked at.
func (f *belowRoot) find(name string) error {
	if f.files.Hides(name) {
		return errors.New("it is held back, and so never served")
	}
	for at := 0; at < len(name); at++ {
		if i := strings.IndexByte(name[at:], '/'); i >= 0 {
			at += i
		} else {
			at = len(name)
		}
		switch fi, err := f.root.Lstat(name[:at]); {
		case err != nil:
			return fmt.Errorf("it is not in what is served: %w", cause(err))
		case fi.IsDir():
		case at < len(name) || !fi.Mode().IsRegular():
			return errors.New("it is neither a file nor a folder, or a link is on the way, which is not followed")
		}
	}
	return nil
}

// visit is what is done with each file that may have codings beside it.
type visit func(ctx context.Context, f *belowRoot, notes *codingNotes, name string)

// walk visits the files below a name, or the one that it is.
func (p *precompressor) walk(ctx context.Context, f *belowRoot, name string, look visit, write bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	dir, only := name, ""
	if fi, err := f.root.Lstat(or(name, ".")); err == nil && fi.Mode().IsRegular() {
		dir, only = parent(name), path.Base(name)
	}
	var notes *codingNotes
	if write {
		var err error
		if notes, err = openCodingNotes(p.notes, filepath.Join(f.files.Root(), filepath.FromSlash(dir))); err != nil {
			return fmt.Errorf("note what is written: %w", err)
		}
	}
	folders, err := p.names(ctx, f, dir, func(child string) {
		if only == "" || path.Base(child) == only {
			look(ctx, f, notes, child)
		}
	})
	if write {
		if err == nil && ctx.Err() == nil && only == "" {
			p.orphans(f, dir, notes)
		}
		if closed := notes.close(); closed != nil {
			return fmt.Errorf("note what is written: %w", closed)
		}
	}
	if errors.Is(err, fs.ErrNotExist) && name != "" {
		return nil // it has gone meanwhile
	}
	if err != nil && write {
		p.failing(dir, err)
	}
	if err != nil {
		return nil
	}
	if only != "" {
		return nil
	}
	for _, child := range folders {
		if err := p.walk(ctx, f, child, look, write); err != nil {
			return err
		}
	}
	if write && name == "" {
		return forgetCodingNotes(p.notes)
	}
	return nil
}

// names calls each for the files of a folder that may have codings beside them,
// and returns the folders in it.
func (p *precompressor) names(ctx context.Context, f *belowRoot, dir string, each func(name string)) (folders []string, err error) {
	d, err := f.root.Open(or(dir, "."))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	// What was a folder may have become a link meanwhile, to one above it, say.
	at, err := f.root.Lstat(or(dir, "."))
	if err != nil {
		return nil, err
	}
	if fi, err := d.Stat(); err != nil || !os.SameFile(at, fi) {
		return nil, errors.Join(err, fs.ErrNotExist)
	}
	for {
		batch, err := d.ReadDir(256)
		for _, e := range batch {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			name := path.Join(dir, e.Name())
			switch {
			case len(name) > maxServedPath:
			case e.IsDir() && !f.files.Hides(name):
				folders = append(folders, name)
			case e.Type().IsRegular() && strings.HasPrefix(e.Name(), asidePrefix):
				p.leftover(f, name)
			case e.Type().IsRegular() && f.files.TakesSidecars(name):
				each(name)
			}
		}
		switch {
		case err == io.EOF:
			return folders, nil
		case err != nil:
			return nil, err
		case len(folders) > mostFolders:
			return nil, fmt.Errorf("there are more than %d folders in it", mostFolders)
		}
	}
}

// maxServedPath is how long a path may be that is served.
const maxServedPath = 4095

// leftover removes what a run that was killed has left.
func (p *precompressor) leftover(f *belowRoot, name string) {
	if fi, err := f.root.Lstat(name); err == nil && p.now().Sub(fi.ModTime()) > time.Hour {
		f.root.Remove(name)
	}
}

// failing notes a fault; it goes on.
func (p *precompressor) failing(name string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	err = fmt.Errorf("%s: %w", visible("/"+name), cause(err))
	if p.fault == nil {
		p.fault = err
	}
	if p.told++; p.told <= mostTold {
		p.report.Print("%v", err)
	}
}

func parent(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

func or(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}
