package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
	"freshet/internal/worker"
	"freshet/jobs"
)

// Defaults of InputOptions.
const (
	DefaultMaxInput  = 4 << 30
	DefaultMaxInputs = 64 << 30
	inputSettle      = time.Hour
)

// InputOptions bound what Inputs keep. Zero fields mean the defaults.
type InputOptions struct {
	// MaxFile is how long one file may be, in bytes; default 4 GiB.
	MaxFile int64
	// MaxAll is how long all together may be, those on their way too, in bytes;
	// default 64 GiB. What comes beyond is refused with jobs.ErrFull.
	MaxAll int64
	// Settle is how long a file is kept that no job needs, from when it came or
	// was asked for; default 1 h.
	Settle time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Inputs keeps the files that jobs come with, each once, by the SHA-256 of its
// content, which is its name in the folder. A file is there whole, and on the
// disk, or not at all. Where it is elsewhere that they are kept, that is what is
// there, and bounded; the folder has what came here, or was asked for. Methods may
// be called at the same time; one process at a time may use the folder.
type Inputs struct {
	dir  string
	in   *sealedfolder.Folder // of dir
	o    InputOptions
	away *elsewhere // nil: the folder is all

	mu    sync.Mutex        // guards what follows, and what is renamed and removed
	there map[string]*input // by their names in the folder
	parts map[string]*part  // by their digests
	size  int64             // of all that is there, and will be once the parts are whole
}

// input is a file that is there.
type input struct {
	digest string // where it is kept elsewhere; else it may be unknown
	size   int64
	used   time.Time // when it came, or was asked for
	// unsure: it may be gone elsewhere, or be another one, so that it has to be
	// sent again before a job with it is taken.
	unsure bool
	missed int // how often it was not found there
}

// OpenInputs makes the folder, and removes what had not come whole. Unless
// elsewhere is nil, it is another folder beside, a copy of what is there: what is
// not there is removed, too.
//
// With a ring files are sealed, and their names are a hash of the digests that
// nobody else can make.
func OpenInputs(dir string, o InputOptions, ring *atrest.Ring, away *elsewhere) (*Inputs, error) {
	if o.MaxFile <= 0 {
		o.MaxFile = DefaultMaxInput
	}
	if o.MaxAll <= 0 {
		o.MaxAll = DefaultMaxInputs
	}
	if o.Settle <= 0 {
		o.Settle = inputSettle
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	in, err := openInputs(dir, ring, away)
	if err != nil {
		return nil, err
	}
	dir = in.Dir
	i := &Inputs{dir: dir, in: in, o: o, away: away, there: map[string]*input{}, parts: map[string]*part{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil:
			return nil, err
		case strings.HasPrefix(e.Name(), partPrefix):
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		case isDigest(e.Name()) && info.Mode().IsRegular():
			size, err := in.Size(filepath.Join(dir, e.Name()), info.Size())
			if err != nil {
				continue // it is to be sent anew, and takes its place then
			}
			i.there[e.Name()] = &input{size: size, used: info.ModTime()}
			i.size += size
		}
	}
	if away != nil {
		return i, i.copyOf(away.take(ofInputs))
	}
	return i, nil
}

// inputsPurpose is what the folder is; inputIs says what a file of it is, by its
// name there.
const inputsPurpose = "inputs of jobs"

func inputIs(name string) string { return "input " + name }

// openInputs opens the folder, or that of copies; copies of the other kind do not
// count.
func openInputs(dir string, ring *atrest.Ring, away *elsewhere) (*sealedfolder.Folder, error) {
	if away == nil {
		return sealedfolder.Open(dir, ring, inputsPurpose)
	}
	dir = copiesOf(dir)
	other := away.clear
	if ring == nil {
		other = away.clearSealed
	}
	if err := other(dir); err != nil {
		return nil, err
	}
	return sealedfolder.Open(dir, ring, inputsPurpose)
}

// isDigest reports whether text is a SHA-256 as it is a name here.
func isDigest(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// digestOf is the name of a file's content.
func digestOf(f *jobs.File) string { return strings.ToLower(f.SHA256) }

// path is where a content is, by its digest.
func (i *Inputs) path(digest string) string { return filepath.Join(i.dir, i.in.Name(digest)) }

// use says that files are needed soon, and returns those that are not there.
func (i *Inputs) use(files []jobs.File) (lacking []jobs.File, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.o.Now()
	seen := map[string]bool{}
	for _, f := range files {
		f.SHA256 = digestOf(&f)
		if seen[f.SHA256] {
			continue
		}
		seen[f.SHA256] = true
		there := i.there[i.in.Name(f.SHA256)]
		switch {
		case !isDigest(f.SHA256) || f.Size < 0:
			return nil, wrong(fmt.Errorf("file %q: %q, %d bytes, is no SHA-256 and size", f.Name, f.SHA256, f.Size))
		case f.Size > i.o.MaxFile:
			return nil, fmt.Errorf("%w: file %q has %d bytes; at most %d are taken", jobs.ErrFull, f.Name, f.Size, i.o.MaxFile)
		case there == nil || there.unsure:
			lacking = append(lacking, f)
		case there.size != f.Size:
			return nil, wrong(fmt.Errorf("file %q: its content has %d bytes, not %d", f.Name, there.size, f.Size))
		default:
			there.used = now
			os.Chtimes(i.path(f.SHA256), now, now) // for the next start; else it is removed sooner
		}
	}
	return lacking, nil
}

// lacks returns which of the files of a job have to be sent, and how much of
// each has come. Its error is that there is no room for them.
func (i *Inputs) lacks(files []jobs.File) ([]Lacking, error) {
	missing, err := i.use(files)
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	list, more := make([]Lacking, 0, len(missing)), int64(0)
	for _, f := range missing {
		one := Lacking{SHA256: f.SHA256}
		if p := i.parts[f.SHA256]; p != nil {
			one.Have = p.have.Load()
		} else {
			more += f.Size
		}
		list = append(list, one)
	}
	return list, i.room(more)
}

// room says whether so much more may come, if anything has to; the caller holds mu.
func (i *Inputs) room(more int64) error {
	if more > 0 && i.size+more > i.o.MaxAll {
		return fmt.Errorf("%w: files of jobs have %d bytes here, and %d more would come; at most %d are kept, until the jobs are forgotten", jobs.ErrFull, i.size, more, i.o.MaxAll)
	}
	return nil
}

// check refuses jobs of which a file is not there.
func (i *Inputs) check(specs []jobs.Spec) error {
	for s := range specs {
		lacking, err := i.use(specs[s].Files)
		if err != nil {
			return err
		}
		if len(lacking) > 0 {
			return fmt.Errorf("%w: files: the content of %q is not here; it has to be sent first", jobs.ErrSpec, lacking[0].Name)
		}
	}
	return nil
}

// Open returns the content of a file of a job. It wraps worker.ErrInput when
// it is not there.
func (i *Inputs) Open(ctx context.Context, f jobs.File) (*OpenInput, error) {
	digest := digestOf(&f)
	if !isDigest(digest) {
		return nil, fmt.Errorf("%w: %q is no SHA-256", worker.ErrInput, f.SHA256)
	}
	file, err := i.openFile(digest)
	if errors.Is(err, fs.ErrNotExist) && i.away != nil {
		if err := i.bring(ctx, digest); err != nil {
			return nil, err
		}
		file, err = i.openFile(digest)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, atrest.ErrDamaged) {
		return nil, noContent(digest)
	}
	if err != nil {
		return nil, err
	}
	return &OpenInput{file, func() { i.rotten(digest) }}, nil
}

// openFile opens a content that is here. One that does not open is forgotten.
func (i *Inputs) openFile(digest string) (*sealedfolder.File, error) {
	file, err := i.in.OpenFile(i.path(digest), inputIs(i.in.Name(digest)))
	if errors.Is(err, atrest.ErrDamaged) {
		i.rotten(digest)
	}
	return file, err
}

// noContent is the error of a content that is not there.
func noContent(digest string) error {
	return fmt.Errorf("%w: its content (SHA-256 %.12s…) is not kept; submit the job again", worker.ErrInput, digest)
}

// OpenInput is a content that is open. Close it.
type OpenInput struct {
	file  *sealedfolder.File
	wrong func()
}

// Read implements io.Reader.
func (o *OpenInput) Read(b []byte) (int, error) { return o.tell(o.file.Read(b)) }

// ReadAt implements io.ReaderAt.
func (o *OpenInput) ReadAt(b []byte, off int64) (int, error) { return o.tell(o.file.ReadAt(b, off)) }

// Close closes it.
func (o *OpenInput) Close() error { return o.file.Close() }

func (o *OpenInput) tell(n int, err error) (int, error) {
	if errors.Is(err, atrest.ErrDamaged) {
		o.wrong()
	}
	return n, err
}

// Wrong says that it was read, and is not what its digest says. It is forgotten
// then, so that it is sent anew with the next job that needs it, or fetched anew
// from elsewhere.
func (o *OpenInput) Wrong() { o.wrong() }

func (i *Inputs) rotten(digest string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	name := i.in.Name(digest)
	if one := i.there[name]; one != nil && os.Remove(i.path(digest)) == nil && i.away == nil {
		delete(i.there, name)
		i.size -= one.size
	}
}

// forget removes files that no job needs, and that came long enough ago; needed
// calls its argument with the digests that jobs need, and is only called when
// there may be some to remove.
func (i *Inputs) forget(needed func(func(digest string)) error) error {
	i.dropParts(func(p *part) bool { return i.o.Now().Sub(p.used) > i.o.Settle })
	old := i.settled()
	if len(old) == 0 {
		return nil
	}
	if err := needed(func(digest string) { delete(old, i.in.Name(digest)) }); err != nil {
		return err
	}
	var left leftovers
	for name := range old {
		if left.add(i.remove(name)); left.n > 0 && i.away != nil {
			break // it would be so for all that follow
		}
	}
	return left.err()
}

// remove removes a file, by its name, if it was not asked for meanwhile.
func (i *Inputs) remove(name string) error {
	if i.away != nil {
		return i.removeThere(name)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	one := i.there[name]
	if one == nil || !i.isOld(one) {
		return nil
	}
	return i.unlink(name, one)
}

// unlink removes a file from the folder, and from what is there; the caller holds
// mu.
func (i *Inputs) unlink(name string, one *input) error {
	if err := os.Remove(filepath.Join(i.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	delete(i.there, name)
	i.size -= one.size
	return nil
}

func (i *Inputs) settled() map[string]bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	old := map[string]bool{}
	for name, one := range i.there {
		if i.isOld(one) {
			old[name] = true
		}
	}
	return old
}

func (i *Inputs) isOld(one *input) bool { return i.o.Now().Sub(one.used) > i.o.Settle }

// Close forgets what has not come whole.
func (i *Inputs) Close() error {
	i.dropParts(func(*part) bool { return true })
	return nil
}

// files are the files of tasks on the machine of the queue, for its worker.
type files struct {
	*Outputs
	inputs *Inputs
}

// Open implements worker.FileStore.
func (s files) Open(ctx context.Context, _ jobs.Lease, f jobs.File) (io.ReadCloser, error) {
	return s.inputs.Open(ctx, f)
}

// syncDir makes what was renamed in a folder durable, where that is a thing that
// can be asked for.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
