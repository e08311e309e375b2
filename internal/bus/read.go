//go:build !nonats

package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Messages are fetched so many, or so many bytes, at a time.
const (
	fetchCount = 512
	fetchBytes = 4 << 20
	fetchWait  = 2 * time.Second
)

// each calls f with the messages of a stream from number first to last, in
// order, each once. A message that was sent when we had just given up waiting
// for it is lost on its way; the consumer's own count shows that, and another
// consumer goes on there.
func each(ctx context.Context, s jetstream.Stream, first, last uint64, f func(n uint64, m jetstream.Msg) error) error {
	return eachOf(ctx, s, &reader{next: first, last: last, f: f})
}

func eachOf(ctx context.Context, s jetstream.Stream, r *reader) error {
	for tries := 0; tries < readTries; tries++ {
		before := r.next
		err := r.read(ctx, s)
		if !errors.Is(err, errLost) {
			return err
		}
		if r.next > before {
			tries = 0
		}
		select {
		case <-time.After(reconnectDelay(tries)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return errLost
}

// readTries is how often reading may be lost at the same place.
const readTries = 10

var errLost = errors.New("messages are lost on their way")

// reader reads a stream through consumers, one after the other.
type reader struct {
	next, last uint64
	subject    string // of those that are read; "": all
	f          func(n uint64, m jetstream.Msg) error

	count uint64 // messages of this consumer
	done  bool   // the last one was reached
}

func (r *reader) read(ctx context.Context, s jetstream.Stream) error {
	bounded, cancel := within(ctx)
	var consumer jetstream.Consumer
	err := again(bounded, func(ctx context.Context) (err error) {
		consumer, err = s.CreateConsumer(ctx, jetstream.ConsumerConfig{
			DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:       r.next,
			FilterSubject:     r.subject,
			AckPolicy:         jetstream.AckNonePolicy,
			MemoryStorage:     true,
			Replicas:          1,
			InactiveThreshold: time.Minute,
		})
		return err
	})
	cancel()
	if err != nil {
		return err
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = s.DeleteConsumer(bounded, consumer.CachedInfo().Name) // or the server does, in a minute
	}()
	r.count = 0
	pending := consumer.CachedInfo().NumPending
	for pending > 0 {
		if pending, err = r.fetch(ctx, consumer, pending); err != nil || r.done {
			return err
		}
		if pending > 0 {
			continue
		}
		bounded, cancel := context.WithTimeout(ctx, askAgain)
		info, err := consumer.Info(bounded)
		silent := bounded.Err() != nil && ctx.Err() == nil
		cancel()
		if silent || gone(err) {
			return errLost
		}
		if err != nil {
			return err
		}
		if info.Delivered.Consumer != r.count {
			return errLost
		}
		pending = info.NumPending
	}
	return r.ended(ctx, s)
}

// ended asks the leader whether there is more: in a cluster the consumer is on
// any of the servers, and that one may not have yet what the leader has.
func (r *reader) ended(ctx context.Context, s jetstream.Stream) error {
	if r.next > r.last {
		return nil
	}
	subject := r.subject
	if subject == "" {
		subject = ">"
	}
	bounded, cancel := within(ctx)
	defer cancel()
	var m *jetstream.RawStreamMsg
	err := again(bounded, func(ctx context.Context) (err error) {
		m, err = s.GetMsg(ctx, r.next, jetstream.WithGetMsgSubject(subject))
		return err
	})
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil
	case err != nil:
		return err
	case m.Sequence > r.last:
		return nil
	}
	return errLost
}

// gone says whether an error means that a consumer is not there any more: the
// server that had it has ended, or has forgotten it because nothing was asked for.
func gone(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted)
}

// fetch takes what one request brings, and returns how many messages are left,
// 0 when that is not known.
func (r *reader) fetch(ctx context.Context, consumer jetstream.Consumer, pending uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	batch, err := consumer.Fetch(int(min(pending, fetchCount)), jetstream.FetchMaxBytes(fetchBytes), jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return 0, err
	}
	left, stopped := uint64(0), error(nil)
	for m := range batch.Messages() {
		if stopped == nil && !r.done { // otherwise what was asked for has to be taken
			left, stopped = r.take(ctx, m)
		}
	}
	if stopped != nil || r.done {
		return 0, stopped
	}
	if gone(batch.Error()) {
		return 0, errLost
	}
	if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrMaxBytesExceeded) {
		return 0, err
	}
	return left, nil
}

func (r *reader) take(ctx context.Context, m jetstream.Msg) (left uint64, err error) {
	meta, err := m.Metadata()
	if err != nil {
		return 0, err
	}
	n := meta.Sequence.Stream
	if n > r.last {
		r.done = true
		return 0, nil
	}
	if meta.Sequence.Consumer != r.count+1 {
		return 0, errLost
	}
	if err := r.f(n, m); err != nil {
		return 0, err
	}
	r.count++
	r.next = n + 1
	r.done = n == r.last
	return meta.NumPending, ctx.Err()
}
