//go:build !nonats

package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
)

// getTries is how often reading may fail at the same place: a server may have
// died, and another has to take over.
const getTries = 20

// Get reads an object. ErrNotFound: there is none. Reading ends in io.EOF only
// when all that was put has come, as it was put: otherwise in ErrDamaged, or in
// ErrFenced when the object was replaced or deleted meanwhile. ctx is that of reading,
// too; who has read, or wants no more, closes it.
func (o *Objects) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	escaped, err := escapeKey(key, maxObject)
	if err != nil {
		return nil, err
	}
	bounded, cancel := o.c.whileLinked(ctx)
	defer cancel()
	l, err := o.look(bounded, escaped)
	switch {
	case err != nil:
		err = because(bounded, err)
	case l.none():
		err = ErrNotFound
	case l.Opts != nil && l.Opts.Link != nil:
		err = fmt.Errorf("%w: it is a link", ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("get object %q of %s: %w", key, o.name, err)
	}
	from, to := io.Pipe()
	reading, end := context.WithCancelCause(ctx)
	stop := context.AfterFunc(o.c.life, func() { end(ErrClosed) })
	g := &get{PipeReader: from, end: end, ended: make(chan struct{}), o: o, label: l, to: to, hash: sha256.New()}
	go func() {
		defer close(g.ended)
		defer end(nil)
		defer stop()
		// Whoever reads is told as soon as ctx ends, also while nothing comes.
		late := context.AfterFunc(reading, func() {
			_ = to.CloseWithError(fmt.Errorf("get object %q of %s: %w", key, o.name, context.Cause(reading)))
		})
		defer late()
		err := g.copy(reading)
		if err != nil {
			err = fmt.Errorf("get object %q of %s: %w", key, o.name, err)
		}
		_ = to.CloseWithError(err)
	}()
	return g, nil
}

// get is an object that is being read.
type get struct {
	*io.PipeReader
	end   context.CancelCauseFunc
	ended chan struct{}

	o     *Objects
	label label
	to    *io.PipeWriter
	hash  hash.Hash
	size  uint64
	parts int
}

// Close ends reading.
func (g *get) Close() error {
	err := g.PipeReader.Close()
	g.end(nil)
	<-g.ended
	return err
}

// errParts is that a part is not the one that it should be.
var errParts = errors.New("parts are not as they were put")

// part gives one part to who reads.
func (g *get) part(data []byte) (err error) {
	g.parts++
	if g.label.by != "" {
		data, _, err = g.o.c.secrets.Open(nil, data, partWhat(g.o.is.stream, g.label.NUID, g.parts))
		if errors.Is(err, atrest.ErrNoKey) {
			return err
		}
		if err != nil {
			return errParts
		}
	}
	g.size += uint64(len(data))
	_, _ = g.hash.Write(data) // never fails
	_, err = g.to.Write(data)
	return err
}

// copy gives all parts of the content to who reads, and compares it with its
// label.
func (g *get) copy(ctx context.Context) error {
	r := &reader{next: 1, last: math.MaxUint64, subject: g.o.contentOf(g.label.NUID), f: func(_ uint64, m jetstream.Msg) error {
		return g.part(m.Data())
	}}
	var err error
	for tries := 0; g.size < g.label.Size; tries++ {
		before := r.next
		err = g.attempt(ctx, r)
		if err == nil || errors.Is(err, errParts) {
			break
		}
		if r.next > before {
			tries = 0
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if tries == getTries || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrClosed) || errors.Is(err, ErrDamaged) || errors.Is(err, atrest.ErrNoKey) {
			return err
		}
		select {
		case <-time.After(reconnectDelay(tries)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err == nil && g.size == g.label.Size && jetstream.GetObjectDigestValue(g.hash) == g.label.Digest {
		return nil
	}
	bounded, cancel := g.o.c.whileLinked(ctx)
	defer cancel()
	now, err := g.o.look(bounded, g.label.Name)
	if err == nil && now.NUID != g.label.NUID {
		return ErrFenced
	}
	return fmt.Errorf("%w: %d of %d bytes came, or not as they were put", ErrDamaged, g.size, g.label.Size)
}

// attempt reads on, until all has come or the connection is lost.
func (g *get) attempt(ctx context.Context, r *reader) error {
	ctx, cancel := g.o.c.untilCut(ctx)
	defer cancel()
	return because(ctx, plainly(eachOf(ctx, g.o.stream, r)))
}
