//go:build linux

package faults

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A law says what a disk keeps of what was not synced.
type law struct {
	name string
	// ordered: names change in one order, as in a journal, and a sync of any file
	// commits all that came before it; of a file's content a beginning of what was
	// written is there. Otherwise each name and each sector that was not synced is
	// there or not by itself, and a sync of a file keeps its own name at most.
	ordered bool
	// nameless: a sync of a file does not even keep its own name. POSIX allows that;
	// no file system of Linux that has a journal does it.
	nameless bool
	// lies: it keeps nothing for a sync.
	lies bool
}

// The laws that are tried. What a file system of Linux with a journal may leave is
// between the first two.
var (
	journal   = law{name: "in order", ordered: true}
	loose     = law{name: "each by itself"}
	oblivious = law{name: "nothing is synced", lies: true}
)

// What is torn is torn at the end of a sector.
const sector = 512

// left is what a disk has after the power went.
type left struct {
	names map[nameIn]int
	files map[int][]byte
}

// after is what may be left when the power goes at a moment, by chance.
func (d *disk) after(moment time.Time, l law, random *rand.Rand) *left {
	n := len(d.changes)
	for n > 0 && d.changes[n-1].began.After(moment) {
		n--
	}
	past := slices.DeleteFunc(slices.Clone(d.changes[:n]), func(c change) bool { return c.began.After(moment) })
	kept := make([]bool, len(past))
	if !l.lies {
		d.keep(past, kept, moment, l)
	}
	if l.ordered {
		keepBeginnings(past, kept, random)
	} else {
		keepSome(past, kept, l, random)
	}
	r := &left{names: map[nameIn]int{}, files: map[int][]byte{}}
	for i := range past {
		c := &past[i]
		switch {
		case c.kind == named && kept[i]:
			r.rename(c)
		case c.kind == written && kept[i]:
			r.write(c.node, c.offset, c.bytes)
		case c.kind == written:
			r.tear(c, l, random)
		case c.kind == resized && kept[i]:
			r.resize(c.node, c.offset)
		}
	}
	return r
}

// keep finds what is durable.
func (d *disk) keep(past []change, kept []bool, moment time.Time, l law) {
	for i := range past {
		s := &past[i]
		if (s.kind != synced && !s.durable) || s.end.After(moment) {
			continue
		}
		for j := range past {
			c := &past[j]
			if j == i && s.durable {
				kept[j] = true
			}
			if c.end.After(s.began) {
				continue
			}
			switch {
			case c.kind == named && l.ordered,
				c.kind == named && (c.in.folder == s.node || c.out.folder == s.node):
				kept[j] = true
			case c.kind == named:
				kept[j] = kept[j] || (c.node == s.node && !l.nameless)
			case c.node == s.node:
				kept[j] = kept[j] || s.kind == synced || l.ordered || c.kind == resized
			}
		}
	}
	// What was made under the same name, or above it, came before.
	for i := len(past) - 1; i >= 0; i-- {
		if c := &past[i]; c.kind == named && kept[i] {
			for j := range i {
				b := &past[j]
				if b.kind == named && (b.touches(c) || b.node == c.in.folder || b.node == c.out.folder) {
					kept[j] = kept[j] || !l.nameless || b.touches(c)
				}
			}
		}
	}
}

// touches says whether two changes are of one name.
func (c *change) touches(o *change) bool {
	for _, a := range []nameIn{c.in, c.out} {
		if a != (nameIn{}) && (a == o.in || a == o.out) {
			return true
		}
	}
	return false
}

// keepBeginnings keeps a beginning of the changes of names, and of the changes of
// each file.
func keepBeginnings(past []change, kept []bool, random *rand.Rand) {
	streams := map[int][]int{} // 0: of names
	for i := range past {
		if past[i].kind == named {
			streams[0] = append(streams[0], i)
		} else if past[i].kind != synced {
			streams[past[i].node] = append(streams[past[i].node], i)
		}
	}
	for _, node := range slices.Sorted(maps.Keys(streams)) {
		s := streams[node]
		durable := 0
		for i, at := range s {
			if kept[at] {
				durable = i + 1
			}
		}
		upTo := durable + random.IntN(len(s)-durable+1)
		for i, at := range s {
			kept[at] = i < upTo
		}
	}
}

// keepSome keeps what is durable and, of the rest, some: of one name no later
// change without those before it.
func keepSome(past []change, kept []bool, l law, random *rand.Rand) {
	share := random.Float64()
	if l.lies {
		share /= 2 // else it may be one that keeps all, and is no liar
	}
	gone := map[nameIn]bool{}
	for i := range past {
		c := &past[i]
		if !kept[i] {
			kept[i] = random.Float64() < share && !gone[c.in] && !gone[c.out]
		}
		if c.kind == named && !kept[i] {
			for _, n := range []nameIn{c.in, c.out} {
				if n != (nameIn{}) {
					gone[n] = true
				}
			}
		}
	}
}

func (r *left) rename(c *change) {
	if c.out != (nameIn{}) {
		delete(r.names, c.out)
	}
	if c.in != (nameIn{}) {
		r.names[c.in] = c.node
	}
}

func (r *left) write(node, offset int, bytes []byte) {
	r.resize(node, max(len(r.files[node]), offset+len(bytes)))
	copy(r.files[node][offset:], bytes)
}

func (r *left) resize(node, size int) {
	f := r.files[node]
	if size <= len(f) {
		r.files[node] = f[:size:size]
		return
	}
	r.files[node] = append(f, make([]byte, size-len(f))...)
}

// tear has some sectors of a write that is not there as a whole: the first ones,
// or any.
func (r *left) tear(c *change, l law, random *rand.Rand) {
	if random.IntN(2) == 0 {
		return
	}
	first, last := c.offset/sector, (c.offset+len(c.bytes)-1)/sector
	ordered := first + random.IntN(last-first+1)
	for s := first; s <= last; s++ {
		if (l.ordered && s < ordered) || (!l.ordered && random.IntN(2) == 0) {
			from, to := max(s*sector, c.offset), min((s+1)*sector, c.offset+len(c.bytes))
			r.write(c.node, from, c.bytes[from-c.offset:to-c.offset])
		}
	}
}

// put makes the folder.
func (r *left) put(d *disk, dir string) error {
	children := map[int]map[string]int{}
	for in, node := range r.names {
		if children[in.folder] == nil {
			children[in.folder] = map[string]int{}
		}
		children[in.folder][in.name] = node
	}
	return r.putFolder(d, children, rootNode, dir)
}

func (r *left) putFolder(d *disk, children map[int]map[string]int, node int, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, child := range children[node] {
		path := filepath.Join(dir, name)
		var err error
		if d.modes[child] < 0 {
			err = r.putFolder(d, children, child, path)
		} else {
			err = os.WriteFile(path, r.files[child], os.FileMode(d.modes[child]))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sameAs compares what all changes make with the folder: what was recorded is
// all that has happened.
func (d *disk) sameAs(t *testing.T, dir string) {
	t.Helper()
	r := d.whole()
	made := filepath.Join(t.TempDir(), "made")
	if err := r.put(d, made); err != nil {
		t.Fatal(err)
	}
	if a, b := contents(t, made), contents(t, dir); !maps.Equal(a, b) {
		for name := range b {
			if text, there := a[name]; !there || text != b[name] {
				t.Errorf("%s was recorded as %.100q, and is %.100q", name, text, b[name])
			}
		}
		for name := range a {
			if _, there := b[name]; !there {
				t.Errorf("%s was recorded, and is not there", name)
			}
		}
		t.Fatal("not all that has happened to the folder was recorded")
	}
}

// whole is what is left when all is.
func (d *disk) whole() *left {
	r := &left{names: map[nameIn]int{}, files: map[int][]byte{}}
	for i := range d.changes {
		switch c := &d.changes[i]; c.kind {
		case named:
			r.rename(c)
		case written:
			r.write(c.node, c.offset, c.bytes)
		case resized:
			r.resize(c.node, c.offset)
		}
	}
	return r
}

// contents are those of files, by their path.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	by := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || (!e.Type().IsRegular() && !e.IsDir()) {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if e.IsDir() {
			by[name] = "folder"
			return nil
		}
		text, err := os.ReadFile(path)
		by[name] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return by
}
