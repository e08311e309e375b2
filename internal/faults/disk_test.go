//go:build linux

package faults

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A disk is a folder over time: each change of it, in the order in which they
// were made, and what made them durable. From that follows what may be left of
// the folder when the power goes.
type disk struct {
	root    string
	changes []change
	nodes   int   // how many files and folders there ever were
	modes   []int // of each; -1: a folder's
}

// change is one of a file's content, of names, or a sync.
type change struct {
	began, end time.Time
	kind       kind
	node       int // whose content; which was named; which is synced
	offset     int // or the new size
	bytes      []byte
	durable    bool   // by itself: O_SYNC
	out, in    nameIn // a name that goes, one that comes
}

// nameIn is a name in a folder; the zero value is none.
type nameIn struct {
	folder int
	name   string
}

type kind int

const (
	written kind = iota
	resized
	named
	synced
)

// Of the folder that is looked at.
const rootNode = 1

// opened is an open file: several descriptors may share it.
type opened struct {
	node   int
	path   string
	offset int
	append bool
	sync   bool
}

// recording makes a disk of calls.
type recording struct {
	*disk
	names map[nameIn]int
	files map[int]*opened
}

// newDisk makes it of what a process did to a folder, which was empty, or not
// there.
func newDisk(root string, calls []call) (*disk, error) {
	r := &recording{disk: &disk{root: root, nodes: rootNode + 1, modes: []int{0, -1}}, names: map[nameIn]int{}, files: map[int]*opened{}}
	for i := range calls {
		if err := r.add(&calls[i]); err != nil {
			return nil, fmt.Errorf("%s(%.200q) = %d: %w", calls[i].name, calls[i].args, calls[i].result, err)
		}
	}
	return r.disk, nil
}

// find finds what a path leads to, as a descriptor of a folder and a name, 0 for
// nothing.
func (r *recording) find(path string) (in nameIn, node int, inside bool) {
	rest, inside := strings.CutPrefix(path, r.root)
	if !inside || (rest != "" && rest[0] != '/') {
		return in, 0, false
	}
	node = rootNode
	for word := range strings.SplitSeq(strings.Trim(rest, "/"), "/") {
		if word == "" {
			continue
		}
		in = nameIn{node, word}
		if node = r.names[in]; node == 0 && !strings.HasSuffix(path, "/"+word) {
			return nameIn{}, 0, true
		}
	}
	return in, node, true
}

// at is the path of a name that is given beside a descriptor.
func (r *recording) at(c *call, i int) (string, error) {
	path := c.args[i+1]
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	if c.args[i] == "AT_FDCWD" {
		return "", nil // nobody names the folder so
	}
	f := r.files[c.number(i)]
	if f == nil {
		return "", nil
	}
	return filepath.Join(f.path, path), nil
}

// plain says how calls are named and put that have a twin with descriptors.
var plain = map[string]string{"open": "openat", "creat": "", "mkdir": "mkdirat", "unlink": "unlinkat", "rename": "renameat", "link": "linkat"}

func (r *recording) add(c *call) error {
	if c.failed {
		return nil
	}
	if twin, is := plain[c.name]; is {
		c.name = twin
		c.args = slices.Insert(c.args, 0, "AT_FDCWD")
		if twin == "renameat" || twin == "linkat" {
			c.args = slices.Insert(c.args, 2, "AT_FDCWD")
		}
	}
	switch c.name {
	case "clone", "clone3":
		return nil
	case "openat":
		return r.open(c)
	case "dup", "dup2", "dup3":
		return r.dup(c, c.number(0))
	case "fcntl":
		if strings.HasPrefix(c.args[1], "F_DUPFD") {
			return r.dup(c, c.number(0))
		}
		if f := r.files[c.number(0)]; f != nil && c.args[1] == "F_SETFL" {
			f.append = strings.Contains(c.args[2], "O_APPEND")
		}
		return nil
	case "mkdirat", "unlinkat", "rmdir", "renameat", "renameat2", "linkat":
		return r.rename(c)
	case "truncate", "openat2", "creat", "":
		return fmt.Errorf("this call is not modelled")
	case "sync", "syncfs":
		return fmt.Errorf("this call is not modelled")
	}
	f := r.files[c.number(0)]
	if f == nil {
		return nil // another file, or none
	}
	switch c.name {
	case "close":
		delete(r.files, c.number(0))
	case "lseek":
		f.offset = c.result
	case "write":
		if f.append {
			f.offset = r.size(f.node)
		}
		r.write(c, f, f.offset, c.args[1])
		f.offset += c.result
	case "pwrite64":
		r.write(c, f, c.number(3), c.args[1])
	case "ftruncate":
		r.note(c, change{kind: resized, node: f.node, offset: c.number(1)})
	case "fsync", "fdatasync":
		r.note(c, change{kind: synced, node: f.node})
	default:
		return fmt.Errorf("this call is not modelled")
	}
	return nil
}

func (r *recording) note(c *call, n change) {
	n.began, n.end = c.began, c.end
	r.changes = append(r.changes, n)
}

func (r *recording) write(c *call, f *opened, offset int, text string) {
	r.note(c, change{kind: written, node: f.node, offset: offset, bytes: []byte(text[:c.result]), durable: f.sync})
}

// size is that of a file after all that was done to it.
func (r *recording) size(node int) (size int) {
	for i := range r.changes {
		if c := &r.changes[i]; c.node == node {
			size = c.sizeAfter(size)
		}
	}
	return size
}

func (c *change) sizeAfter(size int) int {
	switch c.kind {
	case written:
		return max(size, c.offset+len(c.bytes))
	case resized:
		return c.offset
	}
	return size
}

func (r *recording) open(c *call) error {
	path, err := r.at(c, 0)
	if err != nil {
		return err
	}
	in, node, inside := r.find(path)
	if !inside {
		delete(r.files, c.result)
		return nil
	}
	flags := c.args[2]
	switch {
	case node == 0 && strings.Contains(flags, "O_CREAT") && in.folder != 0:
		var mode int
		if _, err := fmt.Sscanf(c.args[3], "%o", &mode); err != nil {
			return err
		}
		node = r.newNode(c, in, mode)
	case node == 0:
		return fmt.Errorf("a file that nobody has made was opened")
	case strings.Contains(flags, "O_TRUNC") && r.size(node) > 0:
		r.note(c, change{kind: resized, node: node})
	}
	r.files[c.result] = &opened{node: node, path: path, append: strings.Contains(flags, "O_APPEND"),
		sync: strings.Contains(flags, "O_SYNC") || strings.Contains(flags, "O_DSYNC")}
	return nil
}

func (r *recording) newNode(c *call, in nameIn, mode int) int {
	node := r.nodes
	r.nodes++
	r.modes = append(r.modes, mode)
	r.names[in] = node
	r.note(c, change{kind: named, node: node, in: in})
	return node
}

func (r *recording) dup(c *call, from int) error {
	if f := r.files[from]; f != nil {
		r.files[c.result] = f
	} else {
		delete(r.files, c.result)
	}
	return nil
}

// rename follows whatever changes names.
func (r *recording) rename(c *call) error {
	if c.name == "rmdir" {
		c.args = slices.Insert(c.args, 0, "AT_FDCWD")
	}
	path, err := r.at(c, 0)
	if err != nil {
		return err
	}
	from, node, inside := r.find(path)
	switch c.name {
	case "mkdirat":
		if inside && from.folder != 0 { // the folder itself is there
			r.newNode(c, from, -1)
		}
		return nil
	case "unlinkat", "rmdir":
		if inside && node != 0 { // else a socket, whose making is not looked at
			r.note(c, change{kind: named, node: node, out: from})
			delete(r.names, from)
		}
		return nil
	}
	path, err = r.at(c, 2)
	if err != nil {
		return err
	}
	to, _, toInside := r.find(path)
	if !inside && !toInside {
		return nil
	}
	if !inside || !toInside || node == 0 || to.folder == 0 || (c.name == "renameat2" && c.args[4] != "0") {
		return fmt.Errorf("this call is not modelled")
	}
	n := change{kind: named, node: node, out: from, in: to}
	if c.name == "linkat" {
		n.out = nameIn{}
	} else {
		delete(r.names, from)
	}
	r.names[to] = node
	r.note(c, n)
	return nil
}
