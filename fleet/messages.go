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
	return &Messages{n.conn}
}

// Messages are the streams of the bus of a node, to look at. Its methods may be
// called at the same time; errors are those of package bus.
type Messages struct{ conn *bus.Conn }

// State lists all streams.
func (m *Messages) State(ctx context.Context) (bus.State, error) { return m.conn.State(ctx) }

// Peek returns a message, and changes nothing.
func (m *Messages) Peek(ctx context.Context, stream string, number uint64) (bus.Message, error) {
	return m.conn.Peek(ctx, stream, number)
}

// PeekFrom returns the first message from a number on.
func (m *Messages) PeekFrom(ctx context.Context, stream string, number uint64) (bus.Message, error) {
	return m.conn.PeekFrom(ctx, stream, number)
}

// Publish stores a message by hand, where others than this fleet write.
func (m *Messages) Publish(ctx context.Context, subject string, payload []byte) (stream string, number uint64, err error) {
	return m.conn.Store(ctx, subject, nil, payload)
}
