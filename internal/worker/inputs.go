package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"freshet/jobs"
)

// Who is to blame for an input that is not there.
var (
	errOurs = errors.New("this worker cannot keep it") // the folder's disk
	errSpec = errors.New("the job is wrong")
)

// ErrInput is wrapped by what a FileStore says that has not the content of a
// file, and will not have it: the attempt fails.
var ErrInput = errors.New("its content cannot be had")

// inputTries is how often a store is asked for a file, or to take one.
const inputTries = 4

// inputs puts the files of a job into the working folder; those that are
// programs may be executed.
func (h *holding) inputs(p *place) error {
	files := h.task.Spec.Files
	left := h.w.o.MaxInputSize
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return fmt.Errorf("input %q: %w: %w", f.Name, errSpec, err)
		}
		if left -= f.Size; f.Size < 0 || left < 0 {
			return fmt.Errorf("inputs: %w: more than %d bytes", errSpec, h.w.o.MaxInputSize)
		}
	}
	if len(files) > 0 && h.w.o.Files == nil {
		return fmt.Errorf("inputs: worker %s has no store for files", h.w.o.Node)
	}
	for _, f := range files {
		if err := h.input(p, f); err != nil {
			return fmt.Errorf("input %q: %w", f.Name, err)
		}
	}
	return nil
}

// checkName refuses names that are no relative paths in the plainest form.
func checkName(name string) error {
	if name == "." || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\x00\\") {
		return errors.New("its name is no relative path inside the folder")
	}
	return nil
}

// input puts one file there, and asks for it again if the store fails.
func (h *holding) input(p *place, f jobs.File) error {
	name := "work/" + f.Name
	var parents []string
	for dir := path.Dir(name); dir != "work"; dir = path.Dir(dir) {
		parents = append(parents, dir)
	}
	for i := len(parents) - 1; i >= 0; i-- {
		err := p.outer.Mkdir(filepath.FromSlash(parents[i]), 0o700)
		switch {
		case errors.Is(err, os.ErrExist):
		case err != nil:
			return fmt.Errorf("%w: %w", errOurs, err)
		default:
			p.made = append(p.made, parents[i])
		}
	}
	mode := os.FileMode(0o600)
	if f.Exec {
		mode = 0o700
	}
	to, err := p.outer.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil { // there is one, or one where a folder should be
		return fmt.Errorf("%w: %w", errSpec, err)
	}
	p.made = append(p.made, name)
	defer to.Close()
	var failing pause
	for try := 1; ; try++ {
		err = h.fetch(to, f)
		_, again := err.(differs)
		final := errors.Is(err, errOurs) || errors.Is(err, ErrInput) && !again
		if err == nil || final || try == inputTries || !failing.wait(h.ctx, nil) {
			return err
		}
	}
}

// fetch copies a file of the store, and compares its size and digest.
func (h *holding) fetch(to *os.File, f jobs.File) error {
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	from, err := h.w.o.Files.Open(ctx, h.task.Lease, f)
	if err != nil {
		return err
	}
	defer from.Close()
	if _, err := to.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	if err := to.Truncate(0); err != nil {
		return fmt.Errorf("%w: %w", errOurs, err)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(diskWriter{to}, sum), io.LimitReader(from, f.Size+1))
	switch {
	case err != nil:
		return err
	case n > f.Size:
		err = fmt.Errorf("it is longer than the %d bytes that were announced", f.Size)
	case n < f.Size:
		err = fmt.Errorf("%d bytes came, %d were announced", n, f.Size)
	case !strings.EqualFold(hex.EncodeToString(sum.Sum(nil)), f.SHA256):
		err = errors.New("its SHA-256 is not the one that was announced")
	default:
		return nil
	}
	if kept, ok := from.(interface{ Wrong() }); ok {
		kept.Wrong()
	}
	return differs{err}
}

// differs is that a store had something else; asked again, it may have it.
type differs struct{ error }

func (differs) Is(target error) bool { return target == ErrInput }

// diskWriter marks errors of writing as ours.
type diskWriter struct{ f *os.File }

func (w diskWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		err = fmt.Errorf("%w: %w", errOurs, err)
	}
	return n, err
}
