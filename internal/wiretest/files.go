package wiretest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// modified is the modification time of a script's files: credible, and the
// same on every run, so that Last-Modified can be written into scripts.
var modified = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// folder is what a script serves and edits.
type folder struct {
	dir   string
	times map[string]time.Time
}

func newFolder(dir string, a archive) (*folder, error) {
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
	return f, nil
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *folder) touch(name string, t time.Time) error {
	f.times[name] = t
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
		return os.WriteFile(f.path(name), []byte(concat(args[1:])), 0o644)
	case "fill":
		size, err := strconv.Atoi(args[1].text)
		if err != nil || size < 0 {
			return fmt.Errorf("bad size %q", args[1].text)
		}
		return os.WriteFile(f.path(name), pattern(size), 0o644)
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
		return os.MkdirAll(f.path(name), 0o755)
	case "rename":
		return os.Rename(f.path(name), f.path(args[1].text))
	case "link":
		return os.Symlink(filepath.FromSlash(name), f.path(args[1].text))
	case "fifo":
		return makeFIFO(f.path(name))
	}
	return fmt.Errorf("unknown command %q", verb)
}

// pattern is a body in which a piece that stands at a wrong offset shows: the
// numbers from 0, eight bytes each.
func pattern(size int) []byte {
	text := make([]byte, 0, size+8)
	for i := 0; len(text) < size; i++ {
		text = fmt.Appendf(text, "%07d\n", i)
	}
	return text[:size]
}
