package main

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestServe(t *testing.T) {
	// The address that is free now may be somebody else's a moment later: then
	// another one is tried.
	for range 5 {
		free, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := free.LocalAddr().String()
		free.Close()
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- serve(ctx, addr) }()
		answer, err := ask(addr, served)
		cancel()
		if err != nil {
			t.Log(err)
			continue
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		at, err := time.Parse("Monday, January 2, 2006 15:04:05-MST\r\n", answer)
		if err != nil || time.Since(at) > time.Minute || time.Since(at) < -time.Minute {
			t.Errorf("%q, %v", answer, err)
		}
		return
	}
	t.Fatal("no free port five times")
}

// ask asks until there is an answer, or the server has ended.
func ask(addr string, served <-chan error) (string, error) {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	for {
		c.Write(nil)
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		b := make([]byte, 100)
		if n, err := c.Read(b); err == nil {
			return string(b[:n]), nil
		}
		select {
		case err := <-served:
			return "", err
		default:
		}
	}
}

func TestLimits(t *testing.T) {
	l := limits{each: 2}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	now := time.Unix(1e9, 0)
	for _, c := range []struct {
		from netip.Addr
		at   time.Duration
		want bool
	}{
		{a, 0, true}, {a, 1, true}, {a, 2, false}, {b, 3, true}, {a, time.Second, true},
	} {
		if got := l.allow(c.from, now.Add(c.at)); got != c.want {
			t.Errorf("%v after %v: %v", c.from, c.at, got)
		}
	}
}
