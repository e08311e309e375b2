package wiretest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// modified is the modification time of a script's files and folders: credible,
// and the same on every run, so that Last-Modified can be written into scripts
// and lists of folders are alike.
var modified = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// folder is what a script serves and edits.
type folder struct {
	dir   string
	times map[string]time.Time
	edits int
}

// granularity is more than the steps in which Linux's file systems count time:
// a file that changed less than that ago may change again without its times
// showing it, and a careful server does not rely on them.
const granularity = 50 * time.Millisecond

// settle waits until the times of the files that were written so far can be
// relied upon.
func settle() { time.Sleep(granularity) }

func newFolder(dir string, a archive) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f := &folder{dir: dir, times: map[string]time.Time{}}
	for _, file := range a.files {
		path := filepath.Join(dir, filepath.FromSlash(file.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, file.data, 0o644); err != nil {
			return nil, err
		}
		if err := f.touch(file.name, modified); err != nil {
			return nil, err
		}
	}
	return f, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chtimes(path, modified, modified)
		}
		return err
	})
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *folder) touch(name string, t time.Time) error {
	f.times[name] = t
	return os.Chtimes(f.path(name), t, t)
}

// put writes a file, and gives it a time that is later than that of every
// file before it, and the same whenever the script runs.
func (f *folder) put(name string, content []byte) error {
	if err := os.WriteFile(f.path(name), content, 0o644); err != nil {
		return err
	}
	f.edits++
	t := modified.Add(time.Duration(f.edits) * time.Minute)
	return os.Chtimes(f.path(name), t, t)
}

// edit executes a command that changes the folder.
func (f *folder) edit(verb string, args []word) error {
	least := map[string]int{"write": 1, "fill": 2, "touch": 2, "rm": 1, "mkdir": 1, "rename": 2, "link": 2, "fifo": 1, "keeptime": 1}
	if len(args) < least[verb] || len(args) > least[verb] && verb != "write" {
		return fmt.Errorf("%s takes %d words", verb, least[verb])
	}
	name := args[0].text
	switch verb {
	case "write":
		return f.put(name, []byte(concat(args[1:])))
	case "fill":
		size, err := strconv.Atoi(args[1].text)
		if err != nil || size < 0 {
			return fmt.Errorf("bad size %q", args[1].text)
		}
		return f.put(name, pattern(size))
	case "touch":
		t, err := time.Parse(time.RFC3339Nano, args[1].text)
		if err != nil {
			return err
		}
		return f.touch(name, t)
	case "keeptime":
		t, known := f.times[name]
		if !known {
			return fmt.Errorf("the script gave %s no time", name)
		}
		return f.touch(name, t)
	case "rm":
		return os.RemoveAll(f.path(name))
	case "mkdir":
		if err := os.MkdirAll(f.path(name), 0o755); err != nil {
			return err
		}
		return os.Chtimes(f.path(name), modified, modified)
	case "rename":
		return os.Rename(f.path(name), f.path(args[1].text))
	case "link":
		return os.Symlink(filepath.FromSlash(name), f.path(args[1].text))
	case "fifo":
		return makeFIFO(f.path(name))
	}
	return fmt.Errorf("unknown command %q", verb)
}

// pattern is a body in which a piece that stands at a wrong offset shows:
// numbers from 0 on, in eight bytes each.
func pattern(size int) []byte {
	text := make([]byte, 0, size+8)
	number := []byte("0000000\n")
	for len(text) < size {
		text = append(text, number...)
		for i := 6; i >= 0; i-- {
			if number[i]++; number[i] <= '9' {
				break
			}
			number[i] = '0'
		}
	}
	return text[:size]
}
