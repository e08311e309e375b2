package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
)

const (
	// wholeBytes is the size up to which a file is coded in memory, as well as
	// that can be done; a larger one passes through, at an effort that suits that.
	wholeBytes = 8 << 20

	// asidePrefix begins the names of files that are being written. A file whose name
	// begins with a dot is not served.
	asidePrefix = ".freshet-coding-"

	// longestName is how many bytes the name of a file has on the systems that there
	// are.
	longestName = 255
)

// file writes the codings of one file.
func (p *precompressor) file(ctx context.Context, f *belowRoot, notes *codingNotes, name string) {
	if ctx.Err() != nil {
		return
	}
	p.report.Progress(min(float64(p.done)/float64(max(p.total, 1)), 1), fmt.Sprintf("%d of %d files", p.done, p.total))
	p.done++
	fi, err := p.settled(ctx, f, name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			p.failing(name, err)
		}
		return
	}
	var source []byte // once it is read
	for _, c := range p.wants.codings {
		if ctx.Err() != nil {
			return
		}
		j := &oneCoding{belowRoot: f, notes: notes, name: name, coding: c, of: fi}
		err := p.one(ctx, j, &source)
		switch {
		case errors.Is(err, errChanging):
			p.failing(name, err)
			return
		case err != nil && ctx.Err() == nil:
			p.failed++
			p.failing(name, err)
		}
	}
}

var (
	errChanging = errors.New("it changes while it is compressed")
	errFuture   = errors.New("its time has not come yet, and so could not tell when it changes")
)

// settled waits until a change of a file would show in its time.
func (p *precompressor) settled(ctx context.Context, f *belowRoot, name string) (fs.FileInfo, error) {
	for tries := 0; ; tries++ {
		fi, err := f.root.Lstat(name)
		if err != nil {
			return nil, err
		}
		age := p.now().Sub(fi.ModTime())
		switch {
		case !fi.Mode().IsRegular():
			return nil, fs.ErrNotExist // as if it had gone
		case age >= p.settle:
			return fi, nil
		case age < -p.settle:
			return nil, errFuture
		case tries == 3:
			return nil, errChanging
		}
		timer := time.NewTimer(p.settle - age)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

// oneCoding is one coding of one file.
type oneCoding struct {
	*belowRoot
	notes  *codingNotes
	name   string
	coding field.Coding
	of     fs.FileInfo // the original, before it was read
	ours   bool        // what is there already was written by a run before
}

func (j *oneCoding) beside() string { return j.name + coding.Sidecar(j.coding) }
func (j *oneCoding) key() string    { return path.Base(j.beside()) }

// one writes a coding if it is to be.
func (p *precompressor) one(ctx context.Context, j *oneCoding, source *[]byte) error {
	note, noted := j.notes.all[j.key()]
	is, err := j.root.Lstat(j.beside())
	there := err == nil
	if !there && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ours := there && noted && note.Is != stated{} && is.Mode().IsRegular() && stateOf(is) == note.Is
	current := noted && note.Of == originalOf(j.of)
	switch {
	case ours && current:
		p.had++
		return nil
	case there && !ours:
		p.foreign++
		return nil
	case !there && current && note.Is == stated{}:
		p.idle++
		return nil
	}
	j.ours = ours
	small := j.of.Size() < p.wants.least || len(j.key()) > longestName
	if !small {
		written, err := p.write(ctx, j, source)
		if written || err != nil {
			return err
		}
	}
	if ours {
		if err := j.root.Remove(j.beside()); err != nil {
			return err
		}
		p.removed++
	} else {
		p.idle++
	}
	if small && !noted {
		return nil
	}
	// That it is too small for one job says nothing to the next.
	return j.notes.note(codingNote{Name: j.key(), Of: originalOf(j.of), Gone: small})
}

// write writes a coding, unless that is not worth it.
func (p *precompressor) write(ctx context.Context, j *oneCoding, source *[]byte) (written bool, err error) {
	aside := path.Join(parent(j.name), asidePrefix+rand.Text())
	f, err := j.root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return false, fmt.Errorf("write beside it: %w", cause(err))
	}
	defer func() {
		if !written {
			f.Close()
			j.root.Remove(aside) // or the next run does
		}
	}()
	if j.of.Size() <= p.whole {
		err = codeWhole(j, source, f)
	} else {
		err = codePassing(ctx, j, f)
	}
	if err != nil {
		return false, err
	}
	made, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !coding.Worth(int(j.of.Size()), int(made.Size())) {
		return false, nil
	}
	if err := p.publish(ctx, j, f, aside); err != nil {
		return false, err
	}
	p.written++
	return true, nil
}

// publish puts a file that was written aside where it is served.
func (p *precompressor) publish(ctx context.Context, j *oneCoding, f *os.File, aside string) error {
	err := f.Chmod(likeOriginal(f, j.of))
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return fmt.Errorf("write beside it: %w", cause(err))
	}
	if err := j.root.Chtimes(aside, j.of.ModTime(), j.of.ModTime()); err != nil {
		return fmt.Errorf("write beside it: %w", cause(err))
	}
	made, err := f.Stat()
	if err != nil {
		return err
	}
	if err := j.unchanged(j.root.Lstat(j.name)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// Noted before it is there, and after the one before has gone: who is killed
	// between has noted something that is not, which is found out.
	if j.ours {
		if err := j.root.Remove(j.beside()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write beside it: %w", err)
		}
	}
	if err := j.notes.note(codingNote{Name: j.key(), Of: originalOf(j.of), Is: stateOf(made)}); err != nil {
		return fmt.Errorf("note what is written: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write beside it: %w", cause(err))
	}
	if err := j.root.Rename(aside, j.beside()); err != nil {
		return fmt.Errorf("write beside it: %w", err)
	}
	return nil
}

// unchanged fails with errChanging unless the original is what it was.
func (j *oneCoding) unchanged(fi fs.FileInfo, err error) error {
	if err != nil || !os.SameFile(fi, j.of) || originalOf(fi) != originalOf(j.of) {
		return errChanging
	}
	return nil
}

// open opens the original, if it is what it was.
func (j *oneCoding) open() (*os.File, error) {
	f, err := j.root.OpenFile(j.name, os.O_RDONLY|nonblocking, 0)
	if err != nil {
		return nil, err
	}
	if err := j.unchanged(f.Stat()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// codeWhole codes a file in memory. source is what it holds, once it is read.
func codeWhole(j *oneCoding, source *[]byte, to io.Writer) error {
	if *source == nil {
		f, err := j.open()
		if err != nil {
			return err
		}
		defer f.Close()
		all := make([]byte, j.of.Size())
		if _, err := io.ReadFull(f, all); err != nil {
			return errChanging
		}
		if err := j.unchanged(f.Stat()); err != nil {
			return err
		}
		*source = all
	}
	b, err := coding.Encode(nil, j.coding, *source, coding.Best)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, bytes.NewReader(b))
	return err
}

// codePassing codes a file as it is read.
func codePassing(ctx context.Context, j *oneCoding, to io.Writer) error {
	f, err := j.open()
	if err != nil {
		return err
	}
	defer f.Close()
	w := coding.NewWriter(to, j.coding)
	defer w.Discard()
	n, err := io.Copy(w, &boundReader{ctx, io.LimitReader(f, j.of.Size())})
	if err != nil {
		return err
	}
	if n != j.of.Size() {
		return errChanging
	}
	if err := j.unchanged(f.Stat()); err != nil {
		return err
	}
	return w.Close()
}

// boundReader reads until a context ends.
type boundReader struct {
	ctx context.Context
	r   io.Reader
}

func (u *boundReader) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(b)
}

// orphans removes from a folder what was written for files that have gone, and
// forgets it.
func (p *precompressor) orphans(f *belowRoot, dir string, notes *codingNotes) {
	for key, note := range notes.all {
		name := path.Join(dir, strings.TrimSuffix(key, path.Ext(key)))
		if _, err := f.root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		beside := path.Join(dir, key)
		if fi, err := f.root.Lstat(beside); err == nil && fi.Mode().IsRegular() && stateOf(fi) == note.Is {
			if err := f.root.Remove(beside); err != nil {
				p.failed++
				p.failing(beside, err)
				continue
			}
			p.removed++
		}
		if err := notes.note(codingNote{Name: key, Gone: true}); err != nil {
			p.failing(beside, err)
		}
	}
}
