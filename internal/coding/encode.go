package coding

import (
	"sync"

	"freshet/internal/field"

	"github.com/klauspost/compress/zstd"
)

// Encode appends coding c of src to dst. Identity is a copy. The same
// arguments give the same bytes every time: gzip is written without a name and
// a time.
//
// The Best effort is gzip 9; brotli 11, or 9 for sources above 256 KiB, which
// 11 would take seconds for; and zstd at its slowest, or one level below for
// sources up to 256 KiB, for which its tables are too large. Such encoders take
// up to some 80 MiB of memory for large sources and 24 MiB for small ones, so
// only one of them runs at a time; other calls wait.
func Encode(dst []byte, c field.Coding, src []byte, effort Effort) ([]byte, error) {
	if c == field.Identity {
		return append(dst, src...), nil
	}
	if effort == Best {
		best.Lock()
		defer best.Unlock()
	}
	p := poolOf(c, effort, len(src))
	if p == nil {
		return dst, errUnknown
	}
	e := p.Get().(encoder)
	if z, ok := e.(*zstd.Encoder); ok {
		// One call knows the size, which the frame then states. It keeps
		// nothing, and a Reset would make the tables of a stream.
		defer p.Put(e)
		return z.EncodeAll(src, dst), nil
	}
	defer release(p, e)
	s := &sink{dst}
	e.Reset(s)
	if _, err := e.Write(src); err != nil {
		return dst, err
	}
	if err := e.Close(); err != nil {
		return dst, err
	}
	return s.b, nil
}

// best is held while an encoder of the Best effort runs.
var best sync.Mutex

// sink appends what is written to it.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}
