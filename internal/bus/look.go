//go:build !nonats

package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// State tells what is stored: all streams, also those that others made.
func (c *Conn) State(ctx context.Context) (State, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	var state State
	if used, most, err := c.Room(ctx); err == nil {
		state.Store, state.Max = used, most
	}
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		row := streamState(info)
		if err := c.consumers(ctx, &row); err != nil {
			return state, fmt.Errorf("look at stream %s: %w", row.Name, plainly(err))
		}
		state.Streams = append(state.Streams, row)
	}
	slices.SortFunc(state.Streams, func(a, b StreamState) int { return cmp.Compare(a.Name, b.Name) })
	if err := list.Err(); err != nil {
		return state, fmt.Errorf("list the streams: %w", plainly(err))
	}
	return state, nil
}

func streamState(info *jetstream.StreamInfo) StreamState {
	row := StreamState{
		Name: info.Config.Name, Subjects: info.Config.Subjects, Replicas: info.Config.Replicas,
		Messages: info.State.Msgs, Bytes: info.State.Bytes,
		First: info.State.FirstSeq, Last: info.State.LastSeq, FirstTime: info.State.FirstTime, LastTime: info.State.LastTime,
	}
	if info.Cluster != nil {
		row.Leader = info.Cluster.Leader
	}
	return row
}

func (c *Conn) consumers(ctx context.Context, row *StreamState) error {
	s, err := c.js.Stream(ctx, row.Name)
	if err != nil {
		return err
	}
	list := s.ListConsumers(ctx)
	for info := range list.Info() {
		row.Consumers = append(row.Consumers, ConsumerState{
			Name: info.Name, Created: info.Created, Pending: info.NumPending, Unconfirmed: info.NumAckPending,
			Redelivered: info.NumRedelivered, Delivered: info.Delivered.Stream,
		})
	}
	slices.SortFunc(row.Consumers, func(a, b ConsumerState) int { return cmp.Compare(a.Name, b.Name) })
	return list.Err()
}

// Peek shows a message and changes nothing. ErrNotFound: there is no such
// stream, or no message with this number.
func (c *Conn) Peek(ctx context.Context, stream string, number uint64) (Message, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return Message{}, fmt.Errorf("look at stream %s: %w", stream, plainly(err))
	}
	m, err := s.GetMsg(ctx, number)
	if err != nil {
		return Message{}, fmt.Errorf("look at message %d of stream %s: %w", number, stream, plainly(err))
	}
	return Message{stream, m.Sequence, m.Subject, m.Time, m.Header, m.Data}, nil
}

// PeekFrom is Peek for the first message from a number on.
func (c *Conn) PeekFrom(ctx context.Context, stream string, number uint64) (Message, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return Message{}, fmt.Errorf("look at stream %s: %w", stream, plainly(err))
	}
	m, err := s.GetMsg(ctx, number, jetstream.WithGetMsgSubject(">"))
	if err != nil {
		return Message{}, fmt.Errorf("look at stream %s from message %d on: %w", stream, number, plainly(err))
	}
	return Message{stream, m.Sequence, m.Subject, m.Time, m.Header, m.Data}, nil
}

// Store publishes into whichever stream has the subject, by hand, and returns
// the stream and the number. ErrNotFound: no stream has it. Subjects that begin
// with freshet. are refused: what they hold has one writer.
func (c *Conn) Store(ctx context.Context, subject string, header map[string][]string, payload []byte) (stream string, number uint64, err error) {
	if err := checkSubject(subject, false); err != nil {
		return "", 0, err
	}
	if subject == "freshet" || strings.HasPrefix(subject, "freshet.") {
		return "", 0, fmt.Errorf("publish to %s: %w that may be written by hand", subject, ErrName)
	}
	if int64(len(payload)) > c.room() {
		return "", 0, fmt.Errorf("publish %d bytes to %s: %w", len(payload), subject, ErrTooLarge)
	}
	ctx, cancel := c.whileLinked(ctx)
	defer cancel()
	ack, err := c.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Header: header, Data: payload})
	switch {
	case err == nil:
		return ack.Stream, ack.Sequence, nil
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return "", 0, fmt.Errorf("publish to %s: %w: no stream has it", subject, ErrNotFound)
	case certain(err):
		return "", 0, fmt.Errorf("publish to %s: %w", subject, plainly(err))
	}
	return "", 0, fmt.Errorf("publish to %s: %w", subject, unclear(ctx, err))
}
