//go:build !nonats

package bus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// resealPasses is how often is looked for what others have written meanwhile.
const resealPasses = 4

var (
	// errLeftPlain is that others go on writing what is not sealed by the newest secret.
	errLeftPlain = errors.New("others have written meanwhile what is not sealed, or by an older secret: give all who use this the same keys, and try again")
	// errMissed is that something was there that was not seen.
	errMissed = errors.New("not all that is there could be read; try again")
)

// resealAll has f seal all messages of a stream that need it, and notes then that
// nothing in it is plain. It goes through the stream once, and after that through what
// has come meanwhile, so that it ends where others go on writing, too.
func (c *Conn) resealAll(ctx context.Context, s *content, stream jetstream.Stream, needs func(m jetstream.Msg) bool, f func(n uint64, m jetstream.Msg) error) error {
	l := looking{c: c, stream: stream, needs: needs}
	for range resealPasses {
		found, err := l.more(ctx, f)
		if err != nil {
			return err
		}
		if found > 0 {
			continue
		}
		missed, err := l.missed(ctx)
		if err == nil && missed {
			err = errMissed
		}
		if err != nil {
			return err
		}
		ctx, cancel := c.whileLinked(ctx)
		defer cancel()
		return c.noteOnce(ctx, s, 1)
	}
	return errLeftPlain
}

// looking goes through the messages of a stream that others write meanwhile: each time
// through those that have come since. It holds a few of them at a time.
type looking struct {
	c      *Conn
	stream jetstream.Stream
	needs  func(m jetstream.Msg) bool // says which ones are looked for

	began jetstream.StreamState // when it did
	next  uint64                // the first one that it has not seen; 0: it has not begun
	last  uint64                // the last one that it goes to
	seen  uint64                // how many it has
}

type numbered struct {
	n uint64
	m jetstream.Msg
}

// errEnough ends reading for now.
var errEnough = errors.New("enough for now")

// more calls f with the messages that are looked for, and returns how many they are.
func (l *looking) more(ctx context.Context, f func(n uint64, m jetstream.Msg) error) (found int, err error) {
	state, err := l.state(ctx)
	if err != nil {
		return 0, err
	}
	if l.next == 0 {
		l.began, l.next = state, max(state.FirstSeq, 1)
	}
	l.last = state.LastSeq
	for l.next <= l.last {
		some, err := l.some(ctx)
		if err != nil {
			return 0, err
		}
		for _, one := range some {
			if err := f(one.n, one.m); err != nil {
				return 0, err
			}
		}
		found += len(some)
	}
	return found, nil
}

// some are the next ones of those that are looked for.
func (l *looking) some(ctx context.Context) (some []numbered, err error) {
	ctx, cancel := l.c.untilCut(ctx)
	defer cancel()
	size := 0
	err = each(ctx, l.stream, l.next, l.last, func(n uint64, m jetstream.Msg) error {
		l.next, l.seen = n+1, l.seen+1
		if !l.needs(m) {
			return nil
		}
		some, size = append(some, numbered{n, m}), size+len(m.Data())
		if len(some) == fetchCount || size >= fetchBytes {
			return errEnough
		}
		return nil
	})
	switch {
	case err == nil:
		l.next = l.last + 1
	case !errors.Is(err, errEnough):
		return nil, because(ctx, plainly(err))
	}
	return some, nil
}

// missed says whether something was there that was not seen, and that nobody can have
// removed meanwhile.
func (l *looking) missed(ctx context.Context) (bool, error) {
	now, err := l.state(ctx)
	if err != nil {
		return false, err
	}
	if now.LastSeq < l.last {
		return true, nil // it is another stream
	}
	removed := uint64(0)
	if all := l.began.Msgs + (now.LastSeq - l.began.LastSeq); all > now.Msgs {
		removed = all - now.Msgs
	}
	return l.seen+removed < l.began.Msgs+(l.last-l.began.LastSeq), nil
}

func (l *looking) state(ctx context.Context) (jetstream.StreamState, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	info, err := l.stream.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, because(ctx, plainly(err))
	}
	return info.State, nil
}
