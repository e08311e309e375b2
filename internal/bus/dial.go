//go:build !nonats

package bus

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// dial makes one connection.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

func plainDial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: DefaultTimeout}
	return d.DialContext(ctx, network, address)
}

// dialer is a dial as the client wants it. The first connection is made within
// a context; later ones end with the Conn.
type dialer struct {
	dial  dial
	first atomic.Pointer[context.Context]
	limit time.Duration
}

// Dial is called by the client.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	ctx := context.Background()
	if first := d.first.Load(); first != nil {
		ctx = *first
	}
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	return d.dial(ctx, network, address)
}

// SkipTLSHandshake is false: the client makes it when the server asks for it.
func (d *dialer) SkipTLSHandshake() bool { return false }

// openWithin opens a connection over the network, and gives up with ctx.
func openWithin(ctx context.Context, name string, log *slog.Logger, how dial, options ...nats.Option) (*Conn, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	d := &dialer{dial: how, limit: DefaultTimeout}
	d.first.Store(&ctx)
	defer d.first.Store(nil)
	end, _ := ctx.Deadline()
	options = append(options, nats.SetCustomDialer(d), nats.Timeout(max(time.Until(end), time.Millisecond)))
	return open(name, log, options...)
}

// plainURL is an error without the URL that it quotes.
func plainURL(err error) error {
	var wrong *url.Error
	if errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}
