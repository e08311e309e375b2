//go:build !nonats

package bus

import (
	"context"
	"crypto/ed25519"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Join connects a node with its token. ErrStranger: what answers is not the
// server that made it. ErrRefused: the token has ended, or was revoked; a
// connection that is open ends then, too ([Conn.Done]): at once, or when other
// addresses are known (the token's, or by [Conn.Learn]) and nobody has let it in
// there for 10 s. When no server answers it fails and may be called again.
func Join(ctx context.Context, text string, o JoinOptions) (*Conn, error) {
	t, err := parseToken(text)
	if err != nil {
		return nil, fmt.Errorf("join the fleet: %w", err)
	}
	around := newRing(t.Addresses)
	how, err := t.dial(around.plain)
	if err != nil {
		return nil, fmt.Errorf("join the fleet: %w", err)
	}
	c, err := openWithin(ctx, t.Name, o.Log, around.through(how), around.options)
	if err != nil {
		if refused := around.refused(); refused != nil && !errors.Is(err, refused) {
			err = errors.Join(refused, err) // what came last is not what says most
		}
		return nil, fmt.Errorf("join the fleet at %q: %w", t.Addresses, err)
	}
	around.settled()
	c.worker, c.around = !t.Peer, around
	return c, nil
}

// dial makes connections on which both sides have proven their keys.
func (t token) dial(plainly dial) (dial, error) {
	own, err := certificate(ed25519.NewKeyFromSeed(t.Seed))
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:         tls.VersionTLS13,
		Certificates:       []tls.Certificate{own},
		InsecureSkipVerify: true, // the pin is compared below, which says more than names and authorities
		VerifyConnection: func(state tls.ConnectionState) error {
			_, c, err := peerKey(state)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrStranger, err)
			}
			if subtle.ConstantTimeCompare(pinOf(c), t.Pin) != 1 {
				return ErrStranger
			}
			return nil
		},
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := plainly(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c := tls.Client(plain, config)
		first, err := firstByte(ctx, c)
		if err != nil {
			_ = plain.Close()
			return nil, err
		}
		return &begun{Conn: c, first: first}, nil
	}, nil
}

// firstByte makes the handshake and waits for the server's first byte: in TLS
// 1.3 a client has ended its part before the server has seen its certificate,
// so that it hears only then whether it was accepted.
func firstByte(ctx context.Context, c *tls.Conn) ([]byte, error) {
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	first := make([]byte, 1)
	_, err := c.Read(first)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" {
		return nil, fmt.Errorf("%w (%w)", ErrRefused, err)
	}
	return first, err
}

// begun is a connection of which the first byte was read.
type begun struct {
	net.Conn
	first []byte
}

// Read gives the first byte first.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}
