package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// client is one connection to a cache. It is for one goroutine.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	body bytes.Buffer
}

// host is what all clients ask for, wherever the cache listens: what it keeps
// is kept for a host, and after a restart it listens elsewhere.
const host = "cache.example"

func dial(addr string) (*client, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return &client{conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

func (c *client) close() { c.conn.Close() }

// send sends a request for path.
func (c *client) send(path string) error {
	c.conn.SetDeadline(time.Now().Add(patience))
	_, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
	return err
}

// receive reads an answer, which must be 200 with the body want.
func (c *client) receive(want []byte) error {
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return fmt.Errorf("read response: %w", err)
	}
	defer resp.Body.Close()
	c.body.Reset()
	if _, err := io.Copy(&c.body, resp.Body); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("answered %s", resp.Status)
	case !bytes.Equal(c.body.Bytes(), want):
		return fmt.Errorf("another body of %d bytes, want %d", c.body.Len(), len(want))
	}
	return nil
}

// get sends a request and reads its answer.
func (c *client) get(path string, want []byte) error {
	err := c.send(path)
	if err == nil {
		err = c.receive(want)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
