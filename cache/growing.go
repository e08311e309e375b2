package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// errTruncated is what a reader of a body gets whose origin broke off.
var errTruncated = fmt.Errorf("cache: the origin's answer broke off: %w", io.ErrUnexpectedEOF)

// errContradicted is what a reader of a body gets that is not what its digest says,
// and that came for another request.
var errContradicted = errors.New("cache: the origin's answer is not what its digest says")

const (
	chunkSize = 64 << 10
	// window is how much of a relayed body is held for its slowest reader.
	window = 256 << 10
)

// growing is a body that is arriving. One goroutine writes, any number read,
// each at an offset of its own. It is kept in chunks of memory; beyond a bound
// it goes on in a file. Without one, or when the file takes no more, it becomes
// a relay: what all readers have had is let go, and the writer waits for the
// slowest. A relay is not to be stored.
type growing struct {
	size  int64 // declared; -1: unknown
	bound int64 // bytes in memory beyond which spill decides
	// checked says that what comes is compared with its digest: until that is done
	// only the first reader gets to the end. It is set before there are readers.
	checked bool
	// spill is called once, when the body outgrows bound: it gives a file to go
	// on in, or nil for a relay.
	spill func() spillFile

	mu      sync.Mutex
	wake    chan struct{} // closed at the next change; nil: nobody waits
	chunks  [][]byte
	base    int64     // offset of the first chunk
	n       int64     // bytes written
	file    spillFile // has the bytes before base, if not nil
	relay   bool
	sealed  bool // the file is about to be closed: nobody new may read
	wrong   bool // it is not what its digest says
	readers []*growingReader
	done    bool
	err     error
}

// spillFile is where a large body is written and read back while it grows.
type spillFile interface {
	io.Writer
	io.ReaderAt
	Retain() // for each reader, until
	Release()
}

// changed wakes those who wait; g.mu is held.
func (g *growing) changed() {
	if g.wake != nil {
		close(g.wake)
		g.wake = nil
	}
}

// wait lets go of g.mu until something changes.
func (g *growing) wait(ctx context.Context) error {
	if g.wake == nil {
		g.wake = make(chan struct{})
	}
	c := g.wake
	g.mu.Unlock()
	defer g.mu.Lock()
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write appends p. It fails when the body outgrows what was declared, when the
// file fails, and when nobody reads a relay any more.
func (g *growing) write(ctx context.Context, p []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.size >= 0 && g.n+int64(len(p)) > g.size {
		return errors.New("cache: more bytes than Content-Length")
	}
	if g.file == nil && !g.relay && g.n+int64(len(p)) > g.bound {
		g.overflow()
	}
	if g.file != nil && !g.relay {
		n, err := g.file.Write(p)
		g.n += int64(n)
		g.base = g.n
		p = p[n:]
		g.relay = err != nil
		g.changed()
	}
	for len(p) > 0 {
		if g.relay {
			if err := g.makeRoom(ctx); err != nil {
				return err
			}
		}
		p = g.append(p)
		g.changed()
	}
	return nil
}

// append puts what fits of p into the last chunk and returns the rest.
func (g *growing) append(p []byte) []byte {
	last := len(g.chunks) - 1
	if last < 0 || len(g.chunks[last]) == cap(g.chunks[last]) {
		n := chunkSize
		if last < 0 && g.size >= 0 && g.size < chunkSize {
			n = int(g.size)
		} else if last < 0 && g.size < 0 {
			n = max(4<<10, min(len(p), chunkSize))
		}
		g.chunks = append(g.chunks, make([]byte, 0, n))
		last++
	}
	c := g.chunks[last]
	n := min(len(p), cap(c)-len(c))
	g.chunks[last] = append(c, p[:n]...)
	g.n += int64(n)
	return p[n:]
}

// overflow moves what was gathered to a file, or begins to relay.
func (g *growing) overflow() {
	if g.spill != nil {
		g.file = g.spill()
	}
	if g.file == nil {
		g.relay = true
		g.trim()
		return
	}
	for range g.readers {
		g.file.Retain()
	}
	for len(g.chunks) > 0 {
		n, err := g.file.Write(g.chunks[0])
		g.base += int64(n)
		if err != nil {
			g.relay = true
			g.chunks[0] = g.chunks[0][n:]
			return
		}
		g.chunks = slices.Delete(g.chunks, 0, 1)
	}
}

// makeRoom waits until the window has room.
func (g *growing) makeRoom(ctx context.Context) error {
	for {
		if len(g.readers) == 0 {
			return errors.New("cache: nobody reads the answer any more")
		}
		g.trim()
		if g.n-g.base < window {
			return nil
		}
		if err := g.wait(ctx); err != nil {
			return err
		}
	}
}

// trim lets go of the chunks that all readers have had.
func (g *growing) trim() {
	least := g.n
	for _, r := range g.readers {
		least = min(least, r.off)
	}
	for len(g.chunks) > 0 && g.base+int64(len(g.chunks[0])) <= least {
		g.base += int64(len(g.chunks[0]))
		g.chunks = slices.Delete(g.chunks, 0, 1)
	}
}

// end says that no more comes; err is nil when the body is complete.
func (g *growing) end(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done, g.err = true, err
	g.changed()
}

// compared tells what the comparison came to. When it is wrong only the first
// reader goes on.
func (g *growing) compared(wrong bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.checked, g.wrong = false, wrong
	g.sealed = g.sealed || wrong
	g.changed()
}

// bytes returns the whole body, when it is all in memory.
func (g *growing) bytes() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.chunks) == 1 {
		return g.chunks[0]
	}
	all := make([]byte, 0, g.n)
	for _, c := range g.chunks {
		all = append(all, c...)
	}
	return all
}

// growingReader reads a growing body from an offset on.
type growingReader struct {
	g     *growing
	off   int64
	first bool // for the request that the body came for
}

// limit is how far the reader may read for now; g.mu is held.
func (r *growingReader) limit() int64 {
	if g := r.g; g.checked && !r.first && g.n == g.size {
		return g.n - 1
	}
	return r.g.n
}

// reader returns a reader from off on, or nil when that has been let go. It is
// to be closed.
func (g *growing) reader(off int64) *growingReader {
	g.mu.Lock()
	defer g.mu.Unlock()
	if off < g.base && (g.file == nil || g.relay) || g.sealed {
		return nil
	}
	if g.file != nil {
		g.file.Retain()
	}
	r := &growingReader{g: g, off: off}
	g.readers = append(g.readers, r)
	return r
}

// seal keeps new readers off, if the body is in a file, which its owner is
// about to give away.
func (g *growing) seal() {
	g.mu.Lock()
	g.sealed = g.file != nil
	g.mu.Unlock()
}

// sealUnread keeps new readers off, if nobody reads but own, and reports whether
// it did.
func (g *growing) sealUnread(own *growingReader) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.readers {
		if r != own {
			return false
		}
	}
	g.sealed = true
	return true
}

// await waits until nothing more comes, or ctx ends.
func (g *growing) await(ctx context.Context) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.done && g.wait(ctx) == nil {
	}
}

// seek has the reader go on at an offset that lies ahead.
func (r *growingReader) seek(off int64) {
	r.g.mu.Lock()
	r.off = off
	r.g.changed()
	r.g.mu.Unlock()
}

func (r *growingReader) close() {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.readers, r); i >= 0 {
		g.readers = slices.Delete(g.readers, i, i+1)
		if g.file != nil {
			g.file.Release()
		}
	}
	g.changed()
}

// next returns what has arrived behind what was returned last, waiting for at
// least a byte. In memory it is a view, which stays valid; from a file it is
// read into buf. The end is io.EOF, a body cut short errTruncated.
func (r *growingReader) next(ctx context.Context, buf []byte) ([]byte, error) {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	for r.off >= r.limit() || g.wrong && !r.first {
		switch {
		case g.wrong && !r.first:
			return nil, errContradicted
		case g.err != nil:
			return nil, errTruncated
		case g.done:
			return nil, io.EOF
		}
		if err := g.wait(ctx); err != nil {
			return nil, err
		}
	}
	if r.off < g.base {
		b := buf[:min(int64(len(buf)), g.base-r.off, r.limit()-r.off)]
		f := g.file
		g.mu.Unlock()
		n, _ := f.ReadAt(b, r.off)
		g.mu.Lock()
		if n < len(b) {
			return nil, errTruncated // also at an end of the file: it is not that of the body
		}
		r.off += int64(n)
		return b, nil
	}
	at := g.base
	for _, c := range g.chunks {
		if end := at + int64(len(c)); r.off < end {
			end = min(end, r.limit())
			b := c[r.off-at : end-at]
			r.off = end
			if g.relay {
				g.changed() // the writer may have room now
			}
			return b, nil
		}
		at += int64(len(c))
	}
	return nil, errTruncated
}

// ready reports whether next would return at once.
func (r *growingReader) ready() bool {
	g := r.g
	g.mu.Lock()
	defer g.mu.Unlock()
	return r.off < r.limit() || g.done || g.wrong
}
