package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// The expected names are those that browsers make (URL Standard §3.3).
func TestASCIIHost(t *testing.T) {
	for host, want := range map[string]string{
		"":                          "",
		"plain.example:80":          "plain.example:80",
		"UPPER_case--.example":      "UPPER_case--.example", // ASCII is left alone
		"[::1]:80":                  "[::1]:80",
		"bücher.example":            "xn--bcher-kva.example",
		"Bücher.Example:8080":       "xn--bcher-kva.example:8080",
		"bu\u0308cher.example":      "xn--bcher-kva.example", // not composed
		"faß.example":               "xn--fa-hia.example",    // not transitional
		"日本語。jp":                    "xn--wgv71a119e.jp",     // the dot that is typed with it
		"ｅｘａｍｐｌｅ.com":               "example.com",           // wide letters
		"a_b.bücher.example":        "a_b.xn--bcher-kva.example",
		"r3---sn.bücher.example":    "r3---sn.xn--bcher-kva.example",
		"xn--bcher-kva.bücher.test": "xn--bcher-kva.xn--bcher-kva.test",
		"\u00adbücher.example":      "xn--bcher-kva.example", // a soft hyphen is nothing
		"１２７.0.0.1":                 "127.0.0.1",
		"bücher.example.":           "xn--bcher-kva.example.",
		"xn--a.bücher.example":      "!",
		"a\u200db.example":          "!", // a joiner between letters that do not join
		"אa.example":                "!", // both directions in a label
		"bü cher.example":           "!",
		"bü%cher.example":           "!",
		"bü／cher.example":           "!", // a wide slash becomes one
		"b\xfccher.example":         "!", // not UTF-8
		"bü@x.example":              "!",
		"\u00ad":                    "!", // nothing is left
		"bücher.example:port":       "!",
	} {
		got, err := ASCIIHost(host)
		var bad *HostError
		if want == "!" {
			if !errors.As(err, &bad) || bad.Host != host || got != "" || strings.Contains(err.Error(), "idna: ") {
				t.Errorf("%q became %q, %v", host, got, err)
			}
		} else if got != want || err != nil {
			t.Errorf("%q became %q, %v; want %q", host, got, err, want)
		}
	}
}

func FuzzASCIIHost(f *testing.F) {
	f.Add("bücher.example:80")
	f.Add("xn--\u3002:1")
	f.Fuzz(func(t *testing.T, host string) {
		got, err := ASCIIHost(host)
		if err != nil {
			return
		}
		if again, err := ASCIIHost(got); !isASCII(got) || again != got || err != nil {
			t.Errorf("%q became %q and that %q, %v", host, got, again, err)
		}
	})
}

// asked answers everything, and remembers which hosts were asked.
type asked []string

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	*a = append(*a, r.URL.Host+" "+r.Host)
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}
	if r.URL.Path != "/" {
		resp.StatusCode = 302
		resp.Header.Set("Location", strings.TrimPrefix(r.URL.Path, "/to/")+"/")
	}
	return resp, nil
}

// A client asks for hosts by their ASCII names, wherever it has them from.
func TestClientHosts(t *testing.T) {
	var hosts asked
	c := &Client{Transport: &hosts}
	resp, err := c.Get(context.Background(), "http://bücher.example/to///日本語.jp:81")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := strings.Join(hosts, ", "); got != "xn--bcher-kva.example xn--bcher-kva.example, xn--wgv71a119e.jp:81 " {
		t.Errorf("asked %s", got)
	}
	var (
		failed *url.Error
		bad    *HostError
		led    *RedirectError
	)
	if _, err = c.Get(context.Background(), "http://b\u2488cher.example/"); !errors.As(err, &failed) || !errors.As(err, &bad) || len(hosts) != 2 {
		t.Errorf("%v, asked %q", err, hosts)
	}
	if _, err = c.Get(context.Background(), "http://a.example/to///b\u2488cher.example"); !errors.As(err, &led) || !strings.Contains(err.Error(), "no host can be called") {
		t.Errorf("%v", err)
	}
}
