package app

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// codingNotes are what is known of the codings that were written into one
// folder: a file of lines of JSON, the later ones hold, kept with the server's
// data and not in the folder. Without it nothing is wrong but that what we wrote
// counts as somebody else's.
type codingNotes struct {
	name  string // of the file
	about string // the folder
	all   map[string]codingNote
	lines int // in the file
	file  *os.File
}

// codingNote is a line: of the file that holds a coding, or would.
type codingNote struct {
	Folder string        `json:"folder,omitempty"` // in the first line, alone
	Name   string        `json:"name,omitempty"`
	Of     originalState `json:"of,omitzero"`    // what the original was
	Is     stated        `json:"is,omitzero"`    // what was written; zero: it was not worth it
	Gone   bool          `json:"gone,omitempty"` // the line before does not hold any more
}

// stated is what tells one content of a file from another.
type stated struct {
	Size int64 `json:"size"`
	Time int64 `json:"time"` // of its last change, nanoseconds since 1970
}

// originalState is stated of an original, which may have been replaced by one of the same
// size and time.
type originalState struct {
	stated
	Changed int64 `json:"changed,omitempty"` // its state, or what it is called; 0: not known here
}

func originalOf(fi fs.FileInfo) originalState { return originalState{stateOf(fi), changedAt(fi)} }

func stateOf(fi fs.FileInfo) stated { return stated{fi.Size(), fi.ModTime().UnixNano()} }

// maxCodingNotes bounds the notes of a folder, in bytes; what is beyond is
// forgotten.
const maxCodingNotes = 128 << 20

// openCodingNotes reads what is known of a folder. The file is made when there is
// something to note.
func openCodingNotes(dir, folder string) (*codingNotes, error) {
	sum := sha256.Sum256([]byte(folder))
	n := &codingNotes{name: filepath.Join(dir, hex.EncodeToString(sum[:12])+".notes"), about: folder, all: map[string]codingNote{}}
	f, err := os.Open(n.name)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || fi.Size() > maxCodingNotes {
		return n, errors.Join(err, n.rewrite())
	}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line codingNote
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // it is empty, or a crash cut it off
		}
		n.lines++
		n.take(&line)
	}
	if n.lines > 64 && n.lines > 2*len(n.all) {
		return n, n.rewrite()
	}
	return n, nil
}

func (n *codingNotes) take(line *codingNote) {
	switch {
	case line.Folder != "":
	case line.Gone:
		delete(n.all, line.Name)
	default:
		n.all[line.Name] = *line
	}
}

// note adds a line.
func (n *codingNotes) note(line codingNote) error {
	n.take(&line)
	if n.file == nil {
		if err := n.open(); err != nil {
			return err
		}
	}
	return n.write(&line)
}

// open opens the file to add lines, after one that was cut off, too.
func (n *codingNotes) open() error {
	if err := os.MkdirAll(filepath.Dir(n.name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(n.name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	n.file = f
	if n.lines == 0 {
		return n.write(&codingNote{Folder: n.about})
	}
	_, err = f.WriteString("\n")
	return err
}

func (n *codingNotes) write(line *codingNote) error {
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	n.lines++
	_, err = n.file.Write(append(b, '\n'))
	return err
}

// rewrite writes the file anew, with the lines that hold.
func (n *codingNotes) rewrite() error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	err := e.Encode(&codingNote{Folder: n.about})
	for _, line := range n.all {
		err = errors.Join(err, e.Encode(&line))
	}
	if err != nil {
		return err
	}
	aside := n.name + ".new"
	if err := os.WriteFile(aside, b.Bytes(), 0o600); err != nil {
		return err
	}
	n.lines = len(n.all) + 1
	return os.Rename(aside, n.name)
}

func (n *codingNotes) close() error {
	if n.file == nil {
		return nil
	}
	return n.file.Close()
}

// forgetCodingNotes removes what is known of folders that are gone.
func forgetCodingNotes(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		names, err := d.Readdirnames(256)
		for _, name := range names {
			name = filepath.Join(dir, name)
			if filepath.Ext(name) != ".notes" {
				continue
			}
			if _, err := os.Lstat(folderOfNotes(name)); errors.Is(err, fs.ErrNotExist) {
				os.Remove(name)
			}
		}
		if err != nil || len(names) == 0 {
			return nil // what is left is looked at the next time
		}
	}
}

// folderOfNotes is what a file of notes is about.
func folderOfNotes(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return "."
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line codingNote
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Folder != "" {
			return line.Folder
		}
	}
	return "."
}
