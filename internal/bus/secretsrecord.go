//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
)

// knownRecord is the record as a connection has read it. It does not take another
// fleet's then, nor forget what it knows when an older one is put back, or none is there
// any more: what it knows is written again by the next change.
type knownRecord struct {
	*record        // nil: none was read
	number  uint64 // of the message that is there; 0: there is none
	by      string // the key that it is sealed by; "": what is there is not this record
}

// isOurs says whether a stream is one whose content is sealed: of a log, of pages, or
// of objects.
func isOurs(config *jetstream.StreamConfig) bool {
	for prefix, subject := range map[string]string{
		prefixLogStream:  prefixLog + "%s",
		prefixPageStream: prefixPage + "%s.*",
		prefixObjects:    "$O.%s.C.>",
	} {
		if name, ok := strings.CutPrefix(config.Name, prefix); ok {
			return slices.Contains(config.Subjects, fmt.Sprintf(subject, name))
		}
	}
	return false
}

// recordAgain is how long to wait before what another has changed meanwhile, or whose
// outcome is not known, is looked at again.
const recordAgain = 10 * time.Millisecond

// contentsOf says of streams that have just been opened how what is in them is
// sealed. The first who comes with keys makes the record. Without keys there must
// be none.
func (c *Conn) contentsOf(ctx context.Context, streams ...jetstream.Stream) ([]*content, error) {
	all := make([]*content, len(streams))
	for i, s := range streams {
		all[i] = &content{c: c, stream: s.CachedInfo().Config.Name}
	}
	c.opening.Lock()
	defer c.opening.Unlock()
	if c.seal == nil {
		number, _, err := c.fetchRecord(ctx)
		if err == nil && number > 0 {
			err = fmt.Errorf("what this fleet puts into NATS is sealed (stream %s): %w", secretsStream, atrest.ErrSealed)
		}
		if err != nil {
			return nil, err
		}
		return all, nil
	}
	err := c.changeRecord(ctx, func(r *record) {
		for _, s := range streams {
			if info := s.CachedInfo(); info.State.LastSeq == 0 {
				r.seal(info.Config.Name, 1)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		s.from = c.record.from(s.stream)
		s.recorded.Store(s.from)
	}
	return all, nil
}

// noteSealed notes in the record that nothing in a stream is plain from a number on.
func (c *Conn) noteSealed(ctx context.Context, s *content, from uint64) error {
	c.opening.Lock()
	defer c.opening.Unlock()
	err := c.changeRecord(ctx, func(r *record) { r.seal(s.stream, from) })
	if err == nil {
		s.recorded.Store(from)
		s.sealedFrom(from)
	}
	return err
}

// changeRecord reads the record, makes it when there is none, has change change it,
// and writes it if it is not as it was, or not sealed by the first key. opening is held.
func (c *Conn) changeRecord(ctx context.Context, change func(*record)) error {
	for {
		if err := c.loadRecord(ctx); err != nil {
			return err
		}
		next := c.record.record
		if next == nil {
			had, err := c.nothingSealed(ctx)
			if err != nil {
				return err
			}
			next = newRecord(had...)
		}
		next = &record{slices.Clone(next.Secrets), maps.Clone(next.Streams), next.Whole}
		change(next)
		if c.record.record != nil && maps.Equal(next.Streams, c.record.Streams) && c.record.by == c.seal.First() {
			return nil
		}
		lost := c.record.record != nil && c.record.by == ""
		err := c.storeRecord(ctx, next)
		if err == nil {
			if lost && c.log != nil {
				c.log.Warn("nats: the record of the fleet's secrets was missing, or was an older one; it was written again", "stream", secretsStream)
			}
			return nil
		}
		if certain(err) && !errors.Is(plainly(err), ErrFenced) {
			return fmt.Errorf("write the fleet's secrets: %w", plainly(err))
		}
		select { // another was faster, or it may be there
		case <-time.After(recordAgain):
		case <-c.ended:
			return ErrClosed
		case <-ctx.Done():
			return fmt.Errorf("write the fleet's secrets: %w", because(ctx, plainly(err)))
		}
	}
}

// readSecrets reads the record anew.
func (c *Conn) readSecrets(ctx context.Context) error {
	ctx, cancel := c.whileLinked(ctx)
	defer cancel()
	c.opening.Lock()
	defer c.opening.Unlock()
	return c.loadRecord(ctx)
}

// loadRecord is readSecrets while opening is held.
func (c *Conn) loadRecord(ctx context.Context) error {
	number, data, err := c.fetchRecord(ctx)
	if err != nil {
		return err
	}
	was := c.record.record
	if number == 0 {
		c.record = knownRecord{record: was}
		return nil
	}
	r, keys, by, err := unpackRecord(data, c.seal)
	if err == nil && was != nil {
		err = r.continues(was)
	}
	if err != nil {
		return err
	}
	if was != nil && r.learn(was) {
		by = ""
	}
	c.record = knownRecord{r, number, by}
	c.keys.Store(keys)
	return nil
}

// fetchRecord is the record as it is stored; number is 0 when there is none.
func (c *Conn) fetchRecord(ctx context.Context) (number uint64, data []byte, err error) {
	err = again(ctx, func(ctx context.Context) error {
		number, data = 0, nil
		s, err := c.js.Stream(ctx, secretsStream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := s.GetLastMsgForSubject(ctx, secretsSubject)
		if errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) { // removed meanwhile
			return nil
		}
		if err == nil {
			number, data = m.Sequence, m.Data
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("read the fleet's secrets: %w", because(ctx, plainly(err)))
	}
	return number, data, err
}

// storeRecord writes the record in place of the one that is known. opening is held.
func (c *Conn) storeRecord(ctx context.Context, r *record) error {
	keys, err := r.keys()
	if err != nil {
		return err
	}
	by := c.seal.First()
	data, err := r.pack(c.seal)
	if err != nil {
		return err
	}
	if _, err := c.stream(ctx, jetstream.StreamConfig{
		Name: secretsStream, Subjects: []string{secretsSubject}, Replicas: c.replicas, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
	}); err != nil {
		return err
	}
	once, cancel := context.WithTimeout(ctx, askAgain)
	defer cancel()
	ack, err := c.js.PublishMsg(once, &nats.Msg{Subject: secretsSubject, Data: data}, jetstream.WithExpectLastSequencePerSubject(c.record.number))
	if err == nil {
		c.record = knownRecord{r, ack.Sequence, by}
		c.keys.Store(keys)
	}
	return err
}

// nothingSealed looks that a record that is not there is one that never was: that no
// stream of ours begins or ends with what is sealed. had are those that have, or had,
// something. All are asked for by their names: a list would leave out one of a cluster
// that does not answer now.
func (c *Conn) nothingSealed(ctx context.Context) (had []string, err error) {
	list := c.js.StreamNames(ctx)
	var names []string
	for name := range list.Name() {
		names = append(names, name)
	}
	if err := list.Err(); err != nil {
		return nil, plainly(err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, prefixLogStream) && !strings.HasPrefix(name, prefixPageStream) && !strings.HasPrefix(name, prefixObjects) {
			continue
		}
		s, err := c.js.Stream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("look at stream %s: %w", name, plainly(err))
		}
		info := s.CachedInfo()
		if info.State.LastSeq == 0 || !isOurs(&info.Config) {
			continue
		}
		had = append(had, name)
		if err := looksPlain(ctx, s, info); err != nil {
			return nil, err
		}
	}
	return had, nil
}

func looksPlain(ctx context.Context, s jetstream.Stream, info *jetstream.StreamInfo) error {
	subject := info.Config.Subjects[0]
	if of, ok := strings.CutPrefix(info.Config.Name, prefixObjects); ok {
		subject = "$O." + of + ".M.>"
	}
	first, err := s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	var last *jetstream.RawStreamMsg
	if err == nil {
		last, err = s.GetLastMsgForSubject(ctx, subject)
	}
	if err != nil {
		return plainly(err)
	}
	for _, m := range []*jetstream.RawStreamMsg{first, last} {
		if atrest.IsSealed(m.Data) {
			return damagedError{fmt.Errorf("message %d of stream %s is sealed, and the record of the fleet's secrets, in stream %s, is missing: put it back from a copy; nothing was changed", m.Sequence, info.Config.Name, secretsStream)}
		}
	}
	return nil
}
