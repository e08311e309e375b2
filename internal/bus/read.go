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
// order, through a consumer that lives as long as this call.
func each(ctx context.Context, s jetstream.Stream, first, last uint64, f func(n uint64, m jetstream.Msg) error) error {
	bounded, cancel := within(ctx)
	consumer, err := s.CreateConsumer(bounded, jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       first,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: time.Minute,
	})
	cancel()
	if err != nil {
		return err
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), DefaultTimeout)
		defer cancel()
		_ = s.DeleteConsumer(bounded, consumer.CachedInfo().Name) // or the server does, in a minute
	}()
	pending := consumer.CachedInfo().NumPending
	for pending > 0 {
		n, err := fetch(ctx, consumer, pending, last, f)
		if errors.Is(err, errReached) {
			return nil
		}
		if err != nil {
			return err
		}
		if pending = n; n > 0 {
			continue
		}
		bounded, cancel := within(ctx)
		info, err := consumer.Info(bounded)
		cancel()
		if err != nil {
			return err
		}
		pending = info.NumPending
	}
	return nil
}

var errReached = errors.New("the last message was reached")

// fetch calls f with what one request brings, and returns how many messages
// are left, 0 when that is not known.
func fetch(ctx context.Context, consumer jetstream.Consumer, pending, last uint64, f func(n uint64, m jetstream.Msg) error) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	batch, err := consumer.Fetch(int(min(pending, fetchCount)), jetstream.FetchMaxBytes(fetchBytes), jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return 0, err
	}
	left, stopped := uint64(0), error(nil)
	for m := range batch.Messages() {
		if stopped != nil {
			continue // what was asked for has to be taken
		}
		meta, err := m.Metadata()
		switch {
		case err != nil:
			stopped = err
		case meta.Sequence.Stream > last:
			stopped = errReached
		default:
			left = meta.NumPending
			if stopped = f(meta.Sequence.Stream, m); stopped == nil && meta.Sequence.Stream == last {
				stopped = errReached
			}
			if stopped == nil {
				stopped = ctx.Err()
			}
		}
	}
	if stopped != nil {
		return 0, stopped
	}
	if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrMaxBytesExceeded) {
		return 0, err
	}
	return left, nil
}
