package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"freshet/fleet"
	"freshet/internal/bus"
	"freshet/internal/monitor"
)

// messages is the bus of a queue, as the monitor knows it.
type messages struct {
	bus *fleet.Messages
	log *slog.Logger
}

// Streams implements monitor.Messages.
func (m messages) Streams(ctx context.Context) (*monitor.Streams, error) {
	state, err := m.bus.State(ctx)
	if err != nil {
		return nil, err
	}
	s := &monitor.Streams{Bytes: state.Store, Max: state.Max}
	for i := range state.Streams {
		from := &state.Streams[i]
		to := monitor.Stream{Name: from.Name, Subjects: from.Subjects, Entries: from.Messages, Bytes: from.Bytes, First: from.First, Last: from.Last,
			FirstTime: from.FirstTime, LastTime: from.LastTime, ByHand: len(from.Subjects) > 0 && !slices.ContainsFunc(from.Subjects, reserved)}
		for _, c := range from.Consumers {
			to.Consumers = append(to.Consumers, monitor.Consumer{Name: c.Name, Pending: c.Pending, Delivered: c.Delivered, Unconfirmed: c.Unconfirmed, Redelivered: c.Redelivered})
		}
		s.List = append(s.List, to)
	}
	return s, nil
}

// reserved reports whether nobody may publish to a subject by hand: what is stored
// there has one writer, or is kept as NATS keeps objects.
func reserved(subject string) bool {
	return strings.HasPrefix(subject, "freshet.") || strings.HasPrefix(subject, "$")
}

// Peek implements monitor.Messages.
func (m messages) Peek(ctx context.Context, stream string, number uint64) (*monitor.Message, uint64, error) {
	var after uint64
	next, err := m.bus.PeekFrom(ctx, stream, number+1)
	switch {
	case err == nil:
		after = next.Number
	case !errors.Is(err, bus.ErrNotFound):
		return nil, 0, err
	}
	e, err := m.bus.Peek(ctx, stream, number)
	if errors.Is(err, bus.ErrNotFound) {
		return nil, after, fmt.Errorf("%w: %w", monitor.ErrNoMessage, err)
	}
	if err != nil {
		return nil, 0, err
	}
	return &monitor.Message{Stream: e.Stream, Number: e.Number, Subject: e.Subject, Time: e.Time, Header: e.Header, Payload: e.Payload}, after, nil
}

// errOneWriter is why what is freshet's cannot be published by hand.
var errOneWriter = errors.New("what is stored there has one writer, freshet itself")

// Publish implements monitor.Messages. Nothing is sent to a subject that no stream
// has: others than streams may listen there.
func (m messages) Publish(ctx context.Context, subject string, payload []byte) (string, uint64, error) {
	if reserved(subject) {
		return "", 0, fmt.Errorf("publish to %s: %w", subject, errOneWriter)
	}
	state, err := m.bus.State(ctx)
	if err != nil {
		return "", 0, err
	}
	taken := slices.ContainsFunc(state.Streams, func(s bus.StreamState) bool {
		return slices.ContainsFunc(s.Subjects, func(pattern string) bool { return takes(pattern, subject) })
	})
	if !taken {
		return "", 0, fmt.Errorf("publish to %s: no stream has it", subject)
	}
	stream, number, err := m.bus.Publish(ctx, subject, payload)
	if err == nil {
		m.log.Info("a message was published by hand", "stream", stream, "number", number, "subject", subject, "bytes", len(payload))
	}
	return stream, number, err
}

// takes reports whether a subject is one of those that a pattern of a stream means:
// * is any token, > all that follow.
func takes(pattern, subject string) bool {
	want, have := strings.Split(pattern, "."), strings.Split(subject, ".")
	for i, token := range want {
		switch {
		case token == ">":
			return len(have) > i
		case i >= len(have) || token != "*" && token != have[i]:
			return false
		}
	}
	return len(want) == len(have)
}
