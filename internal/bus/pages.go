//go:build !nonats

package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Pages are the last messages of a stream's subjects. Each is written with the
// number of the message that it replaces, so that a writer that was fenced off
// cannot replace what the next one wrote. A writer that meets a number it does
// not know looks at the log: if that ends with its own entry, or where it has
// read it, the page was written by an earlier one, late, and is replaced.

// pageTries is how often PutPage meets others on one page before it gives up.
const pageTries = 4

// PutPage stores a page under a key of 1 to 256 bytes, durable on return; an
// empty page deletes. ErrFenced: somebody else writes this log now. Errors of
// unknown outcome need no care: call it again.
func (l *Log) PutPage(ctx context.Context, key string, page []byte) error {
	token, err := escapeKey(key, maxKey)
	if err != nil {
		return err
	}
	if !l.pagesAre.fits(len(page)) {
		return fmt.Errorf("page %s of %d bytes: %w", key, len(page), ErrTooLarge)
	}
	if len(page) > 0 {
		if page, err = l.pagesAre.pack(page, pageWhat(l.pagesAre.stream, key)); err != nil {
			return fmt.Errorf("page %s of log %s: %w", key, l.name, err)
		}
	}
	ctx, cancel := l.c.whileLinked(ctx)
	defer cancel()
	for try := range pageTries {
		err = l.putPage(ctx, key, prefixPage+l.name+"."+token, page)
		if !errors.Is(err, ErrFenced) {
			break
		}
		if err2 := l.catchUp(ctx, key, prefixPage+l.name+"."+token); err2 != nil {
			err = err2
			break
		}
		if try == pageTries-1 {
			// In a cluster it is one of ours that is being written still.
			err = unclear(ctx, errors.New("another one is being written"))
		}
	}
	if err != nil {
		return fmt.Errorf("page %s of log %s: %w", key, l.name, err)
	}
	return nil
}

func (l *Log) putPage(ctx context.Context, key, subject string, page []byte) error {
	l.mu.Lock()
	revision := l.revisions[key]
	l.mu.Unlock()
	if len(page) == 0 && revision == 0 {
		// Nothing is known to be there: a marker would only have to be removed.
		_, err := l.pages.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
	}
	m := &nats.Msg{Subject: subject, Data: page}
	ack, err := l.c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(revision))
	if err != nil {
		if certain(err) {
			return plainly(err)
		}
		return unclear(ctx, err)
	}
	if len(page) > 0 {
		if revision == 0 && l.isLate(ctx) {
			_ = l.pages.DeleteMsg(ctx, ack.Sequence)
			return ErrFenced
		}
		l.knows(key, ack.Sequence)
		return nil
	}
	// The empty message fenced off other writers; it is removed by its number,
	// so that nothing that came after it can be.
	l.knows(key, 0)
	if err := l.pages.DeleteMsg(ctx, ack.Sequence); err != nil && !errors.Is(plainly(err), ErrNotFound) {
		l.knows(key, ack.Sequence)
	}
	return nil
}

// isLate reports whether a plain page that was not there before came too late: who writes
// the log now may have sealed all, and would be refused that page, as is everybody after.
func (l *Log) isLate(ctx context.Context) bool {
	if l.pagesAre.sealed() || l.c.host != nil && l.c.replicas == 1 { // nobody else leads there
		return false
	}
	l.mu.Lock()
	known := l.last > 0
	l.mu.Unlock()
	return known && errors.Is(l.stillOurs(ctx), ErrFenced)
}

// catchUp learns the number of a page, if this writer is still the last one.
func (l *Log) catchUp(ctx context.Context, key, subject string) error {
	if err := l.stillOurs(ctx); err != nil {
		return err
	}
	m, err := l.pages.GetLastMsgForSubject(ctx, subject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		l.knows(key, 0)
	case err != nil:
		return plainly(err)
	default:
		l.knows(key, m.Sequence)
	}
	return nil
}

// stillOurs: the last entry is the one that was read here, or it was written
// here, perhaps a moment ago, by an Append that has not returned.
func (l *Log) stillOurs(ctx context.Context) error {
	info, err := l.entries.Info(ctx)
	if err != nil {
		return plainly(err)
	}
	l.mu.Lock()
	last := l.last
	l.mu.Unlock()
	if info.State.LastSeq == last {
		return nil
	}
	m, err := l.entries.GetMsg(ctx, info.State.LastSeq)
	if err != nil {
		return plainly(err)
	}
	if m.Header.Get(headerWriter) != l.writer {
		return ErrFenced
	}
	return nil
}

func (l *Log) knows(key string, revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision == 0 {
		delete(l.revisions, key)
	} else {
		l.revisions[key] = revision
	}
}

// Pages calls f with each page, once, in the order in which they were last
// written. The page is f's to keep. All of them are gathered before the first
// is given to f: another writer may replace one meanwhile. An error of f ends
// it and is returned.
func (l *Log) Pages(ctx context.Context, f func(key string, page []byte) error) error {
	found, err := l.gather(ctx)
	if err != nil {
		return fmt.Errorf("read the pages of log %s: %w", l.name, plainly(err))
	}
	order := slices.SortedFunc(maps.Keys(found), func(a, b string) int { return cmp.Compare(found[a].number, found[b].number) })
	for _, key := range order {
		l.knows(key, found[key].number)
		if len(found[key].content) == 0 {
			continue // deleted; the marker stayed
		}
		page, err := l.pagesAre.open(ctx, found[key].number, found[key].content, pageWhat(l.pagesAre.stream, key))
		if err != nil {
			return fmt.Errorf("read the pages of log %s: page %s: %w", l.name, key, err)
		}
		if err := f(key, page); err != nil {
			return err
		}
	}
	return nil
}

type page struct {
	number  uint64
	content []byte // as it is stored
}

// gather are all pages as they are stored.
func (l *Log) gather(ctx context.Context) (map[string]page, error) {
	found := map[string]page{}
	bounded, cancel := within(ctx)
	info, err := l.pages.Info(bounded)
	cancel()
	if err != nil || info.State.Msgs == 0 {
		return found, err
	}
	return found, each(ctx, l.pages, info.State.FirstSeq, math.MaxUint64, func(n uint64, m jetstream.Msg) error {
		key, ok := unescapeKey(strings.TrimPrefix(m.Subject(), prefixPage+l.name+"."))
		if !ok {
			return fmt.Errorf("%w: a page has the subject %q", ErrDamaged, m.Subject())
		}
		found[key] = page{n, m.Data()}
		return nil
	})
}
