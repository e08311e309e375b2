package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// plan says what the load is: each client has so many datagrams on the way, and
// sends another one for each answer.
type plan struct {
	clients, window, size int
}

// result is what the load saw.
type result struct {
	answered, lost int
	took           time.Duration
}

const resultForm = "answered %d lost %d took %d"

// send runs the load in a process of its own.
func (o *options) send(ctx context.Context, dir, addr string) (result, error) {
	p, err := self(dir, "load", loadCPU, "-load", addr, "-each", o.each.String(),
		"-clients", fmt.Sprint(o.plan.clients), "-window", fmt.Sprint(o.plan.window), "-size", fmt.Sprint(o.plan.size))
	if err != nil {
		return result{}, err
	}
	defer p.Stop(time.Second)
	select {
	case <-p.Done():
	case <-ctx.Done():
		return result{}, ctx.Err()
	case <-time.After(o.each + 30*time.Second):
		return result{}, errors.New("the load does not end")
	}
	var r result
	if _, err := fmt.Fscanf(strings.NewReader(p.Output()), resultForm, &r.answered, &r.lost, &r.took); err != nil {
		return r, fmt.Errorf("the load: %s", p.Output())
	}
	return r, nil
}

// loadClient is a socket, which blocks: no poller takes part.
type loadClient struct {
	fd  int
	out []byte
	in  []byte
	seq uint64 // of the last datagram
}

// run sends for a while and writes what came of it.
func (l *plan) run(addr string, each time.Duration, w io.Writer) error {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	clients := make([]*loadClient, l.clients)
	for i := range clients {
		c, err := newLoadClient(to, l.size)
		if err != nil {
			return err
		}
		defer unix.Close(c.fd)
		clients[i] = c
	}
	var r result
	began := time.Now()
	for _, c := range clients {
		for range l.window {
			if err := c.send(); err != nil {
				return err
			}
		}
	}
	for n := 0; n%64 != 0 || time.Since(began) < each; n++ {
		c := clients[n%len(clients)]
		switch err := c.receive(); {
		case err == unix.EAGAIN: // none within the time limit
			r.lost += l.window
			for range l.window - 1 {
				if err := c.send(); err != nil {
					return err
				}
			}
		case err != nil:
			return err
		default:
			r.answered++
		}
		if err := c.send(); err != nil {
			return err
		}
	}
	r.took = time.Since(began)
	_, err = fmt.Fprintf(w, resultForm+"\n", r.answered, r.lost, r.took)
	return err
}

func newLoadClient(to netip.AddrPort, size int) (*loadClient, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	c := &loadClient{fd: fd, out: bytes.Repeat([]byte("u"), size), in: make([]byte, size+1)}
	limit := unix.NsecToTimeval(int64(200 * time.Millisecond))
	err = errors.Join(
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit),
		unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return c, nil
}

func (c *loadClient) send() error {
	c.seq++
	binary.NativeEndian.PutUint64(c.out, c.seq)
	_, err := whole(func() (int, error) { return unix.Write(c.fd, c.out) })
	return err
}

// whole calls again what a signal interrupted: a socket with a time limit gives
// up then, whatever the signal's flags say, and the runtime sends signals.
func whole(call func() (int, error)) (n int, err error) {
	for {
		if n, err = call(); err != unix.EINTR {
			return n, err
		}
	}
}

// receive takes one answer, which must be what was sent.
func (c *loadClient) receive() error {
	n, err := whole(func() (int, error) { return unix.Read(c.fd, c.in) })
	if err != nil {
		return err
	}
	seq := binary.NativeEndian.Uint64(c.in)
	if n != len(c.out) || seq == 0 || seq > c.seq || !bytes.Equal(c.in[8:n], c.out[8:]) {
		return fmt.Errorf("an answer of %d bytes that is not what was sent", n)
	}
	return nil
}
