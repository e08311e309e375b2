package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"freshet/jobs"
)

// mostInputs is how many files a job may come with.
const mostInputs = 1024

// inputFiles are the files that a job comes with.
type inputFiles struct {
	paths []string // on this machine
	files []jobs.File
}

// readInputs finds the files that --input names, and makes their digests.
func readInputs(ctx context.Context, args []string) (*inputFiles, error) {
	all := &inputFiles{}
	for _, arg := range args {
		from, name := splitInput(arg)
		if err := all.add(from, name); err != nil {
			return nil, fmt.Errorf("--input %s: %w", arg, cause(err))
		}
	}
	for i := range all.files {
		if err := all.digest(ctx, i); err != nil {
			return nil, fmt.Errorf("--input: %w", err)
		}
	}
	return all, nil
}

// splitInput cuts FILE:NAME. What there is is a file with a colon in its name.
func splitInput(arg string) (from, name string) {
	if _, err := os.Lstat(arg); err == nil {
		return arg, ""
	}
	if at := strings.LastIndexByte(arg, ':'); at > 0 {
		return arg[:at], arg[at+1:]
	}
	return arg, ""
}

// add adds a file, or those of a folder; their names begin with name, or with
// what it is called here.
func (all *inputFiles) add(from, name string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if name == "" {
		if name = filepath.Base(from); name == ".." || name == string(filepath.Separator) {
			return errors.New("give it a name: " + from + ":NAME")
		}
	}
	name = path.Clean(filepath.ToSlash(name))
	if !info.IsDir() {
		return all.file(from, name)
	}
	return filepath.WalkDir(from, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rest, err := filepath.Rel(from, at)
		if err != nil {
			return err
		}
		return all.file(at, path.Join(name, filepath.ToSlash(rest)))
	})
}

// file adds one file. A link is what it leads to.
func (all *inputFiles) file(at, name string) error {
	info, err := os.Stat(at)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", at)
	case len(all.files) == mostInputs:
		return fmt.Errorf("a job has %d files at most; put more into one, as with tar", mostInputs)
	}
	all.paths = append(all.paths, at)
	all.files = append(all.files, jobs.File{Name: name, Size: info.Size(), Exec: info.Mode()&0o111 != 0})
	return nil
}

// digest reads a file.
func (all *inputFiles) digest(ctx context.Context, i int) error {
	f, err := os.Open(all.paths[i])
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, &untilDone{ctx, f})
	if err != nil {
		return fmt.Errorf("read %s: %w", all.paths[i], cause(err))
	}
	all.files[i].Size, all.files[i].SHA256 = n, hex.EncodeToString(sum.Sum(nil))
	return nil
}

// untilDone reads until ctx ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

// send sends what the server lacks.
func (all *inputFiles) send(ctx context.Context, j *jobCommand) error {
	shown, last := false, time.Now()
	progress := func(done, whole int64) {
		if now := time.Now(); j.Terminal && (shown || now.Sub(last) > time.Second) {
			shown, last = true, now
			fmt.Fprintf(j.Stderr, "\r\x1b[Kfiles: %d of %d MiB", done>>20, whole>>20)
		}
	}
	_, err := j.queue.SendInputs(ctx, all.files, func(i int) (io.ReadSeekCloser, error) { return os.Open(all.paths[i]) }, progress)
	if shown {
		io.WriteString(j.Stderr, "\r\x1b[K")
	}
	return err
}
