//go:build !nonats

package bus

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// elsewhere is a NATS server as others run it, with a port.
func elsewhere(t *testing.T, o server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog, o.JetStream = "127.0.0.1", true, true, true
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	o.JetStreamMaxMemory, o.JetStreamMaxStore = maxMemory, 64<<20
	ns, err := server.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() {
		ns.Shutdown()
		ns.WaitForShutdown()
	})
	if !ns.ReadyForConnections(patience) {
		t.Fatal("a server does not get ready")
	}
	return ns
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

// TestCluster: entries are kept by three servers, and one of them ends.
func TestCluster(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it needs an address of its own, so that nobody takes its ports while they are not open")
	}
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.N(250), 1+rand.N(250), 1+rand.N(250))
	var ports []int
	var release []net.Listener
	var routes []*url.URL
	for range 3 {
		l, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: l.Addr().String()})
		release = append(release, l)
	}
	for _, l := range release { // not before all have one, so that they differ
		_ = l.Close()
	}
	servers := map[string]*server.Server{}
	var urls []string
	for i, port := range ports {
		ns := elsewhere(t, server.Options{
			ServerName: fmt.Sprint("s", i), Routes: routes,
			Cluster: server.ClusterOpts{Name: "c", Host: host, Port: port},
		})
		servers[ns.Name()] = ns
		urls = append(urls, ns.ClientURL())
	}
	c, err := Connect(limited(t), ConnectOptions{URL: strings.Join(urls, ", "), Name: "a", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx := limited(t)
	var l *Log
	for l == nil { // nobody answers while there is no leader
		once, cancel := context.WithTimeout(ctx, time.Second)
		opened, err := c.Log(once, "jobs", LogOptions{})
		cancel()
		if err == nil {
			l = opened
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	// untilClear appends as a writer does that is not told what became of it.
	untilClear := func(last uint64) {
		t.Helper()
		for {
			once, cancel := context.WithTimeout(ctx, time.Second)
			n, err := l.Append(once, last, killEntry(last+1))
			cancel()
			if err == nil && n == last+1 {
				return
			}
			if errors.Is(err, ErrFenced) || ctx.Err() != nil {
				t.Fatal(n, err)
			}
		}
	}
	for n := range uint64(20) {
		untilClear(n)
	}
	info, err := l.entries.Info(ctx)
	if err != nil || info.Config.Replicas != 3 || info.Cluster == nil {
		t.Fatalf("%+v, %v", info, err)
	}
	leader := servers[info.Cluster.Leader]
	leader.Shutdown()
	leader.WaitForShutdown()
	for n := range uint64(20) {
		untilClear(20 + n)
	}
	next := uint64(1)
	if err := l.Read(ctx, 0, func(n uint64, entry []byte) error {
		if n != next || string(entry) != string(killEntry(n)) {
			return fmt.Errorf("entry %d, want %d: %.40q", n, next, entry)
		}
		next++
		return nil
	}); err != nil || next != 41 {
		t.Errorf("%d entries, %v", next-1, err)
	}
}
