//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// headerWriter names the Log that wrote an entry.
const headerWriter = "Freshet-Writer"

// Log is a list of entries with numbers, and pages beside it. One goroutine
// appends; the other methods may be called while it does.
//
// Who opens a Log becomes its writer by reading it and appending behind what it
// read. Another writer finds out with its next Append or PutPage: ErrFenced.
type Log struct {
	c       *Conn
	name    string
	writer  string // of this Log alone, so that an entry with the same content by somebody else is not taken for ours
	entries jetstream.Stream
	pages   jetstream.Stream

	entriesAre, pagesAre *content // how they are sealed

	mu        sync.Mutex // guards what follows; a leaf
	last      uint64     // the number of the last entry that was read or written here
	revisions map[string]uint64
}

// The streams of a log.
const (
	prefixLogStream  = "log_"
	prefixPageStream = "page_"
)

// Log opens the log of a name, and makes it when it is the first time. With keys
// what is put there is sealed; what is sealed is refused without them, with
// [atrest.ErrSealed], and with others, with [atrest.ErrNoKey].
func (c *Conn) Log(ctx context.Context, name string, o LogOptions) (*Log, error) {
	if err := checkName("log", name); err != nil {
		return nil, err
	}
	if err := checkReplicas(o.Replicas); err != nil {
		return nil, fmt.Errorf("log %s: %w", name, err)
	}
	if o.Replicas == 0 {
		o.Replicas = c.replicas
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = -1
	}
	ctx, cancel := within(ctx)
	defer cancel()
	entries, err := c.stream(ctx, jetstream.StreamConfig{
		Name:     prefixLogStream + name,
		Subjects: []string{prefixLog + name},
		Replicas: o.Replicas,
		MaxBytes: o.MaxBytes,
		Discard:  jetstream.DiscardNew, // an entry is refused, never another forgotten
	})
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", name, plainly(err))
	}
	pages, err := c.stream(ctx, jetstream.StreamConfig{
		Name:              prefixPageStream + name,
		Subjects:          []string{prefixPage + name + ".*"},
		Replicas:          o.Replicas,
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
	})
	if err != nil {
		return nil, fmt.Errorf("open the pages of log %s: %w", name, plainly(err))
	}
	are, err := c.contentsOf(ctx, entries, pages)
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", name, err)
	}
	return &Log{
		c: c, name: name, writer: random(), entries: entries, pages: pages,
		entriesAre: are[0], pagesAre: are[1], revisions: map[string]uint64{},
	}, nil
}

func checkReplicas(n int) error {
	if n != 0 && n != 1 && n != 3 {
		return fmt.Errorf("%d replicas: there may be 1 or 3", n)
	}
	return nil
}

// stream finds a stream, or makes it. One that is there is left as it is.
func (c *Conn) stream(ctx context.Context, config jetstream.StreamConfig) (s jetstream.Stream, err error) {
	config.Storage = jetstream.FileStorage
	err = again(ctx, func(ctx context.Context) error {
		s, err = c.streamOnce(ctx, config)
		return err
	})
	return s, err
}

// again asks anew what has got no answer, as in a cluster that has no leader, or
// whose leader has just died, until ctx ends. What is asked may be asked twice.
func again(ctx context.Context, ask func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, askAgain)
		err := ask(once)
		silent := once.Err() != nil
		cancel()
		if err == nil || !silent || ctx.Err() != nil {
			return err
		}
	}
}

// askAgain is how long to wait for one answer.
const askAgain = 3 * time.Second

func (c *Conn) streamOnce(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := c.js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = c.js.CreateStream(ctx, config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			s, err = c.js.Stream(ctx, config.Name) // another was faster
		}
	}
	return s, err
}

// Last is the number of the last entry, 0 when there never was one.
func (l *Log) Last(ctx context.Context) (uint64, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	info, err := l.entries.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("look at log %s: %w", l.name, plainly(err))
	}
	return info.State.LastSeq, nil
}

// Append stores an entry right behind entry number last, durable on return,
// and returns its number, last+1. ErrFenced: last is not the last one.
// ErrUnclear: it may have been stored; the same call again finds out.
// ErrTooLarge and ErrFull: nothing was stored. ErrBroken beside ErrUnclear: the
// server has to be started anew.
func (l *Log) Append(ctx context.Context, last uint64, entry []byte) (uint64, error) {
	if !l.entriesAre.fits(len(entry)) {
		return 0, fmt.Errorf("append %d bytes to log %s: %w", len(entry), l.name, ErrTooLarge)
	}
	data, err := l.entriesAre.pack(entry, entryWhat(l.entriesAre.stream, last+1))
	if err != nil {
		return 0, fmt.Errorf("append to log %s: %w", l.name, err)
	}
	ctx, cancel := l.c.whileLinked(ctx)
	defer cancel()
	m := &nats.Msg{Subject: prefixLog + l.name, Data: data, Header: nats.Header{headerWriter: {l.writer}}}
	ack, err := l.c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequence(last))
	switch {
	case err == nil:
		if l.entriesAre.sealed() {
			l.entriesAre.sealedFrom(ack.Sequence)
		}
		l.saw(ack.Sequence)
		return ack.Sequence, nil
	case !certain(err):
		return 0, fmt.Errorf("append to log %s: %w", l.name, unclear(ctx, err))
	}
	err = plainly(err)
	if errors.Is(err, ErrFenced) {
		ours, lookErr := l.wrote(ctx, last+1, entry)
		switch {
		case lookErr != nil:
			return 0, fmt.Errorf("append to log %s: %w", l.name, unclear(ctx, lookErr))
		case ours:
			l.saw(last + 1)
			return last + 1, nil
		}
	}
	return 0, fmt.Errorf("append to log %s: %w", l.name, err)
}

// headerRoom is for the header of an entry in a message.
const headerRoom = 512

// certain says whether an error means that nothing was stored: the server said
// so, or there was none to ask.
func certain(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) ||
		errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrReconnectBufExceeded)
}

// wrote says whether entry n is this one, written by this Log.
func (l *Log) wrote(ctx context.Context, n uint64, entry []byte) (bool, error) {
	m, err := l.entries.GetMsg(ctx, n)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, l.onItsWay(ctx, n)
	}
	if err != nil || m.Header.Get(headerWriter) != l.writer {
		return false, err
	}
	was, err := l.openEntry(ctx, n, m.Data)
	return err == nil && bytes.Equal(was, entry), err
}

// openEntry is what was appended as entry n. What is behind one that is sealed is
// sealed, too: who came with keys has fenced off who had none.
func (l *Log) openEntry(ctx context.Context, n uint64, data []byte) ([]byte, error) {
	entry, by, err := l.entriesAre.unpack(ctx, n, data, entryWhat(l.entriesAre.stream, n))
	if by != "" {
		l.entriesAre.sealedFrom(n)
	}
	return entry, err
}

// onItsWay is an error when an entry n that was met may be there soon, or not: a
// server of a cluster compares numbers with what it has proposed to the others.
func (l *Log) onItsWay(ctx context.Context, n uint64) error {
	info, err := l.entries.Info(ctx)
	if err == nil && info.State.LastSeq+1 >= n && info.State.FirstSeq <= n {
		err = errors.New("an entry of that number is being written")
	}
	return err
}

func (l *Log) saw(n uint64) {
	l.mu.Lock()
	l.last = max(l.last, n)
	l.mu.Unlock()
}

// Read calls f with each entry after number after, in order, up to the one
// that is the last when it begins. The entry is f's to keep. When entries
// were trimmed the first number is larger than after+1 (who relies on pages
// for what is before has to read those anew then); when some are missing
// between others, ErrDamaged. An error of f ends it and is returned.
func (l *Log) Read(ctx context.Context, after uint64, f func(n uint64, entry []byte) error) error {
	bounded, cancel := within(ctx)
	info, err := l.entries.Info(bounded)
	cancel()
	if err != nil {
		return fmt.Errorf("read log %s: %w", l.name, plainly(err))
	}
	first, last := max(info.State.FirstSeq, after+1), info.State.LastSeq
	if info.State.Msgs == 0 || first > last {
		l.saw(last)
		return nil
	}
	next := first
	err = each(ctx, l.entries, first, last, func(n uint64, m jetstream.Msg) error {
		if n != next && next != first {
			return fmt.Errorf("%w: %d to %d", ErrDamaged, next, n-1)
		}
		next = n + 1
		entry, err := l.openEntry(ctx, n, m.Data())
		if err != nil {
			return err
		}
		return f(n, entry)
	})
	if err == nil && next != last+1 {
		err = fmt.Errorf("%w: %d to %d", ErrDamaged, next, last)
	}
	if err != nil {
		return fmt.Errorf("read log %s: %w", l.name, plainly(err))
	}
	l.saw(last)
	return nil
}

// Trim forgets the entries up to number n, except the last one of all.
func (l *Log) Trim(ctx context.Context, n uint64) error {
	ctx, cancel := within(ctx)
	defer cancel()
	info, err := l.entries.Info(ctx)
	if err == nil && info.State.LastSeq > 0 {
		// The last one stays, so that the next number never depends on how the
		// server remembers an empty stream; beyond it, a purge would move it.
		n = min(n, info.State.LastSeq-1)
		if n < info.State.FirstSeq {
			return nil
		}
		err = l.entries.Purge(ctx, jetstream.WithPurgeSequence(n+1))
	}
	if err != nil {
		return fmt.Errorf("trim log %s: %w", l.name, plainly(err))
	}
	return nil
}
