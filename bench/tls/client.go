package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// patience bounds what one connection waits for.
const patience = 30 * time.Second

// client asks one server.
type client struct {
	site     *site
	addr     string
	scenario *scenario
	configs  []*tls.Config // for each of the connections that there are at once
}

// newClient returns a client with so many connections at once. Those that are to
// resume a session have one.
func newClient(ctx context.Context, site *site, addr string, s *scenario, conns int) (*client, error) {
	c := &client{site: site, addr: addr, scenario: s}
	for range conns {
		c.configs = append(c.configs, c.config())
		if !s.resumed {
			continue
		}
		if err := c.connection(ctx, c.configs[len(c.configs)-1], false, never); err != nil {
			return nil, fmt.Errorf("make a session: %w", err)
		}
	}
	return c, nil
}

// ask asks for n units and returns when the answers are there and the connections
// closed.
func (c *client) ask(ctx context.Context, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	faults := make([]error, len(c.configs))
	for i, config := range c.configs {
		all.Go(func() {
			if faults[i] = c.serial(ctx, config, &left); faults[i] != nil {
				left.Store(0) // the others need not go on
			}
		})
	}
	all.Wait()
	return errors.Join(faults...)
}

// serial asks for units, one after the other, until none is left.
func (c *client) serial(ctx context.Context, config *tls.Config, left *atomic.Int64) error {
	more := func() bool { return ctx.Err() == nil && left.Add(-1) >= 0 }
	for more() {
		again := never
		if c.scenario.kept {
			again = more
		}
		if err := c.connection(ctx, config, c.scenario.resumed, again); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func never() bool { return false }

// config offers what is measured, and nothing else.
func (c *client) config() *tls.Config {
	config := &tls.Config{RootCAs: c.site.roots, MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519}, NextProtos: []string{"http/1.1"}}
	if c.scenario.resumed {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	}
	return config
}

// connection makes a connection, asks for the file once and then as long as there
// is more, and closes it.
func (c *client) connection(ctx context.Context, config *tls.Config, resumed bool, more func() bool) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(limited, "tcp", c.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if !c.scenario.plain {
		config = config.Clone() // of which the session cache is the same
		config.ServerName, _, _ = net.SplitHostPort(c.addr)
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(limited); err != nil {
			return err
		}
		if err := agreed(secure.ConnectionState(), resumed); err != nil {
			return err
		}
		conn = secure
		defer secure.Close() // says so, before the connection is closed
	}
	in := bufio.NewReaderSize(conn, 32<<10)
	body := make([]byte, len(c.site.files[c.scenario.path]))
	request := []byte("GET " + c.scenario.path + " HTTP/1.1\r\nHost: " + c.addr + "\r\n\r\n")
	for first := true; first || more(); first = false {
		conn.SetDeadline(time.Now().Add(patience))
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := c.answer(in, body); err != nil {
			return err
		}
	}
	return nil
}

// answer reads an answer and compares all of it.
func (c *client) answer(in *bufio.Reader, body []byte) error {
	a, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK || a.ContentLength != int64(len(body)) || a.Close {
		return fmt.Errorf("not the answer: %s, %d bytes, %v", a.Status, a.ContentLength, a.Header)
	}
	if _, err := io.ReadFull(a.Body, body); err != nil {
		return err
	}
	if !bytes.Equal(body, c.site.files[c.scenario.path]) {
		return errors.New("another body")
	}
	return nil
}

// agreed says what is wrong with what a handshake came to.
func agreed(s tls.ConnectionState, resumed bool) error {
	switch {
	case s.Version != tls.VersionTLS13:
		return fmt.Errorf("%s", tls.VersionName(s.Version))
	case s.CipherSuite != tls.TLS_AES_128_GCM_SHA256:
		return fmt.Errorf("cipher %s", tls.CipherSuiteName(s.CipherSuite))
	case s.CurveID != tls.X25519:
		return fmt.Errorf("key exchange %s", s.CurveID)
	case s.DidResume != resumed:
		return fmt.Errorf("resumed: %t, want %t", s.DidResume, resumed)
	}
	return nil
}
