//go:build !nonats

package bus

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
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
// stream, or no message with this number. One that is sealed is shown opened, if it
// can be, and as it is stored otherwise; the header Freshet-Sealed says which.
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
	return c.shown(ctx, &s.CachedInfo().Config, m), nil
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
	return c.shown(ctx, &s.CachedInfo().Config, m), nil
}

// headerSealed says of a message that is shown that it is sealed.
const headerSealed = "Freshet-Sealed"

// shown is a message as it is shown.
func (c *Conn) shown(ctx context.Context, config *jetstream.StreamConfig, m *jetstream.RawStreamMsg) Message {
	is := Message{config.Name, m.Sequence, m.Subject, m.Time, m.Header, m.Data}
	if !atrest.IsSealed(m.Data) || !isOurs(config) && config.Name != secretsStream {
		return is
	}
	is.Header = maps.Clone(is.Header)
	if is.Header == nil {
		is.Header = map[string][]string{}
	}
	plain, err := c.opened(ctx, config.Name, m)
	if err != nil {
		is.Header[headerSealed] = []string{"yes, and shown as it is stored: " + err.Error()}
		return is
	}
	is.Payload = plain
	is.Header[headerSealed] = []string{"yes, and shown opened"}
	return is
}

// opened is what is in a message of a stream of ours, by its place.
func (c *Conn) opened(ctx context.Context, stream string, m *jetstream.RawStreamMsg) ([]byte, error) {
	if c.seal == nil {
		return nil, errors.New("there are no keys")
	}
	what := ""
	switch {
	case stream == secretsStream:
		return nil, errors.New("it has the secrets by which all else is sealed")
	case strings.HasPrefix(m.Subject, prefixLog):
		what = entryWhat(stream, m.Sequence)
	case strings.HasPrefix(m.Subject, prefixPage):
		_, token, _ := strings.Cut(m.Subject[len(prefixPage):], ".")
		key, _ := unescapeKey(token)
		what = pageWhat(stream, key)
	default:
		_, label, ok := strings.Cut(m.Subject, ".M.")
		escaped, err := base64.URLEncoding.DecodeString(label)
		if !ok || err != nil {
			return nil, errors.New("it is a part of an object")
		}
		what = labelWhat(stream, string(escaped))
	}
	if c.keys.Load() == nil {
		if err := c.readSecrets(ctx); err != nil {
			return nil, err
		}
		if c.keys.Load() == nil {
			return nil, errors.New("the record of the fleet's secrets is missing")
		}
	}
	return (&content{c: c, stream: stream}).open(ctx, m.Sequence, m.Data, what)
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
