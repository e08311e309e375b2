package sealedfolder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

// Kind is what Rewrite has to know of the files of a folder.
type Kind struct {
	// What is what [Open] is told.
	What string
	// Passing says of a file, by its name in the folder, that it was being written
	// and is nobody's; it is removed. nil: none is.
	Passing func(name string) bool
	// Check says of a file, by its name in the folder, if it is none that Copy knows;
	// nothing is moved then. nil: all are known.
	Check func(name string) error
	// Copy writes what a file has to another. It says what that is called; "": it
	// is to be as it is, which can only be when the folders are the same.
	Copy func(ctx context.Context, c *Copying) (name string, err error)
	// Becomes is what a plain file is called when it is sealed, which Copy says, too;
	// nil: as before.
	Becomes func(to *Folder, name string) string
	// Step is for tests: it is called before each thing that is changed on the
	// disk, and its error ends all as a kill would.
	Step func() error
}

// Copying is a file that is rewritten.
type Copying struct {
	From, To *Folder
	Name     string // in From, with the system's separators
	In, Out  *os.File
}

// Whole copies a file that is one content; of says what it is in From and what it
// is in To. done: it is as it is to be.
func (c *Copying) Whole(of, becomes string) (done bool, err error) {
	in, err := c.From.Reader(c.In, of)
	if err != nil {
		return false, err
	}
	if c.From == c.To && in.Key() == c.To.ring.First() {
		return true, nil
	}
	w := c.To.Writer(c.Out, becomes)
	if _, err := io.Copy(w, in); err != nil {
		return false, err
	}
	return false, w.Close()
}

// Progress is called with how many bytes of how many are done; nil: nobody is told.
type Progress func(done, all int64)

// Rewrite changes how the files of a folder are kept, which nobody may have open:
// the caller has its lock. A file is on the disk in its new place before it is
// removed from its old one, so that a Rewrite that was ended is gone on with by
// another, be it the same or the opposite. Where a file is in both places, the
// sealed one counts: a plain one can be an older one that came back, or anybody's.
func Rewrite(ctx context.Context, dir string, change *atrest.Change, kind *Kind, progress Progress) error {
	r := &rewriting{kind: kind, progress: progress}
	err := r.all(ctx, dir, change)
	if err != nil && r.noted != "" && !r.moved {
		if back := removeLasting(r.noted); !errors.Is(back, fs.ErrNotExist) { // it is as it was
			err = errors.Join(err, back)
		}
	}
	return err
}

func (r *rewriting) all(ctx context.Context, dir string, change *atrest.Change) error {
	kind := r.kind
	marked, err := isMarked(SealedDir(dir))
	if err != nil {
		return err
	}
	full, err := hasFiles(dir)
	if err != nil || !marked && (!full || change.Plain) {
		return err
	}
	if err := Check(dir, change, kind); err != nil {
		return err
	}
	if err := r.step(); err != nil {
		return err
	}
	plain := &Folder{Dir: filepath.Clean(dir)}
	sealed, err := openSealed(SealedDir(dir), marked, change.Ring, kind.What)
	if err != nil {
		return err
	}
	if err := r.begin(sealed); err != nil {
		return err
	}
	ways := [][2]*Folder{{plain, sealed}, {sealed, sealed}}
	if change.Plain {
		ways = [][2]*Folder{{sealed, plain}}
		if err := os.MkdirAll(plain.Dir, 0o700); err != nil {
			return err
		}
	}
	for _, way := range ways {
		if err := r.measure(way[0]); err != nil {
			return err
		}
	}
	for _, way := range ways {
		if err := r.move(ctx, way[0], way[1]); err != nil {
			return err
		}
	}
	if err := r.step(); err != nil {
		return err
	}
	// Where nothing is sealed any more, what is plain is not taken for planted.
	if err := removeLasting(filepath.Join(sealed.Dir, begunName)); err != nil || !change.Plain {
		return err
	}
	if err := r.step(); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(sealed.Dir, markerName)); err != nil {
		return err
	}
	if err := r.step(); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(sealed.Dir), wholefile.SyncFolder(filepath.Dir(sealed.Dir)))
}

// begunWhat is what says that a Rewrite of a folder has not ended.
func begunWhat(what string) string { return "rewriting of folder of " + what }

// begin notes that files are being moved. Without that a plain file which has no
// sealed one is none of ours; see checkPlanted.
func (r *rewriting) begin(sealed *Folder) error {
	name := filepath.Join(sealed.Dir, begunName)
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		r.noted = name
	}
	return wholefile.Write(name, sealed.ring.Seal(nil, nil, begunWhat(r.kind.What)))
}

// checkPlanted says if there is a plain file beside sealed ones, without being one of
// these, and no Rewrite was ended early that could have left it: somebody put it there,
// and when it is sealed it is as good as what is.
func checkPlanted(dir string, change *atrest.Change, kind *Kind) error {
	sealed := SealedDir(dir)
	marked, err := isMarked(sealed)
	if err != nil || !marked {
		return err
	}
	begun, err := os.ReadFile(filepath.Join(sealed, begunName))
	if err == nil {
		_, _, err = change.Ring.Open(nil, begun, begunWhat(kind.What))
	}
	if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, atrest.ErrDamaged) {
		return err
	}
	to := &Folder{Dir: sealed, ring: change.Ring}
	if to.names, _, err = to.readMarker(kind.What); err != nil {
		return err
	}
	r := &rewriting{kind: kind}
	some := false
	if err := r.walk(to, func(string, fs.DirEntry) error { some = true; return nil }, leave); err != nil || !some {
		return err // nothing was sealed yet
	}
	return r.walk(&Folder{Dir: filepath.Clean(dir)}, func(name string, _ fs.DirEntry) error {
		becomes := name
		if kind.Becomes != nil {
			becomes = kind.Becomes(to, name)
		}
		if _, err := os.Lstat(filepath.Join(sealed, becomes)); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if kind.Check != nil && kind.Check(name) != nil {
			return nil // it is said that it is none of ours
		}
		return &os.PathError{Op: "rewrite", Path: filepath.Join(dir, name), Err: errPlanted}
	}, leave)
}

func leave(string) error { return nil }

var errPlanted = errors.New("it is not sealed, while what is there is, and no \"freshet seal\" was ended early that could have left it: find out who put it there, and move it away")

// Check says if there is a file that [Rewrite] would not know what to do with, or
// that is to be looked at first.
func Check(dir string, change *atrest.Change, kind *Kind) error {
	if err := checkPlanted(dir, change, kind); err != nil {
		return err
	}
	if kind.Check == nil {
		return nil
	}
	folders := []*Folder{{Dir: SealedDir(dir), ring: change.Ring}}
	if !change.Plain {
		folders = append(folders, &Folder{Dir: filepath.Clean(dir)})
	}
	r := &rewriting{kind: kind}
	for _, in := range folders {
		err := r.each(in, func(name string, _ fs.FileInfo) error {
			err := kind.Check(name)
			if err != nil {
				err = &os.PathError{Op: "rewrite", Path: filepath.Join(in.Dir, name), Err: err}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type rewriting struct {
	kind       *Kind
	progress   Progress
	done, size int64

	noted string // the file of begin, if it was not there before
	moved bool   // something was
}

func (r *rewriting) step() error {
	if r.kind.Step == nil {
		return nil
	}
	return r.kind.Step()
}

// each calls f with the files of a folder by their names in it. What a process has
// left that was killed is removed.
func (r *rewriting) each(in *Folder, f func(name string, info fs.FileInfo) error) error {
	return r.walk(in, func(name string, d fs.DirEntry) error {
		info, err := d.Info()
		if err != nil {
			return err
		}
		return f(name, info)
	}, os.Remove)
}

// walk calls f with the names of files that a folder keeps, and passing with the
// paths of those that were being written.
func (r *rewriting) walk(in *Folder, f func(name string, d fs.DirEntry) error, passing func(path string) error) error {
	return filepath.WalkDir(in.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || !d.Type().IsRegular():
			return err
		}
		name, err := filepath.Rel(in.Dir, path)
		switch {
		case err != nil:
			return err
		case name == lockName || in.Sealed() && (name == markerName || name == begunName):
			return nil
		case isPassing(in.Dir, path) || r.kind.Passing != nil && r.kind.Passing(name):
			return passing(path)
		}
		return f(name, d)
	})
}

func (r *rewriting) measure(in *Folder) error {
	return r.each(in, func(_ string, info fs.FileInfo) error {
		r.size += info.Size()
		return nil
	})
}

// move rewrites the files of a folder; from and to may be the same.
func (r *rewriting) move(ctx context.Context, from, to *Folder) error {
	err := r.each(from, func(name string, info fs.FileInfo) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.file(ctx, from, to, name, info.ModTime(), info.Mode().Perm()); err != nil {
			return err
		}
		if r.done += info.Size(); r.progress != nil {
			r.progress(min(r.done, r.size), r.size)
		}
		return nil
	})
	if err == nil && from != to {
		err = removeFolders(from.Dir)
	}
	return err
}

// file rewrites one file: aside, onto the disk, into its place; then the old one
// goes.
func (r *rewriting) file(ctx context.Context, from, to *Folder, name string, mod time.Time, mode fs.FileMode) error {
	old := filepath.Join(from.Dir, name)
	in, err := os.Open(old)
	if err != nil {
		return err
	}
	defer in.Close()
	aside := filepath.Join(to.Dir, temporary)
	if err := r.step(); err != nil {
		return err
	}
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	out, err := os.OpenFile(aside, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	next, err := r.kind.Copy(ctx, &Copying{From: from, To: to, Name: name, In: in, Out: out})
	if err != nil || next == "" {
		err = errors.Join(err, out.Close(), os.Remove(aside))
		if err != nil {
			err = &os.PathError{Op: "rewrite", Path: old, Err: err}
		}
		return err
	}
	if err := errors.Join(out.Sync(), out.Close(), in.Close()); err != nil {
		return err
	}
	if err := r.step(); err != nil {
		return err
	}
	place := filepath.Join(to.Dir, next)
	if _, err := os.Lstat(place); err == nil && from != to && to.Sealed() {
		return r.keep(ctx, to, next, old, aside)
	}
	if err := makeFolder(to.Dir, filepath.Dir(place)); err != nil {
		return err
	}
	if err := r.step(); err != nil {
		return err
	}
	r.moved = true
	_ = os.Chtimes(aside, mod, mod) // what is kept by its age is kept longer then
	// It is for its owner alone, whatever the old one was.
	if err := os.Chmod(aside, mode&0o600); err != nil {
		return err
	}
	if err := os.Rename(aside, place); err != nil {
		return err
	}
	if err := wholefile.SyncFolder(filepath.Dir(place)); err != nil {
		return err
	}
	if err := r.step(); err != nil || place == old {
		return err
	}
	return removeLasting(old)
}

// keep removes a plain file whose sealed one is there: that was complete when it
// got its name, and a server may have written to it since. Only the sealed one says
// who wrote it, so that it has to open.
func (r *rewriting) keep(ctx context.Context, in *Folder, name, plain, aside string) error {
	place := filepath.Join(in.Dir, name)
	sealed, err := os.Open(place)
	if err != nil {
		return err
	}
	defer sealed.Close()
	out, err := os.OpenFile(aside, os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	again := *in // another one, so that all of it is opened
	_, err = r.kind.Copy(ctx, &Copying{From: in, To: &again, Name: name, In: sealed, Out: out})
	if err = errors.Join(err, out.Close(), os.Remove(aside)); err != nil {
		return fmt.Errorf("%s is there also sealed, and that cannot be opened, so that neither was touched: %w", plain, &os.PathError{Op: "open", Path: place, Err: err})
	}
	if err := r.step(); err != nil {
		return err
	}
	r.moved = true
	return removeLasting(plain)
}

// removeLasting removes a file; it does not come back when the power goes away.
func removeLasting(name string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(name))
}

// makeFolder makes a folder below another one, lasting.
func makeFolder(root, dir string) error {
	if _, err := os.Lstat(dir); err == nil || dir == root {
		return err
	}
	if err := makeFolder(root, filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return wholefile.SyncFolder(filepath.Dir(dir))
}

// removeFolders removes the empty folders in a folder.
func removeFolders(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if err := removeFolders(path); err != nil {
			return err
		}
		if left, err := os.ReadDir(path); err != nil || len(left) > 0 {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
