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
	from  []inputFrom
	files []jobs.File
}

// inputFrom is where a file is on this machine: by itself, or below a folder that
// was named, which it does not leave.
type inputFrom struct{ dir, name string }

func (f inputFrom) String() string { return filepath.Join(f.dir, f.name) }

func (f inputFrom) open() (*os.File, error) {
	if f.dir == "" {
		return os.Open(f.name)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(f.name)
}

func (f inputFrom) stat() (fs.FileInfo, error) {
	if f.dir == "" {
		return os.Stat(f.name)
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Stat(f.name)
}

// resolved is the file below the same folder that a link leads to. A folder may be
// somebody else's: what is outside it was not named, and is not sent.
func (f inputFrom) resolved() (inputFrom, error) {
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		return f, err
	}
	to, err := filepath.EvalSymlinks(filepath.Join(dir, f.name))
	if err != nil {
		return f, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return f, err
	}
	name, err := filepath.Rel(dir, to)
	if err != nil || !filepath.IsLocal(name) {
		return f, fmt.Errorf("%s is a link that leads out of %s; name what it leads to by itself", f, f.dir)
	}
	f.name = name
	return f, nil
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
// what it is called here. It may be a link itself; those in a folder are what they
// lead to in that folder.
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
		return all.file(inputFrom{name: from}, name)
	}
	root, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f := inputFrom{from, filepath.FromSlash(at)}
		if d.Type()&fs.ModeSymlink != 0 {
			if f, err = f.resolved(); err != nil {
				return err
			}
		}
		return all.file(f, path.Join(name, at))
	})
}

// file adds one file. A link is what it leads to.
func (all *inputFiles) file(from inputFrom, name string) error {
	info, err := from.stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", from)
	case len(all.files) == mostInputs:
		return fmt.Errorf("a job has %d files at most; put more into one, as with tar", mostInputs)
	}
	all.from = append(all.from, from)
	all.files = append(all.files, jobs.File{Name: name, Size: info.Size(), Exec: info.Mode()&0o111 != 0})
	return nil
}

// digest reads a file.
func (all *inputFiles) digest(ctx context.Context, i int) error {
	f, err := all.from[i].open()
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, &untilDone{ctx, f})
	if err != nil {
		return fmt.Errorf("read %s: %w", all.from[i], cause(err))
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
	_, err := j.queue.SendInputs(ctx, all.files, func(i int) (io.ReadSeekCloser, error) { return all.from[i].open() }, progress)
	if shown {
		io.WriteString(j.Stderr, "\r\x1b[K")
	}
	return err
}
