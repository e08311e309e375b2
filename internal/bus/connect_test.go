//go:build !nonats

package bus

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/bustest"
)

// elsewhere is a NATS server as others run it, with a port.
func elsewhere(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.JetStreamMaxMemory, o.JetStreamMaxStore = maxMemory, 64<<20
	return bustest.Start(t, o)
}

func TestConnect(t *testing.T) {
	ns := elsewhere(t, server.Options{Username: "u", Password: "secret"})
	c, err := Connect(limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "a", User: "u", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := openLog(t, c, "jobs")
	mustAppend(t, l, 0, "one")
	mustPut(t, l, "k", "page")
	if got := entries(t, l, 0); len(got) != 1 || pagesOf(t, l)["k"] != "page" {
		t.Errorf("%q", got)
	}
	// Its messages are a MiB at most, with their headers.
	if _, err := l.Append(limited(t), 1, make([]byte, MaxEntry)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if n, err := l.Append(limited(t), 1, make([]byte, c.room())); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	serve(t, c, "echo", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) { return r.Payload, nil })
	if got, err := c.Call(limited(t), "echo", []byte("x")); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	if state, err := c.State(limited(t)); err != nil || len(state.Streams) != 2 {
		t.Errorf("%+v, %v", state, err)
	}

	// It goes away: what is asked for fails, and does not wait for it.
	ns.Shutdown()
	ns.WaitForShutdown()
	if _, err := l.Append(limited(t), 2, []byte("x")); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("appended to nothing: %v", err)
	}
	if _, err := c.Call(limited(t), "echo", nil); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody can have answered: %v", err)
	}
}

func TestConnectFails(t *testing.T) {
	ns := elsewhere(t, server.Options{Username: "u", Password: "secret"})
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	silent := nobody.Addr().String() // accepts, and says nothing
	defer nobody.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx context.Context
		o   ConnectOptions
	}{
		"no URL":     {limited(t), ConnectOptions{Name: "a"}},
		"no name":    {limited(t), ConnectOptions{URL: ns.ClientURL()}},
		"replicas":   {limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "a", Replicas: 2}},
		"password":   {limited(t), ConnectOptions{URL: strings.Replace(ns.ClientURL(), "://", "://u:hunter2@", 1), Name: "a"}},
		"no TLS":     {limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "a", User: "u", Password: "secret", TLS: &tls.Config{}}},
		"silent":     {shortly(t), ConnectOptions{URL: "nats://" + silent, Name: "a"}},
		"cancelled":  {cancelled, ConnectOptions{URL: ns.ClientURL(), Name: "a", User: "u", Password: "secret"}},
		"no creds":   {limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "a", Creds: "/nowhere/at/all"}},
		"no address": {limited(t), ConnectOptions{URL: "nats://:::", Name: "a"}},
	} {
		c, err := Connect(test.ctx, test.o)
		if err == nil {
			c.Close()
			t.Errorf("%s: connected", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}

func TestConnectTLS(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := certificate(key)
	if err != nil {
		t.Fatal(err)
	}
	ns := elsewhere(t, server.Options{TLSConfig: &tls.Config{Certificates: []tls.Certificate{own}}, TLSTimeout: patience.Seconds()})
	c, err := Connect(limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "a", TLS: &tls.Config{InsecureSkipVerify: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	mustAppend(t, openLog(t, c, "jobs"), 0, "one")
	if c, err := Connect(limited(t), ConnectOptions{URL: ns.ClientURL(), Name: "a", TLS: &tls.Config{}}); err == nil {
		c.Close()
		t.Error("a certificate of nobody is trusted")
	}
}
