package check

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// dialTo makes host:port lead to listeners.
func dialTo(to map[string]string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		at := to[address]
		if at == "" {
			return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("nobody is at %s", address)}
		}
		return (&net.Dialer{}).DialContext(ctx, network, at)
	}
}

// twoServers are example.com: one for https, one for http; nil for none.
func twoServers(t *testing.T, secure, open http.Handler, http2 bool) Options {
	t.Helper()
	to := map[string]string{}
	s := httptest.NewUnstartedServer(secure)
	s.EnableHTTP2 = http2
	s.TLS = &tls.Config{}
	s.StartTLS()
	t.Cleanup(s.Close)
	to["example.com:443"] = s.Listener.Addr().String()
	to["www.example.com:443"] = s.Listener.Addr().String()
	if open != nil {
		p := httptest.NewServer(open)
		t.Cleanup(p.Close)
		to["example.com:80"] = p.Listener.Addr().String()
	}
	return Options{Dial: dialTo(to), RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
}

func checkURL(t *testing.T, o Options, text string) []*Result {
	t.Helper()
	c := New(o)
	defer c.Close()
	u, err := ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return c.URL(context.Background(), u)
}

func TestHTTPS(t *testing.T) {
	toHTTPS := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://example.com"+r.URL.Path, http.StatusPermanentRedirect)
	})
	toHTTP := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://example.com"+r.URL.Path, http.StatusPermanentRedirect)
	})
	forNow := http.RedirectHandler("https://example.com/", http.StatusFound)
	differs := answers(func(_ int, h http.Header, r *http.Request) {
		if r.ProtoMajor == 2 {
			h.Set("Cache-Control", "no-cache")
		}
	})
	ok := http.HandlerFunc(right)
	for _, tt := range []struct {
		name         string
		secure, open http.Handler
		http2        bool
		want, not    []string
	}{
		{"all right", ok, toHTTPS, true, nil, []string{"http2-missing", "http2-differs", "http-beside-https", "answer-missing", "redirect-downgrade"}},
		{"no http", ok, nil, true, nil, []string{"http-beside-https"}},
		{"http/1.1 only", ok, toHTTPS, false, []string{"http2-missing"}, []string{"http2-differs"}},
		{"http beside it", ok, ok, true, []string{"http-beside-https"}, nil},
		{"http redirects to itself", ok, toHTTP, true, []string{"http-beside-https"}, nil},
		{"http redirects for now", ok, forNow, true, nil, []string{"http-beside-https"}},
		{"answers differ", differs, toHTTPS, true, []string{"http2-differs"}, nil},
		{"downgrade", toHTTP, ok, true, []string{"redirect-downgrade"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := checkURL(t, twoServers(t, tt.secure, tt.open, tt.http2), "https://example.com/")
			if all[0].Err != nil {
				t.Fatal(all[0].Err)
			}
			found := foundIn(all)
			for _, id := range tt.want {
				if found[id] == "" {
					t.Errorf("%s is not found; these are: %v", id, found)
				}
			}
			for _, id := range tt.not {
				if found[id] != "" {
					t.Errorf("found: %s", found[id])
				}
			}
			if proto := all[0].Exchange.Proto; (proto == "HTTP/2.0") != tt.http2 {
				t.Errorf("it was asked over %s", proto)
			}
		})
	}
}

// One step to https and one to the address are no chain.
func TestRedirectChain(t *testing.T) {
	toHTTPS := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://example.com"+r.URL.Path, http.StatusPermanentRedirect)
	})
	www := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "example.com" {
			http.Redirect(w, r, "https://www.example.com"+r.URL.Path, http.StatusPermanentRedirect)
			return
		}
		right(w, r)
	})
	o := twoServers(t, www, toHTTPS, true)
	o.PassiveOnly = true
	all := checkURL(t, o, "http://example.com/")
	if len(all) != 3 || all[0].Err != nil {
		t.Errorf("%d answers, %v", len(all), all[0].Err)
	}
	if found := foundIn(all); found["redirect-chain"] != "" {
		t.Error(found["redirect-chain"])
	}
}

func TestRedirect(t *testing.T) {
	for _, tt := range []struct {
		from     string
		status   int
		location string
		want     string // the notes
	}{
		{"http://example.com/a", 302, "https://example.com/a", "redirect-temporary redirect-changes-method"},
		{"http://example.com/a", 307, "https://example.com/a", "redirect-temporary"},
		{"http://example.com/a", 308, "https://example.com/a", ""},
		{"http://example.com/a", 307, "http://www.example.com/a", "redirect-temporary"},
		{"http://example.com/a", 307, "http://other.example/a", ""},
		{"http://example.com/a", 307, "/a/", "redirect-temporary"},
		{"http://example.com/a", 307, "/login", ""},
		{"http://example.com/a", 303, "/done", ""},
		{"http://example.com/a", 301, "/b", "redirect-changes-method"},
		{"https://example.com/a", 308, "http://example.com/a", "redirect-downgrade"},
		{"https://example.com/a", 308, "mailto:x@example.com", ""},
	} {
		u, err := ParseURL(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		r := &Result{}
		redirect(r, &reply{Exchange: Exchange{Status: tt.status, Header: http.Header{"Location": {tt.location}}}}, u)
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Note.ID)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%d from %s to %s: %v, want %s", tt.status, tt.from, tt.location, got, tt.want)
		}
	}
}

// A server that speaks HTTP/2 only is checked over it.
func TestHTTP2Only(t *testing.T) {
	o := twoServers(t, http.HandlerFunc(right), nil, true)
	s := httptest.NewUnstartedServer(http.HandlerFunc(right))
	s.TLS = &tls.Config{NextProtos: []string{"h2"}}
	s.EnableHTTP2 = true
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP2(true)
	s.StartTLS()
	defer s.Close()
	o.Dial = dialTo(map[string]string{"example.com:443": s.Listener.Addr().String()})
	o.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	all := checkURL(t, o, "https://example.com/")
	if all[0].Err != nil {
		t.Fatal(all[0].Err)
	}
	found := foundIn(all)
	if found["coding-gain"] == "" {
		t.Errorf("the active checks were not made: %v", found)
	}
	for _, id := range []string{"answer-missing", "head-body", "etag-not-honoured", "connection-not-closed"} {
		if found[id] != "" {
			t.Errorf("found: %s", found[id])
		}
	}
}
