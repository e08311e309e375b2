package cache

import (
	"sync"

	"freshet/internal/diskstore"
	"freshet/internal/field"
)

// body is the body of an object: whole in memory, whole on disk, or in parts.
type body struct {
	size  int64  // of the whole representation; -1: unknown, of parts alone
	data  []byte // the whole of it, when it is in memory
	parts []part // what there is of it, sorted and apart, when it is not whole
	disk  *diskBody
	// extents say what there is of a body on disk that is not whole.
	extents []diskstore.Extent
	kept    *keptBody // where the body is on disk, once it has been written
}

// keptBody is shared by all objects that have a body, so that it is written
// once.
type keptBody struct {
	mu     sync.Mutex
	body   diskstore.Body
	writer *diskstore.Writer // of a body that no record has yet

	digests madeDigests // of the whole
}

// part is a piece of a body: data from offset at on.
type part struct {
	at   int64
	data []byte
}

func (p *part) end() int64 { return p.at + int64(len(p.data)) }

// whole reports whether every byte is there.
func (b *body) whole() bool {
	return b.parts == nil && b.extents == nil
}

// has reports whether every byte of a range is there.
func (b *body) has(r field.Range) bool {
	if b.whole() {
		return true
	}
	if b.extents != nil {
		return b.missing(r).Length == 0
	}
	_, ok := b.slice(r)
	return ok
}

// slice returns the bytes of a range that is in memory.
func (b *body) slice(r field.Range) ([]byte, bool) {
	if b.parts == nil {
		if b.data == nil && b.size != 0 {
			return nil, false
		}
		return b.data[r.Start : r.Start+r.Length], true
	}
	for i := range b.parts {
		if p := &b.parts[i]; p.at <= r.Start && r.Start+r.Length <= p.end() {
			return p.data[r.Start-p.at:][:r.Length], true
		}
	}
	return nil, false
}

func (b *body) cost() int64 {
	n := int64(len(b.data))
	for i := range b.parts {
		n += int64(len(b.parts[i].data)) + 40
	}
	if b.disk != nil {
		n += diskBodyCost + int64(len(b.extents))*16
	}
	return n
}

// join returns the parts of a and b in one list. Bytes that both have are
// taken from a. Both are of the same representation.
func join(a, b []part) []part {
	var out []part
	add := func(p part) {
		if len(p.data) == 0 {
			return
		}
		if n := len(out); n > 0 && out[n-1].end() >= p.at {
			last := &out[n-1]
			if skip := last.end() - p.at; skip < int64(len(p.data)) {
				joined := make([]byte, 0, int64(len(last.data)+len(p.data))-skip)
				last.data = append(append(joined, last.data...), p.data[skip:]...)
			}
			return
		}
		out = append(out, p)
	}
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0].at <= b[0].at {
			add(a[0])
			a = a[1:]
		} else {
			add(b[0])
			b = b[1:]
		}
	}
	return out
}

// withParts returns a body of size bytes with these parts; one that has all
// bytes is whole.
func withParts(size int64, parts []part) body {
	if len(parts) == 1 && parts[0].at == 0 && int64(len(parts[0].data)) == size {
		return body{size: size, data: parts[0].data}
	}
	return body{size: size, parts: parts}
}

// missing returns the first stretch of a range that is not there.
func (b *body) missing(r field.Range) field.Range {
	start, end := r.Start, r.Start+r.Length
	if b.whole() {
		return field.Range{Start: end}
	}
	there := func(from, to int64) {
		if from <= start && start < to {
			start = min(to, end)
		} else if from > start {
			end = min(end, from)
		}
	}
	for i := range b.parts {
		there(b.parts[i].at, b.parts[i].end())
	}
	for _, e := range b.extents {
		there(e.Start, e.End)
	}
	return field.Range{Start: start, Length: end - start}
}
