package fleet

import (
	"context"

	"freshet/internal/bus"
)

// Messages looks at what is stored on the bus; nil in a program that was built
// without NATS, whose queue has a file.
func (n *Node) Messages() *Messages {
	if n.conn == nil {
		return nil
	}
	return &Messages{func() (*bus.Conn, error) { return n.conn, nil }}
}

// Messages are the streams of the bus of a node, to look at. Its methods may be
// called at the same time; errors are those of package bus.
type Messages struct{ conn func() (*bus.Conn, error) }

// State lists all streams.
func (m *Messages) State(ctx context.Context) (bus.State, error) {
	conn, err := m.conn()
	if err != nil {
		return bus.State{}, err
	}
	return conn.State(ctx)
}

// Peek returns a message, and changes nothing.
func (m *Messages) Peek(ctx context.Context, stream string, number uint64) (bus.Message, error) {
	conn, err := m.conn()
	if err != nil {
		return bus.Message{}, err
	}
	return conn.Peek(ctx, stream, number)
}

// PeekFrom returns the first message from a number on.
func (m *Messages) PeekFrom(ctx context.Context, stream string, number uint64) (bus.Message, error) {
	conn, err := m.conn()
	if err != nil {
		return bus.Message{}, err
	}
	return conn.PeekFrom(ctx, stream, number)
}

// Publish stores a message by hand, where others than this fleet write.
func (m *Messages) Publish(ctx context.Context, subject string, payload []byte) (stream string, number uint64, err error) {
	conn, err := m.conn()
	if err != nil {
		return "", 0, err
	}
	return conn.Store(ctx, subject, nil, payload)
}
