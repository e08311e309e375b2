package accesslog

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/alloctest"
)

// fakeDNS knows names of addresses and addresses of names.
type fakeDNS struct {
	names map[string][]string
	addrs map[string]string
	delay time.Duration
	asked atomic.Int64
}

func (d *fakeDNS) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	d.asked.Add(1)
	select {
	case <-time.After(d.delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if names, ok := d.names[addr]; ok {
		return names, nil
	}
	return nil, errors.New("no such host")
}

func (d *fakeDNS) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if a, ok := d.addrs[host]; ok {
		return []netip.Addr{netip.MustParseAddr(a)}, nil
	}
	return nil, errors.New("no such host")
}

var client = netip.MustParseAddr("192.0.2.1")

func TestNamesAreConfirmed(t *testing.T) {
	tests := []struct {
		name  string
		names []string
		addrs map[string]string
		want  string
	}{
		{"confirmed", []string{"c.example."}, map[string]string{"c.example.": "192.0.2.1"}, "c.example"},
		{"confirmed, mapped", []string{"c.example."}, map[string]string{"c.example.": "::ffff:192.0.2.1"}, "c.example"},
		{"second name", []string{"x.example.", "c.example."}, map[string]string{"c.example.": "192.0.2.1"}, "c.example"},
		{"leads elsewhere", []string{"google.example."}, map[string]string{"google.example.": "198.51.100.7"}, ""},
		{"leads nowhere", []string{"c.example."}, nil, ""},
		{"no name", nil, nil, ""},
		{"an address", []string{"10.0.0.1."}, map[string]string{"10.0.0.1.": "192.0.2.1"}, ""},
		{"a forged column", []string{"a - b.example."}, map[string]string{"a - b.example.": "192.0.2.1"}, ""},
		{"too long", []string{strings.Repeat("a.", 130)}, map[string]string{strings.Repeat("a.", 130): "192.0.2.1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dns := &fakeDNS{addrs: tt.addrs}
				if tt.names != nil {
					dns.names = map[string][]string{"192.0.2.1": tt.names}
				}
				n := &Names{Resolver: dns}
				defer n.Close()
				if got := n.Lookup(client, 1); got != "" {
					t.Errorf("at first: %q", got)
				}
				synctest.Wait()
				time.Sleep(time.Millisecond)
				synctest.Wait()
				if got := n.Lookup(client, 2); got != tt.want {
					t.Errorf("then: %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestNamesAreCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{
			names: map[string][]string{"192.0.2.1": {"c.example."}},
			addrs: map[string]string{"c.example.": "192.0.2.1"},
			delay: time.Second,
		}
		n := &Names{Resolver: dns, TTL: time.Minute}
		defer n.Close()
		nameless := netip.MustParseAddr("192.0.2.2")
		ask := func(now time.Duration) {
			n.Lookup(client, int64(now))
			n.Lookup(netip.MustParseAddr("::ffff:192.0.2.1"), int64(now))
			n.Lookup(nameless, int64(now))
		}
		expect := func(when string, want int64) {
			t.Helper()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if got := dns.asked.Load(); got != want {
				t.Errorf("%s: asked %d times, want %d", when, got, want)
			}
		}
		ask(1)
		ask(2)
		expect("at first", 2)
		ask(time.Second)
		expect("within the time", 2)
		ask(30 * time.Second)
		expect("no name is remembered for less", 3)
		if got := n.Lookup(client, int64(2*time.Minute)); got != "c.example" {
			t.Errorf("while it is looked up again: %q", got)
		}
		expect("after the time", 4)
	})
}

func TestNamesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{delay: time.Hour}
		n := &Names{Resolver: dns, Max: 100}
		defer n.Close()
		a := client
		for range 2000 {
			n.Lookup(a, 1)
			a = a.Next()
		}
		synctest.Wait()
		if len(n.known) > 100 {
			t.Errorf("%d addresses are known", len(n.known))
		}
		if got := dns.asked.Load(); got != nameWorkers {
			t.Errorf("%d look-ups at a time", got)
		}
		time.Sleep(time.Second)
		n.Close() // although each look-up would take an hour
		n.Lookup(a, 2)
	})
}

func TestLookupAllocs(t *testing.T) {
	n := &Names{Resolver: &fakeDNS{}}
	defer n.Close()
	n.Lookup(client, 1)
	if got := alloctest.PerRun(100, func() { n.Lookup(client, 2) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestLoggerShowsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &stream{}
		l := New(out, Common)
		l.Names = &Names{Resolver: &fakeDNS{
			names: map[string][]string{"127.0.0.1": {"c.example."}},
			addrs: map[string]string{"c.example.": "127.0.0.1"},
		}}
		l.Record(sample())
		time.Sleep(time.Second)
		l.Record(sample())
		l.Close()
		got := strings.Split(out.all(), "\n")
		if !strings.HasPrefix(got[0], "127.0.0.1 - ") || !strings.HasPrefix(got[1], "c.example - ") {
			t.Errorf("%q", got)
		}
	})
}
