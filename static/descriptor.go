package static

import (
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// descriptor is an open file that answers share: each holds a reference while
// its body is sent, the cache of descriptors holds one while the file is in
// it. The last to let go closes the file. Everybody reads with explicit
// offsets, so that readers do not move each other's position.
type descriptor struct {
	file *os.File
	refs atomic.Int32 // 0: closed
	used atomic.Bool  // since descriptors.sweep last came by
}

func newDescriptor(f *os.File) *descriptor {
	d := &descriptor{file: f}
	d.refs.Store(1)
	d.used.Store(true)
	return d
}

// acquire takes a reference. It reports false when the file is closed, or d nil.
func (d *descriptor) acquire() bool {
	if d == nil {
		return false
	}
	for {
		n := d.refs.Load()
		if n == 0 {
			return false
		}
		if d.refs.CompareAndSwap(n, n+1) {
			if !d.used.Load() {
				d.used.Store(true)
			}
			return true
		}
	}
}

// Release gives a reference back; httpd calls it when an answer was sent.
func (d *descriptor) Release() {
	if d.refs.Add(-1) == 0 {
		d.file.Close()
	}
}

// descriptors bounds how many files stay open between answers. A file that
// came in longest ago is let go first: what is asked for is opened again, which
// costs little beside sending a file that is large. And a file that nobody asked
// for lately is let go: it may have been deleted to make room on its disk, which
// it does not give back while it is open.
type descriptors struct {
	mu     sync.Mutex
	timer  *time.Timer // runs sweep while there is something to sweep
	ring   []*source   // whose file holds the cache's reference
	next   int
	closed bool
}

// idleFile is how long a file stays open that nobody asks for: it, to twice it.
const idleFile = 20 * time.Second

func newDescriptors(n int) *descriptors { return &descriptors{ring: make([]*source, n)} }

// keep makes d the open file of a source, with the reference that d was made
// with, in place of an older one.
func (c *descriptors) keep(s *source, d *descriptor) {
	c.replace(s, d).drop()
}

// replace is keep, but returns the file to let go, which may be nil.
func (c *descriptors) replace(s *source, d *descriptor) *descriptor {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return d
	}
	if old := s.file.Swap(d); old != nil {
		return old // the source has its place already
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(idleFile, c.sweep)
	}
	victim := c.ring[c.next]
	c.ring[c.next] = s
	c.next = (c.next + 1) % len(c.ring)
	if victim == nil || victim == s {
		return nil
	}
	return victim.file.Swap(nil)
}

// sweep lets go of the files that were not asked for since it last ran.
func (c *descriptors) sweep() {
	var idle []*descriptor
	c.mu.Lock()
	left := false
	for i, s := range c.ring {
		if s == nil {
			continue
		}
		if d := s.file.Load(); d != nil && d.used.Swap(false) {
			left = true
			continue
		}
		idle = append(idle, s.file.Swap(nil))
		c.ring[i] = nil
	}
	if left && !c.closed {
		c.timer.Reset(idleFile)
	} else {
		c.timer = nil
	}
	c.mu.Unlock()
	for _, d := range idle {
		d.drop()
	}
}

// drop gives the cache's reference back; d may be nil.
func (d *descriptor) drop() {
	if d != nil {
		d.Release()
	}
}

// close lets all files go, and those that come later.
func (c *descriptors) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	for i, s := range c.ring {
		if s != nil {
			s.file.Swap(nil).drop()
		}
		c.ring[i] = nil
	}
}

// osFile returns the *os.File below f, nil when there is none.
func osFile(f fs.File) *os.File {
	file, _ := f.(*os.File)
	return file
}
