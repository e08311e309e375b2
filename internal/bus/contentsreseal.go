//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
)

// Reseal seals what is plain, or sealed by an older secret: of pages at once, while
// they are in use, and never in place of a newer one. Entries are not written anew:
// plain is how many are not sealed by the newest secret, which go when they are
// trimmed. Once there is none, and of pages at once, nothing plain is taken any more.
// The record of the fleet's secrets is sealed by the first key, if it is not. It is
// for who writes the log, now and then: when keys have come, or others. Without keys it
// does nothing, and little when nothing is left to do.
func (l *Log) Reseal(ctx context.Context) (plain uint64, err error) {
	if !l.entriesAre.sealed() {
		return 0, nil
	}
	done, err := l.c.settled(ctx, l.entriesAre, l.pagesAre)
	if err != nil || done[0] && done[1] {
		return 0, err
	}
	if !done[1] {
		if err := l.resealPages(ctx); err != nil {
			return 0, fmt.Errorf("seal the pages of log %s: %w", l.name, err)
		}
	}
	if plain, err = l.countPlain(ctx); err != nil {
		return 0, fmt.Errorf("look what of log %s is sealed: %w", l.name, err)
	}
	return plain, nil
}

// settled seals the record by the first key, and says of which streams nothing is
// plain, or by an older secret.
func (c *Conn) settled(ctx context.Context, streams ...*content) (done []bool, err error) {
	ctx, cancel := c.whileLinked(ctx)
	defer cancel()
	c.opening.Lock()
	defer c.opening.Unlock()
	if c.record.by != c.seal.First() {
		if err := c.changeRecord(ctx, func(*record) {}); err != nil {
			return nil, err
		}
	}
	for _, s := range streams {
		done = append(done, len(c.record.Secrets) == 1 && c.record.from(s.stream) == 1)
	}
	return done, nil
}

func (l *Log) resealPages(ctx context.Context) error {
	prefix := prefixPage + l.name + "."
	needs := func(m jetstream.Msg) bool { return len(m.Data()) > 0 && !l.c.newest(m.Data()) }
	return l.c.resealAll(ctx, l.pagesAre, l.pages, needs, func(n uint64, m jetstream.Msg) error {
		key, ok := unescapeKey(strings.TrimPrefix(m.Subject(), prefix))
		if !ok {
			return fmt.Errorf("%w: a page has the subject %q", ErrDamaged, m.Subject())
		}
		if err := l.resealPage(ctx, key, page{n, m.Data()}); err != nil {
			return fmt.Errorf("page %s: %w", key, err)
		}
		return nil
	})
}

// newest says whether something is sealed by the newest secret.
func (c *Conn) newest(data []byte) bool {
	by, err := atrest.KeyOf(data)
	return err == nil && by == c.secrets.First()
}

// noteOnce is noteSealed, unless that is known.
func (c *Conn) noteOnce(ctx context.Context, s *content, from uint64) error {
	if is := s.recorded.Load(); is > 0 && is <= from {
		return nil
	}
	return c.noteSealed(ctx, s, from)
}

// resealPage writes a page anew, behind its own number: when another was written
// meanwhile, that one stays.
func (l *Log) resealPage(ctx context.Context, key string, was page) error {
	ctx, cancel := l.c.whileLinked(ctx)
	defer cancel()
	what := pageWhat(l.pagesAre.stream, key)
	content, err := l.pagesAre.open(ctx, was.number, was.content, what)
	if err != nil {
		return err
	}
	token, err := escapeKey(key, maxKey)
	if err != nil {
		return err
	}
	data, err := l.pagesAre.pack(content, what)
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: prefixPage + l.name + "." + token, Data: data}
	ack, err := l.c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(was.number))
	switch {
	case err == nil:
		l.replaced(key, was.number, ack.Sequence)
	case !certain(err):
		return unclear(ctx, err)
	case !errors.Is(plainly(err), ErrFenced):
		return plainly(err)
	}
	return nil
}

// replaced notes the number of a page, if the one that it replaces is what is known.
func (l *Log) replaced(key string, was, is uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.revisions[key] == was {
		l.revisions[key] = is
	}
}

// countPlain says how many entries are not sealed by the newest secret, and notes
// from which one on all are sealed.
func (l *Log) countPlain(ctx context.Context) (uint64, error) {
	ctx, cancel := l.c.untilCut(ctx)
	defer cancel()
	info, err := l.entries.Info(ctx)
	if err != nil {
		return 0, because(ctx, plainly(err))
	}
	first, last := info.State.FirstSeq, info.State.LastSeq
	if info.State.Msgs == 0 {
		bounded, cancel := l.c.whileLinked(ctx)
		defer cancel()
		return 0, l.c.noteOnce(bounded, l.entriesAre, 1)
	}
	sealed, err := l.firstThat(ctx, first, last, atrest.IsSealed)
	if err != nil {
		return 0, err
	}
	old := sealed
	if old <= last {
		if old, err = l.firstThat(ctx, sealed, last, l.c.newest); err != nil {
			return 0, err
		}
		from := sealed
		if sealed == first {
			from = 1
		}
		bounded, cancel := l.c.whileLinked(ctx)
		defer cancel()
		if err := l.c.noteOnce(bounded, l.entriesAre, from); err != nil {
			return 0, err
		}
	}
	return old - first, nil
}

// firstThat is the first entry from one number to another that is so, as all behind
// it are; the number behind the last when none is.
func (l *Log) firstThat(ctx context.Context, first, last uint64, is func(data []byte) bool) (uint64, error) {
	for first <= last {
		middle := first + (last-first)/2
		bounded, cancel := within(ctx)
		m, err := l.entries.GetMsg(bounded, middle)
		cancel()
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound): // trimmed meanwhile
			first = middle + 1
		case err != nil:
			return 0, because(ctx, plainly(err))
		case !is(m.Data):
			first = middle + 1
		case middle == first:
			return first, nil
		default:
			last = middle
		}
	}
	return first, nil
}

// Reseal writes objects anew that are plain, or sealed by an older secret, and never
// in place of a newer one; who reads such a one gets the rest of it, or [ErrFenced].
// Afterwards no plain one is taken any more. Without keys it does nothing.
func (o *Objects) Reseal(ctx context.Context) error {
	if !o.is.sealed() {
		return nil
	}
	if done, err := o.c.settled(ctx, o.is); err != nil || done[0] {
		return err
	}
	needs := func(m jetstream.Msg) bool {
		return strings.HasPrefix(m.Subject(), o.labels()) && !o.c.newest(m.Data())
	}
	err := o.c.resealAll(ctx, o.is, o.stream, needs, func(n uint64, m jetstream.Msg) error {
		escaped, ok := o.labelled(m.Subject())
		if !ok {
			return nil // nothing that was put here
		}
		l, err := o.openLabel(ctx, n, escaped, m.Data())
		if err == nil {
			err = o.resealOne(ctx, escaped, l)
		}
		if err != nil {
			return fmt.Errorf("object %q: %w", escaped, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("seal the objects of %s: %w", o.name, err)
	}
	return nil
}

func (o *Objects) resealOne(ctx context.Context, escaped string, l label) error {
	if l.none() { // what NATS' own client leaves of an object that it deletes
		return o.removeLabel(ctx, l.number)
	}
	key, ok := unescapeKey(escaped)
	if again, err := escapeKey(key, maxObject); !ok || err != nil || again != escaped {
		return errors.New("it was not put by freshet: remove it")
	}
	bounded, cancel := o.c.whileLinked(ctx)
	defer cancel()
	switch now, err := o.look(bounded, escaped); {
	case err != nil:
		return because(bounded, err)
	case now.number > l.number: // it was replaced, and is perhaps still there
		return o.removeLabel(ctx, l.number)
	case now.number != l.number:
		return nil
	}
	content, err := o.Get(ctx, key)
	if err != nil {
		return unlessReplaced(err)
	}
	defer content.Close()
	return unlessReplaced(o.putOver(ctx, escaped, io.Reader(content), &l))
}

// removeLabel removes a label by its number, unless that is gone.
func (o *Objects) removeLabel(ctx context.Context, n uint64) error {
	ctx, cancel := o.c.whileLinked(ctx)
	defer cancel()
	if err := plainly(o.stream.DeleteMsg(ctx, n)); err != nil && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		return because(ctx, err)
	}
	return nil
}

// unlessReplaced is an error, unless it is that the object was replaced or removed meanwhile.
func unlessReplaced(err error) error {
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
