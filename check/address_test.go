package check

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// publicly returns options whose names are resolved by a table, one answer
// after the other, and the addresses that were connected to. All lead to a
// server of the test.
func publicly(t *testing.T, h http.Handler, names map[string][]string) (Options, *[]string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	dialled := new([]string)
	asked := map[string]int{}
	return Options{
		Public: true,
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			answers := names[host]
			if len(answers) == 0 {
				return nil, nil
			}
			answer := answers[min(asked[host], len(answers)-1)]
			asked[host]++
			var addrs []netip.Addr
			for a := range strings.FieldsSeq(answer) {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			return addrs, nil
		},
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			*dialled = append(*dialled, address)
			return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
		},
	}, dialled
}

func TestPublic(t *testing.T) {
	greet := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	for _, tt := range []struct {
		url, resolved, dialled, fault string
	}{
		{"http://example.com/", "93.184.216.34", "93.184.216.34:80", ""},
		{"http://example.com:8080/", "93.184.216.34", "93.184.216.34:8080", ""},
		{"http://example.com/", "2606:2800:220:1::1", "[2606:2800:220:1::1]:80", ""},
		{"http://93.184.216.34/", "", "93.184.216.34:80", ""},
		{"http://example.com/", "127.0.0.1", "", "example.com is 127.0.0.1, a loopback address, and only public ones are checked here"},
		{"http://example.com/", "93.184.216.34 10.0.0.1", "", "example.com is 10.0.0.1, a private address, and only public ones are checked here"},
		{"http://example.com/", "fe80::1", "", "example.com is fe80::1, a link-local address, and only public ones are checked here"},
		{"http://169.254.169.254/latest/", "", "", "169.254.169.254 is a link-local address, and only public ones are checked here"},
		{"http://[::1]/", "", "", "::1 is a loopback address, and only public ones are checked here"},
		{"http://[::ffff:10.0.0.1]/", "", "", "::ffff:10.0.0.1 is a private address, and only public ones are checked here"},
		{"https://10.1.2.3/", "", "", "10.1.2.3 is a private address, and only public ones are checked here"},
		{"http://2130706433/", "127.0.0.1", "", "2130706433 is 127.0.0.1, a loopback address, and only public ones are checked here"},
		{"http://nowhere.example/", "", "", "no host has the name nowhere.example"},
	} {
		u, err := ParseURL(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string][]string{}
		if tt.resolved != "" {
			names[u.Hostname()] = []string{tt.resolved}
		}
		o, dialled := publicly(t, greet, names)
		o.PassiveOnly = true
		r := checkURL(t, o, tt.url)[0]
		if got := strings.Join(*dialled, " "); got != tt.dialled {
			t.Errorf("%s at %s: connected to %q, want %q", tt.url, tt.resolved, got, tt.dialled)
		}
		if (r.Err == nil) != (tt.fault == "") || r.Err != nil && r.Err.Error() != tt.fault {
			t.Errorf("%s at %s: %v, want %s", tt.url, tt.resolved, r.Err, tt.fault)
		}
		var refused *addressError
		if tt.resolved != "" && tt.fault != "" && !errors.As(r.Err, &refused) {
			t.Errorf("%s: %T", tt.url, r.Err)
		}
	}
}

// A redirect to an address that is not public is not followed.
func TestPublicRedirect(t *testing.T) {
	for _, to := range []string{"http://127.0.0.1:6379/", "http://inside.example/", "http://[fd00::1]/"} {
		o, dialled := publicly(t, http.RedirectHandler(to, http.StatusFound), map[string][]string{
			"example.com": {"93.184.216.34"}, "inside.example": {"192.168.0.1"}})
		all := checkURL(t, o, "http://example.com/")
		if len(all) != 2 || all[1].Err == nil || !strings.Contains(all[1].Err.Error(), "only public ones are checked here") {
			t.Errorf("%s: %d results, %v", to, len(all), all[len(all)-1].Err)
		}
		for _, at := range *dialled {
			if at != "93.184.216.34:80" {
				t.Errorf("%s: connected to %s", to, at)
			}
		}
	}
}

// A name that leads elsewhere when it is resolved again gains nothing: what was
// looked at is what is connected to, and each connection looks anew.
func TestPublicRebinding(t *testing.T) {
	closes := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "hello")
	})
	o, dialled := publicly(t, closes, map[string][]string{"example.com": {"93.184.216.34", "127.0.0.1"}})
	all := checkURL(t, o, "http://example.com/")
	if all[0].Err != nil {
		t.Fatal(all[0].Err)
	}
	if got := strings.Join(*dialled, " "); got != "93.184.216.34:80" {
		t.Errorf("connected to %s", got)
	}
	if found := foundIn(all); !strings.Contains(found["answer-missing"], "only public ones are checked here") {
		t.Errorf("found: %v", found)
	}
}
