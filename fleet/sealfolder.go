package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"freshet/internal/atrest"
	"freshet/internal/filelock"
	"freshet/internal/sealedfolder"
	"freshet/internal/worker"
	"freshet/jobs"
)

// SealFolder changes how all is kept that Options.Ring seals in a folder, which
// nobody has open; ErrInUse: somebody has. What is on NATS is not: package bus does
// that. progress, unless it is nil, is called with how many bytes of how many are
// done. When it was ended it is to be called again, be it with the same change or
// the opposite; until then the folder is not opened. Copies of what is kept
// elsewhere are removed: they are made again.
func SealFolder(ctx context.Context, dir string, change *atrest.Change, progress func(done, all int64)) error {
	return sealFolder(ctx, dir, change, progress, nil)
}

func sealFolder(ctx context.Context, dir string, change *atrest.Change, progress func(done, all int64), step func() error) (err error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil // there are no jobs
	}
	locked, err := lockFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, locked.Close()) }()
	kinds := map[string]*sealedfolder.Kind{
		"logs":    {What: logsPurpose, Check: checkText, Copy: copyText, Passing: isPart, Step: step},
		"outputs": {What: outputsPurpose, Check: checkOutput, Copy: copyOutput, Passing: isPart, Step: step},
		"inputs":  {What: inputsPurpose, Check: checkInput, Copy: copyInput, Becomes: func(to *sealedfolder.Folder, name string) string { return to.Name(name) }, Passing: isPart, Step: step},
	}
	for name, kind := range kinds {
		if err := sealedfolder.Check(filepath.Join(dir, name), change, kind); err != nil {
			return err
		}
	}
	for _, name := range [...]string{"logs", "outputs", "inputs"} {
		copies := copiesOf(filepath.Join(dir, name))
		if err := errors.Join(os.RemoveAll(copies), os.RemoveAll(sealedfolder.SealedDir(copies))); err != nil {
			return err
		}
	}
	p := &sealProgress{tell: progress}
	parts := []struct {
		name string
		do   func(dir string, progress sealedfolder.Progress) error
	}{
		{ledgerDir, func(_ string, progress sealedfolder.Progress) error {
			return locked.log.Seal(ctx, change, progress)
		}},
		{"logs", rewriting(ctx, change, kinds["logs"])},
		{"outputs", rewriting(ctx, change, kinds["outputs"])},
		{"inputs", rewriting(ctx, change, kinds["inputs"])},
	}
	for _, part := range parts {
		if p.all, err = addSizes(p.all, filepath.Join(dir, part.name)); err != nil {
			return err
		}
	}
	for _, part := range parts {
		path := filepath.Join(dir, part.name)
		if !isThere(path) && !isThere(sealedfolder.SealedDir(path)) {
			continue
		}
		if err := part.do(path, p.part); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		p.before += p.now
		p.now = 0
	}
	return nil
}

// SealOpens says if what is sealed in a folder is so by a key that does not open it,
// as one of the same name and another secret. It opens nothing but what says how each
// part is sealed, and changes nothing.
func SealOpens(dir string, ring *atrest.Ring) error {
	err := jobs.SealOpens(filepath.Join(dir, ledgerDir), ring)
	for name, what := range map[string]string{"logs": logsPurpose, "outputs": outputsPurpose, "inputs": inputsPurpose} {
		err = errors.Join(err, sealedfolder.Opens(filepath.Join(dir, name), ring, what))
	}
	return err
}

func rewriting(ctx context.Context, change *atrest.Change, kind *sealedfolder.Kind) func(string, sealedfolder.Progress) error {
	return func(dir string, progress sealedfolder.Progress) error {
		return sealedfolder.Rewrite(ctx, dir, change, kind, progress)
	}
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// ledgerDir is where the log is in a program without NATS.
const ledgerDir = "log"

// lockedFolder is a folder of jobs that nobody else opens.
type lockedFolder struct {
	log   *jobs.LockedFolder // nil: there is none
	locks []io.Closer
}

// Close lets others open it.
func (l *lockedFolder) Close() (err error) {
	for _, lock := range l.locks {
		err = errors.Join(err, lock.Close())
	}
	return err
}

// lockFolder has the folder of jobs for us alone: whoever has it open, as a hub or as
// a peer, has one of these locks, also when it is the first time. That of the log is
// taken where nobody has opened it yet, too, unless NATS keeps the queue.
func lockFolder(dir string) (l *lockedFolder, err error) {
	l = &lockedFolder{}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close())
		}
	}()
	onNATS := false
	for _, in := range [...]string{busDir, peersDir} {
		folder := filepath.Join(dir, in)
		onNATS = onNATS || isThere(folder)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return l, err
		}
		lock, err := filelock.Take(filepath.Join(folder, "lock"))
		if errors.Is(err, filelock.ErrLocked) {
			err = fmt.Errorf("%w: %s: %w", ErrInUse, folder, err)
		}
		if err != nil {
			return l, err
		}
		l.locks = append(l.locks, lock)
	}
	log := filepath.Join(dir, ledgerDir)
	if onNATS && !isThere(log) && !isThere(sealedfolder.SealedDir(log)) {
		return l, nil
	}
	if l.log, err = jobs.LockFolder(log); err == nil {
		l.locks = append(l.locks, l.log)
	} else if errors.Is(err, jobs.ErrFenced) {
		err = fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return l, err
}

// sealProgress makes one of the progress of several folders.
type sealProgress struct {
	tell             func(done, all int64)
	before, now, all int64
}

func (p *sealProgress) part(done, _ int64) {
	if p.now = done; p.tell != nil {
		p.tell(min(p.before+p.now, p.all), p.all)
	}
}

// addSizes adds how much is in a folder, plain and sealed.
func addSizes(all int64, dir string) (int64, error) {
	for _, dir := range [...]string{dir, sealedfolder.SealedDir(dir)} {
		err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				all += info.Size()
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return all, nil
}

// isPart reports whether a file was being written when a process was killed.
func isPart(name string) bool { return strings.HasPrefix(filepath.Base(name), worker.Unfinished) }

// errStrange is of a file that is none of ours.
var errStrange = errors.New("it is no file of jobs; move it away")

func checkOutput(name string) error {
	if strings.Count(filepath.ToSlash(name), "/") < 2 {
		return errStrange
	}
	return nil
}

// copyOutput rewrites a file that a task made.
func copyOutput(_ context.Context, c *sealedfolder.Copying) (string, error) {
	name := filepath.ToSlash(c.Name)
	done, err := c.Whole("output "+name, "output "+name)
	return rewritten(c.Name, done, err)
}

// rewritten is what a copy is called; "": there is none.
func rewritten(name string, done bool, err error) (string, error) {
	if done || err != nil {
		return "", err
	}
	return name, nil
}

func checkInput(name string) error {
	if !isDigest(name) {
		return errStrange
	}
	return nil
}

// copyInput rewrites a content, whose name is its SHA-256 when it is plain.
func copyInput(_ context.Context, c *sealedfolder.Copying) (string, error) {
	switch {
	case c.From == c.To:
		done, err := c.Whole(inputIs(c.Name), inputIs(c.Name))
		return rewritten(c.Name, done, err)
	case !c.From.Sealed():
		name := c.To.Name(c.Name)
		_, err := c.Whole("", inputIs(name))
		return name, err
	}
	if _, err := c.Whole(inputIs(c.Name), ""); err != nil {
		return "", err
	}
	if _, err := c.Out.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err := io.Copy(sum, c.Out)
	return hex.EncodeToString(sum.Sum(nil)), err
}

func checkText(name string) error {
	_, err := textOf(name)
	return err
}

// textOf is whose text a file is.
func textOf(name string) (taskOf, error) {
	job, file := filepath.Split(name)
	number, ok := strings.CutSuffix(file, ".log")
	task, err := strconv.ParseInt(number, 10, 64)
	if job = filepath.Clean(job); !ok || err != nil || strings.ContainsRune(job, filepath.Separator) {
		return taskOf{}, errStrange
	}
	return taskOf{jobs.ID(job), task}, nil
}

// copyText rewrites what a task wrote.
func copyText(_ context.Context, c *sealedfolder.Copying) (string, error) {
	task, err := textOf(c.Name)
	if err != nil {
		return "", err
	}
	is := textIs(task)
	info, err := c.In.Stat()
	if err != nil {
		return "", err
	}
	from := io.Reader(c.In)
	if c.From.Sealed() {
		var x textIndex
		if err := x.scan(c.In, info.Size()); err != nil {
			return "", err
		}
		if c.From == c.To && x.isOf(c.In, c.To.Ring().First()) {
			return "", nil
		}
		r := &partsReader{f: c.In, in: c.From, is: is, x: x}
		if _, err := r.cut(); err != nil {
			return "", err
		}
		from = io.NewSectionReader(r, 0, r.x.end.plain)
	}
	to := textIn(c.To, is)(c.Out)
	if _, err := io.Copy(to, from); err != nil {
		return "", err
	}
	return c.Name, to.Close()
}

// isOf reports whether all parts are sealed by a key.
func (x *textIndex) isOf(f io.ReaderAt, key string) bool {
	for at := int64(0); at < x.end.file; {
		sealed, _, ok, err := partHead(f, at, x.end.file)
		if err != nil || !ok {
			return false
		}
		head := make([]byte, min(sealed, int64(textPeek)))
		if _, err := f.ReadAt(head, at+textHead); err != nil {
			return false
		}
		if name, err := atrest.KeyOf(head); err != nil || name != key {
			return false
		}
		at += textHead + sealed
	}
	return true
}
