//go:build !nonats

package bus

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// turning copies streams of ours: what is in them is opened, and packed as it is to
// be. Entries keep their numbers, all else its order. Times are those of the copy.
type turning struct {
	source, target *Conn
}

// prepare reads the secrets of the source, which stays as it is, and makes new ones
// for the target.
func (t *turning) prepare(ctx context.Context, all []*jetstream.StreamInfo) error {
	t.source.opening.Lock()
	defer t.source.opening.Unlock()
	number, _, err := t.source.fetchRecord(ctx)
	switch {
	case err != nil:
		return err
	case number > 0:
		err = t.source.loadRecord(ctx)
	default:
		_, err = t.source.nothingSealed(ctx)
		t.source.seal = nil // all is plain
	}
	if err != nil || t.target.seal == nil {
		return err
	}
	t.target.opening.Lock()
	defer t.target.opening.Unlock()
	return t.target.changeRecord(ctx, func(r *record) {
		for _, info := range all {
			if isOurs(&info.Config) {
				r.seal(info.Config.Name, 1)
			}
		}
	})
}

// stream copies one, and returns how many messages came.
func (t *turning) stream(ctx context.Context, was *jetstream.StreamInfo) (uint64, error) {
	name, config := was.Config.Name, was.Config
	config.MaxBytes = -1 // what is sealed is longer
	config.FirstSeq = 0
	if strings.HasPrefix(name, prefixLogStream) && was.State.FirstSeq > 1 {
		config.FirstSeq = was.State.FirstSeq
	}
	from, err := t.source.js.Stream(ctx, name)
	if err != nil {
		return 0, plainly(err)
	}
	if _, err := t.target.js.CreateStream(ctx, config); err != nil {
		return 0, plainly(err)
	}
	a, b := &content{c: t.source, stream: name}, &content{c: t.target, stream: name}
	if t.source.seal != nil {
		a.from = t.source.record.from(name)
	}
	s := &sending{c: t.target}
	if was.State.Msgs > 0 {
		switch {
		case strings.HasPrefix(name, prefixLogStream):
			err = copyEntries(ctx, from, was, a, b, s)
		case strings.HasPrefix(name, prefixPageStream):
			err = copyPages(ctx, from, a, b, s)
		default:
			err = copyObjects(ctx, from, a, b, s)
		}
	}
	if err == nil {
		err = s.flush(ctx)
	}
	if err == nil && was.Config.MaxBytes > 0 {
		config.MaxBytes = was.Config.MaxBytes
		_, err = t.target.js.UpdateStream(ctx, config)
	}
	return s.count, plainly(err)
}

func copyEntries(ctx context.Context, from jetstream.Stream, was *jetstream.StreamInfo, a, b *content, s *sending) error {
	next := was.State.FirstSeq
	err := each(ctx, from, was.State.FirstSeq, was.State.LastSeq, func(n uint64, m jetstream.Msg) error {
		if n != next {
			return fmt.Errorf("%w: %d to %d", ErrDamaged, next, n-1)
		}
		next++
		entry, by, err := a.unpack(ctx, n, m.Data(), entryWhat(a.stream, n))
		if err != nil {
			return err
		}
		if by != "" {
			a.sealedFrom(n)
		}
		if entry, err = b.pack(entry, entryWhat(b.stream, n)); err != nil {
			return err
		}
		to := &nats.Msg{Subject: m.Subject(), Data: entry, Header: nats.Header{headerWriter: {m.Headers().Get(headerWriter)}}}
		return s.send(ctx, to, jetstream.WithExpectLastSequence(n-1))
	})
	if err == nil && next != was.State.LastSeq+1 {
		err = fmt.Errorf("%w: %d to %d", ErrDamaged, next, was.State.LastSeq)
	}
	return err
}

func copyPages(ctx context.Context, from jetstream.Stream, a, b *content, s *sending) error {
	prefix := prefixPage + strings.TrimPrefix(a.stream, prefixPageStream) + "."
	return each(ctx, from, 1, math.MaxUint64, func(n uint64, m jetstream.Msg) error {
		key, ok := unescapeKey(strings.TrimPrefix(m.Subject(), prefix))
		if !ok {
			return fmt.Errorf("%w: a page has the subject %q", ErrDamaged, m.Subject())
		}
		if len(m.Data()) == 0 {
			return nil // deleted; the marker stayed
		}
		page, err := a.open(ctx, n, m.Data(), pageWhat(a.stream, key))
		if err == nil {
			page, err = b.pack(page, pageWhat(b.stream, key))
		}
		if err != nil {
			return err
		}
		return s.send(ctx, &nats.Msg{Subject: m.Subject(), Data: page})
	})
}

// copyObjects leaves out parts that have no label, which are of a Put that did not end.
func copyObjects(ctx context.Context, from jetstream.Stream, a, b *content, s *sending) error {
	o := &Objects{c: a.c, name: strings.TrimPrefix(a.stream, prefixObjects), stream: from, is: a}
	labels, _, whole, err := o.readLabels(ctx)
	if err != nil {
		return err
	}
	if !whole {
		return fmt.Errorf("%w: not all messages can be read", ErrDamaged)
	}
	by, parts := map[string]string{}, map[string]int{}
	for _, l := range labels {
		if l.NUID != "" {
			by[l.NUID] = l.by
		}
	}
	return each(ctx, from, 1, math.MaxUint64, func(n uint64, m jetstream.Msg) error {
		to := &nats.Msg{Subject: m.Subject()}
		if id, ok := strings.CutPrefix(m.Subject(), o.contentOf("")); ok {
			sealedBy, ok := by[id]
			if !ok {
				return nil
			}
			parts[id]++
			what := partWhat(a.stream, id, parts[id])
			to.Data, err = m.Data(), nil
			if sealedBy != "" {
				to.Data, err = a.open(ctx, n, m.Data(), what)
			}
			if err != nil {
				return err
			}
			if b.sealed() {
				to.Data = b.c.secrets.Seal(nil, to.Data, what)
			}
			return s.send(ctx, to)
		}
		escaped, err := base64.URLEncoding.DecodeString(strings.TrimPrefix(m.Subject(), o.labels()))
		if err != nil {
			return fmt.Errorf("%w: what an object is has the subject %q", ErrDamaged, m.Subject())
		}
		if labels[string(escaped)].number != n {
			return nil // another has replaced it
		}
		what := labelWhat(a.stream, string(escaped))
		if to.Data, err = a.open(ctx, n, m.Data(), what); err == nil {
			to.Data, err = b.pack(to.Data, what)
		}
		if err != nil {
			return err
		}
		to.Header = nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}}
		return s.send(ctx, to)
	})
}

// So much is under way at most when streams are copied.
const (
	sendAhead      = 256
	sendAheadBytes = 4 << 20
)

// sending is messages that are stored one after the other.
type sending struct {
	c     *Conn
	under []jetstream.PubAckFuture
	bytes int
	count uint64
}

func (s *sending) send(ctx context.Context, m *nats.Msg, o ...jetstream.PublishOpt) error {
	f, err := s.c.js.PublishMsgAsync(m, o...)
	if err != nil {
		return plainly(err)
	}
	s.under, s.bytes, s.count = append(s.under, f), s.bytes+len(m.Data), s.count+1
	if len(s.under) < sendAhead && s.bytes < sendAheadBytes {
		return nil
	}
	return s.flush(ctx)
}

// flush waits until all is stored.
func (s *sending) flush(ctx context.Context) error {
	for _, f := range s.under {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return plainly(err)
		case <-s.c.ended:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		case <-s.c.writes():
			return errors.Join(ErrBroken, s.c.host.Err())
		}
	}
	s.under, s.bytes = s.under[:0], 0
	return nil
}

// writes is closed when the server in the process cannot write; nil elsewhere.
func (c *Conn) writes() <-chan struct{} {
	if c.host == nil {
		return nil
	}
	return c.host.writes.Done()
}
