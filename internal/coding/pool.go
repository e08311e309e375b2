package coding

import (
	"io"
	"sync"
	"time"

	"freshet/internal/field"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder is what the three libraries have in common.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

// What the encoders are tuned to. A pooled encoder must write what a new one
// would; brotli's keeps the first table that it chose, and chooses by level,
// window and whether the source is below 1 MiB, so those are fixed for a pool.
const (
	// brotliBestBytes is the largest source that brotli 11 is used for: it
	// manages less than 1 MB/s. A window of that size makes its tables small.
	brotliBestBytes = 256 << 10
	brotliBestBits  = 18

	brotliMiddleBytes = 1<<20 - 1
	brotliMiddleBits  = 20
	brotliLargeBits   = 22

	// zstdSmallBytes is up to where zstd is not at its slowest: the tables of
	// that, 43 MiB, are the largest of all, and no client is known that takes
	// zstd and not brotli, which makes less of small sources.
	zstdSmallBytes = 256 << 10
	zstdSmallBits  = 18

	// zstdBestBits is the largest window that RFC 9659 lets decoders be asked
	// for, 8 MiB.
	zstdBestBits = 23

	// streamBits bounds what one streaming encoder remembers, and with it the
	// memory of a server with many answers under way: about 2 MiB for each
	// zstd or brotli stream. It costs a few per cent on large bodies.
	streamBits = 18
)

// The encoders, by coding, then by what they are for. Idle ones are the
// garbage collector's to take.
var (
	gzipQuick    = sync.Pool{New: func() any { return newGzip(5) }}
	gzipBest     = sync.Pool{New: func() any { return newGzip(gzip.BestCompression) }}
	brotliQuick  = sync.Pool{New: func() any { return newBrotli(5, streamBits) }}
	brotliBest   = sync.Pool{New: func() any { return newBrotli(11, brotliBestBits) }}
	brotliMiddle = sync.Pool{New: func() any { return newBrotli(9, brotliMiddleBits) }}
	brotliLarge  = sync.Pool{New: func() any { return newBrotli(9, brotliLargeBits) }}
	zstdQuick    = sync.Pool{New: func() any { return newZstd(zstd.SpeedDefault, streamBits) }}
	zstdSmall    = sync.Pool{New: func() any { return newZstd(zstd.SpeedBetterCompression, zstdSmallBits) }}
	zstdBest     = sync.Pool{New: func() any { return newZstd(zstd.SpeedBestCompression, zstdBestBits) }}
)

// poolOf returns the pool of encoders for a source of so many bytes, or nil
// when the coding is unknown.
func poolOf(c field.Coding, effort Effort, srcLen int) *sync.Pool {
	switch {
	case c == field.Gzip && effort == Quick:
		return &gzipQuick
	case c == field.Gzip:
		return &gzipBest
	case c == field.Brotli && effort == Quick:
		return &brotliQuick
	case c == field.Brotli && srcLen <= brotliBestBytes:
		return &brotliBest
	case c == field.Brotli && srcLen <= brotliMiddleBytes:
		return &brotliMiddle
	case c == field.Brotli:
		return &brotliLarge
	case c == field.Zstd && effort == Quick:
		return &zstdQuick
	case c == field.Zstd && srcLen <= zstdSmallBytes:
		return &zstdSmall
	case c == field.Zstd:
		return &zstdBest
	}
	return nil
}

// release gives an encoder back, holding nothing of what it wrote to.
func release(p *sync.Pool, e encoder) {
	e.Reset(io.Discard)
	p.Put(e)
}

// gzipWriter writes no time: the library would write one for a time.Time that
// is zero, and zero on the wire means that there is none (RFC 1952 §2.3.1).
type gzipWriter struct{ *gzip.Writer }

func (z gzipWriter) Reset(w io.Writer) {
	z.Writer.Reset(w)
	z.ModTime = time.Unix(0, 0)
}

func newGzip(level int) encoder {
	z, err := gzip.NewWriterLevel(io.Discard, level)
	if err != nil {
		panic("coding: " + err.Error())
	}
	return gzipWriter{z}
}

func newBrotli(level, windowBits int) encoder {
	return brotli.NewWriterOptions(io.Discard, brotli.WriterOptions{Quality: level, LGWin: windowBits})
}

// newZstd returns an encoder without goroutines of its own. Checksums are left
// out: transports have theirs, and browsers ignore it.
func newZstd(level zstd.EncoderLevel, windowBits int) encoder {
	z, err := zstd.NewWriter(nil, // not to make the tables of a stream before there is one
		zstd.WithEncoderLevel(level),
		zstd.WithWindowSize(1<<windowBits),
		zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(false),
		zstd.WithZeroFrames(true),
	)
	if err != nil {
		panic("coding: " + err.Error())
	}
	return z
}
