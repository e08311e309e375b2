//go:build !nonats

package bus

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// putAhead is how many messages of a content may be under way.
	putAhead = 8
	// labelAgain is how long to wait before a label of unknown outcome is tried again.
	labelAgain = 50 * time.Millisecond
	// settleLimit is how long a Put that fails waits for what it has sent.
	settleLimit = 2 * time.Second
)

// Put stores what r has under a key of 1 to 512 bytes, whole and durable on
// return, in place of what was there, for which there has to be room beside it
// until then. When r fails, ctx ends or anything else is wrong, what was there
// before is still there. ErrUnclear: the connection was lost in the last step,
// and which of the two is there is not known. It returns 10 s after the end of ctx at
// the latest, which does not end a Read of r; one that takes half an hour ends it.
func (o *Objects) Put(ctx context.Context, key string, r io.Reader) error {
	escaped, err := escapeKey(key, maxObject)
	if err != nil {
		return err
	}
	return o.putOver(ctx, escaped, r, nil)
}

// putOver is Put in place of one label alone, if over is not nil: of another there is
// [ErrFenced].
func (o *Objects) putOver(ctx context.Context, escaped string, r io.Reader, over *label) error {
	p := &put{o: o, over: over, hash: sha256.New(), acked: time.Now()}
	p.info = jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: escaped, Opts: &jetstream.ObjectMetaOptions{ChunkSize: uint32(min(chunkSize, o.is.room()))}},
		Bucket:     o.name,
		NUID:       random(),
	}
	err := p.content(ctx, r)
	var before label
	if err == nil {
		before, err = p.label(ctx)
	}
	discarded := before.NUID
	if err != nil {
		discarded = p.info.NUID
	}
	if discarded != "" && !errors.Is(err, ErrUnclear) {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), DefaultTimeout)
		defer cancel()
		bounded, stop := o.c.untilCut(bounded)
		defer stop()
		o.discard(bounded, discarded)
	}
	if err != nil {
		key, _ := unescapeKey(escaped)
		return fmt.Errorf("put object %q of %s: %w", key, o.name, err)
	}
	return nil
}

// errReplaced is that the label to replace is not there any more.
var errReplaced = fmt.Errorf("%w: it was replaced", ErrFenced)

// put is an object that is being stored.
type put struct {
	o    *Objects
	over *label // the one to replace; nil: any
	info jetstream.ObjectInfo
	hash hash.Hash

	acks  *nats.Subscription
	sent  int
	known int       // of those, acknowledged
	last  uint64    // number of the one that was acknowledged last
	acked time.Time // when that was
}

// content sends what r has, and waits until all of it is stored.
func (p *put) content(ctx context.Context, r io.Reader) (err error) {
	ctx, cancel := p.o.c.untilCut(ctx)
	defer cancel()
	inbox := p.o.c.nc.NewInbox()
	acks, err := p.o.c.nc.SubscribeSync(inbox)
	if err != nil {
		return plainly(err)
	}
	p.acks = acks
	defer func() {
		if err != nil {
			p.settle(ctx)
		}
		_ = acks.Unsubscribe() // fails only when the connection has ended
	}()
	m := &nats.Msg{Subject: p.o.contentOf(p.info.NUID), Reply: inbox}
	chunk := make([]byte, p.info.Opts.ChunkSize)
	for ctx.Err() == nil {
		n, readErr := io.ReadFull(r, chunk)
		if time.Since(p.acked) > p.o.stale/2 {
			return errors.New("it came too slowly") // the rest may have been swept away
		}
		if n > 0 {
			_, _ = p.hash.Write(chunk[:n]) // never fails
			p.info.Size += uint64(n)
			m.Data = p.part(chunk[:n])
			if err := p.o.c.nc.PublishMsg(m); err != nil {
				return plainly(err)
			}
			p.sent++
		}
		ended := readErr == io.EOF || readErr == io.ErrUnexpectedEOF
		if readErr != nil && !ended {
			return readErr
		}
		ahead := putAhead
		if ended {
			ahead = 0
		}
		for p.sent-p.known > ahead {
			if err := p.ack(ctx); err != nil {
				return err
			}
		}
		if ended {
			p.info.Chunks = uint32(p.sent)
			p.info.Digest = jetstream.GetObjectDigestValue(p.hash)
			return nil
		}
	}
	return because(ctx, ctx.Err())
}

// part is what is to be stored of the next part. Whether it is sealed its label
// tells, so that it may begin as it likes.
func (p *put) part(plain []byte) []byte {
	if !p.o.is.sealed() {
		return plain
	}
	return p.o.c.secrets.Seal(nil, plain, partWhat(p.o.is.stream, p.info.NUID, p.sent+1))
}

// settle waits, but not long, until nothing is under way any more, so that what
// was stored can be removed.
func (p *put) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleLimit)
	defer cancel()
	ctx, stop := p.o.c.untilCut(ctx)
	defer stop()
	for ; p.known < p.sent; p.known++ {
		if _, err := p.acks.NextMsgWithContext(ctx); err != nil {
			return
		}
	}
}

// ack waits for the next acknowledgement. What is stored in another order than
// it was sent is not the content.
func (p *put) ack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	m, err := p.acks.NextMsgWithContext(ctx)
	if err != nil {
		return because(ctx, plainly(err))
	}
	p.known++
	var answer struct {
		Error  *jetstream.APIError `json:"error"`
		Number uint64              `json:"seq"`
	}
	switch err := json.Unmarshal(m.Data, &answer); {
	case len(m.Data) == 0:
		return fmt.Errorf("%w: nobody has answered", ErrNoStore)
	case err != nil:
		return fmt.Errorf("read an acknowledgement: %w", err)
	case answer.Error != nil:
		return plainly(answer.Error)
	case answer.Number <= p.last:
		return fmt.Errorf("%w: parts are stored in another order", ErrDamaged)
	}
	p.last, p.acked = answer.Number, time.Now()
	return nil
}

// label makes the object visible, and returns the label that was there before. A
// write of unknown outcome is made again, for a while and whether or not ctx has
// ended: behind the same number, so that it is there at most once.
func (p *put) label(ctx context.Context) (before label, err error) {
	if ctx.Err() != nil {
		return label{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), DefaultTimeout)
	defer cancel()
	text, err := json.Marshal(&p.info)
	if err == nil {
		text, err = p.o.is.pack(text, labelWhat(p.o.is.stream, p.info.Name))
	}
	if err != nil {
		return label{}, err
	}
	m := &nats.Msg{Subject: p.o.labelOf(p.info.Name), Data: text, Header: nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}}}
	tried := false
	for {
		now, clear, err := p.tryLabel(ctx, m, &before, tried)
		if err == nil && now {
			return before, nil
		}
		if err == nil { // another was faster, or what was tried before is being written
			select {
			case <-time.After(labelAgain / 10):
			case <-ctx.Done():
			}
			continue
		}
		tried = tried || !clear
		var said *jetstream.APIError
		ends := ctx.Err() != nil || errors.Is(err, ErrClosed) || errors.Is(err, errReplaced) || errors.As(err, &said) && !tried
		if !ends {
			select {
			case <-time.After(labelAgain):
				continue
			case <-p.o.c.ended:
				err = ErrClosed
			case <-ctx.Done():
			}
		}
		if tried {
			err = fmt.Errorf("%w: %w", ErrUnclear, err)
		}
		return label{}, err
	}
}

// tryLabel writes the label once. It is there now, or another's was written
// meanwhile, or there is an error, which is clear when nothing was written.
func (p *put) tryLabel(ctx context.Context, m *nats.Msg, before *label, tried bool) (now, clear bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askAgain)
	defer cancel()
	ctx, stop := p.o.c.untilCut(ctx)
	defer stop()
	found, err := p.o.look(ctx, p.info.Name)
	if err != nil {
		return false, true, because(ctx, err)
	}
	if tried && found.NUID == p.info.NUID {
		return true, true, nil
	}
	if p.over != nil && found.number != p.over.number {
		return false, true, errReplaced
	}
	*before = found
	_, err = p.o.c.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(found.number))
	switch {
	case err == nil:
		return true, true, nil
	case !certain(err):
		return false, false, because(ctx, plainly(err))
	case errors.Is(plainly(err), ErrFenced):
		return false, true, nil
	}
	return false, true, plainly(err)
}
