package gateway

import (
	"context"
	"crypto/tls"
	"freshet/internal/who"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"freshet/internal/alloctest"
)

// varsOf returns the variables of a request as a map, and fails the test when
// a name comes twice.
func varsOf(t *testing.T, r *http.Request, s *Script, o *VarOptions) map[string]string {
	t.Helper()
	m := make(map[string]string)
	for _, v := range AppendVars(nil, r, s, o) {
		if _, twice := m[v.Name]; twice {
			t.Errorf("%s comes twice", v.Name)
		}
		m[v.Name] = v.Value
	}
	return m
}

// request is a GET of /cgi-bin/a/b%20c?x=1&y that came over IPv4.
func request(edit func(r *http.Request)) *http.Request {
	r := &http.Request{
		Method: "GET", Proto: "HTTP/1.1", Host: "example.com:8080",
		RequestURI: "/cgi-bin/a/b%20c?x=1&y",
		URL:        &url.URL{Path: "/cgi-bin/a/b c", RawQuery: "x=1&y"},
		Header:     http.Header{},
		RemoteAddr: "192.0.2.7:1234",
	}
	r = withLocal(r, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8080})
	if edit != nil {
		edit(r)
	}
	return r
}

func withLocal(r *http.Request, a net.Addr) *http.Request {
	return r.WithContext(context.WithValue(context.Background(), http.LocalAddrContextKey, a))
}

// front are the networks of proxies, the second of which request comes from.
var front = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}

var script = &Script{Root: "/srv/www/", Name: "/cgi-bin/a", File: "/srv/cgi-bin/a", PathInfo: "/b c"}

func TestVarsWhole(t *testing.T) {
	got := varsOf(t, request(func(r *http.Request) {
		r.Header.Set("User-Agent", "curl")
	}), script, &VarOptions{User: "ann", AuthType: "Basic", Unique: "u1"})
	want := map[string]string{
		"GATEWAY_INTERFACE": "CGI/1.1",
		"SERVER_SOFTWARE":   "freshet",
		"SERVER_PROTOCOL":   "HTTP/1.1",
		"REQUEST_METHOD":    "GET",
		"QUERY_STRING":      "x=1&y",
		"REQUEST_URI":       "/cgi-bin/a/b%20c?x=1&y",
		"DOCUMENT_URI":      "/cgi-bin/a/b c",
		"SCRIPT_NAME":       "/cgi-bin/a",
		"SCRIPT_FILENAME":   "/srv/cgi-bin/a",
		"PATH_INFO":         "/b c",
		"PATH_TRANSLATED":   "/srv/www/b c",
		"DOCUMENT_ROOT":     "/srv/www/",
		"SERVER_ADDR":       "192.0.2.1",
		"SERVER_NAME":       "example.com",
		"SERVER_PORT":       "8080",
		"REQUEST_SCHEME":    "http",
		"REMOTE_ADDR":       "192.0.2.7",
		"REMOTE_HOST":       "192.0.2.7",
		"REMOTE_PORT":       "1234",
		"REMOTE_USER":       "ann",
		"AUTH_TYPE":         "Basic",
		"UNIQUE_ID":         "u1",
		"HTTP_HOST":         "example.com:8080",
		"HTTP_USER_AGENT":   "curl",
	}
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s = %q, want %q", name, got[name], want[name])
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("%s = %q, want none", name, got[name])
			}
		}
	}
}

func TestVars(t *testing.T) {
	const none = "\x00"
	unix := func(name string) net.Addr { return &net.UnixAddr{Name: name, Net: "unix"} }
	field := func(nameValues ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(nameValues); i += 2 {
				r.Header[nameValues[i]] = append(r.Header[nameValues[i]], nameValues[i+1])
			}
		}
	}
	for _, tt := range []struct {
		name string
		edit func(*http.Request)
		s    *Script
		o    VarOptions
		want []string // pairs
	}{
		{"https", func(r *http.Request) {
			r.TLS, r.Proto = &tls.ConnectionState{}, "HTTP/2.0"
			*r = *withLocal(r, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 443})
		}, nil, VarOptions{}, []string{"HTTPS", "on", "REQUEST_SCHEME", "https", "SERVER_PORT", "443", "SERVER_PROTOCOL", "HTTP/2.0"}},
		{"not https", nil, nil, VarOptions{}, []string{"HTTPS", none}},
		{"no address of ours", func(r *http.Request) { *r = *r.WithContext(context.Background()) }, nil, VarOptions{},
			[]string{"SERVER_PORT", "80", "SERVER_ADDR", none}},
		{"https, no address of ours", func(r *http.Request) {
			*r = *r.WithContext(context.Background())
			r.TLS = &tls.ConnectionState{}
		}, nil, VarOptions{}, []string{"SERVER_PORT", "443"}},
		{"IPv6", func(r *http.Request) {
			r.Host, r.RemoteAddr = "[2001:db8::1]:81", "[2001:db8::2]:99"
			*r = *withLocal(r, &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 81})
		}, nil, VarOptions{}, []string{"SERVER_NAME", "[2001:db8::1]", "SERVER_ADDR", "2001:db8::1", "SERVER_PORT", "81",
			"REMOTE_ADDR", "2001:db8::2", "REMOTE_HOST", "2001:db8::2", "REMOTE_PORT", "99", "HTTP_HOST", "[2001:db8::1]:81"}},
		{"IPv6 without port, with zone", func(r *http.Request) {
			r.Host, r.RemoteAddr = "[2001:db8::1]", "[fe80::1%eth0]:99"
		}, nil, VarOptions{}, []string{"SERVER_NAME", "[2001:db8::1]", "REMOTE_ADDR", "fe80::1"}},
		{"IPv4 in IPv6", func(r *http.Request) { r.RemoteAddr = "[::ffff:192.0.2.9]:99" }, nil, VarOptions{},
			[]string{"REMOTE_ADDR", "192.0.2.9"}},
		{"an address without port", func(r *http.Request) { r.RemoteAddr = "192.0.2.9" }, nil, VarOptions{},
			[]string{"REMOTE_ADDR", "192.0.2.9", "REMOTE_PORT", none}},
		{"Unix socket", func(r *http.Request) {
			r.RemoteAddr = "@"
			*r = *withLocal(r, unix("/run/a.sock"))
		}, nil, VarOptions{}, []string{"REMOTE_ADDR", "unix:", "REMOTE_HOST", "unix:", "REMOTE_PORT", none,
			"SERVER_ADDR", none, "SERVER_PORT", "80"}},
		{"Unix sockets that look like host and port", func(r *http.Request) {
			r.RemoteAddr = "/tmp/client:7"
			*r = *withLocal(r, unix("/run/a:81"))
		}, nil, VarOptions{}, []string{"REMOTE_ADDR", "unix:", "REMOTE_PORT", none, "SERVER_ADDR", none, "SERVER_PORT", "80"}},
		{"a proxy's client on a Unix socket", func(r *http.Request) { *r = *withLocal(r, unix("@x")) }, nil, VarOptions{},
			[]string{"REMOTE_ADDR", "192.0.2.7"}},
		{"no Host", func(r *http.Request) { r.Host, r.Proto = "", "HTTP/1.0" }, nil, VarOptions{},
			[]string{"SERVER_NAME", "localhost", "HTTP_HOST", none, "SERVER_PROTOCOL", "HTTP/1.0"}},
		{"a Host with an empty port", func(r *http.Request) { r.Host = "a.example:" }, nil, VarOptions{}, []string{"SERVER_NAME", "a.example"}},
		{"an absolute target", func(r *http.Request) { r.RequestURI = "http://example.com:8080/cgi-bin/a/b%20c?x=1&y" }, nil, VarOptions{},
			[]string{"REQUEST_URI", "/cgi-bin/a/b%20c?x=1&y"}},
		{"made by hand", func(r *http.Request) { r.RequestURI = "" }, nil, VarOptions{}, []string{"REQUEST_URI", "/cgi-bin/a/b%20c?x=1&y"}},
		{"no query", func(r *http.Request) { r.URL.RawQuery = "" }, nil, VarOptions{}, []string{"QUERY_STRING", ""}},
		{"a query without =", func(r *http.Request) { r.URL.RawQuery = "a+b%20c" }, nil, VarOptions{}, []string{"QUERY_STRING", "a+b%20c"}},
		{"no path info", nil, &Script{Root: "/srv", Name: "/a", File: "/srv/a"}, VarOptions{},
			[]string{"PATH_INFO", none, "PATH_TRANSLATED", none, "DOCUMENT_URI", "/a"}},
		{"no root", nil, &Script{Name: "", PathInfo: "/x"}, VarOptions{},
			[]string{"PATH_INFO", "/x", "PATH_TRANSLATED", none, "DOCUMENT_ROOT", none, "SCRIPT_FILENAME", none, "SCRIPT_NAME", ""}},
		{"the root of all", nil, &Script{Root: "/", Name: "/a", PathInfo: "/x"}, VarOptions{}, []string{"PATH_TRANSLATED", "/x"}},
		{"software", nil, nil, VarOptions{Software: "x/1"}, []string{"SERVER_SOFTWARE", "x/1"}},
		{"nobody", nil, nil, VarOptions{AuthType: "Basic"}, []string{"REMOTE_USER", none, "AUTH_TYPE", none, "UNIQUE_ID", none}},
		{"who a guard found it to be", func(r *http.Request) { *r = *who.On(r, &who.Who{Name: "bea", Method: "Bearer"}, "Authorization") },
			nil, VarOptions{User: "ann", AuthType: "Basic", PassAuthorization: true},
			[]string{"REMOTE_USER", "bea", "AUTH_TYPE", "Bearer", "HTTP_AUTHORIZATION", none, "HTTP_REMOTE_USER", none}},

		{"no body", nil, nil, VarOptions{}, []string{"CONTENT_LENGTH", none, "CONTENT_TYPE", none}},
		{"a body", func(r *http.Request) {
			r.ContentLength = 5
			field("Content-Length", "5", "Content-Type", "a/b; c=d")(r)
		}, nil, VarOptions{}, []string{"CONTENT_LENGTH", "5", "CONTENT_TYPE", "a/b; c=d", "HTTP_CONTENT_LENGTH", none, "HTTP_CONTENT_TYPE", none}},
		{"an empty body", field("Content-Length", "0"), nil, VarOptions{Length: -1}, []string{"CONTENT_LENGTH", "0"}},
		{"a body of unknown length", func(r *http.Request) { r.ContentLength = -1 }, nil, VarOptions{}, []string{"CONTENT_LENGTH", none}},
		{"a length found out", func(r *http.Request) { r.ContentLength = -1 }, nil, VarOptions{Length: 77}, []string{"CONTENT_LENGTH", "77"}},

		{"fields", field("X-Forwarded-For", "a", "X-Forwarded-For", "b", "Accept", "*/*"), nil, VarOptions{Trusted: front},
			[]string{"HTTP_X_FORWARDED_FOR", "a, b", "HTTP_ACCEPT", "*/*"}},
		{"a field without value", field("X-A", ""), nil, VarOptions{}, []string{"HTTP_X_A", ""}},
		{"names for others", field("X_forwarded_for", "evil", "X-Forwarded.for", "evil", "X-Forwarded For", "evil", "X'a", "evil", "X-Forwarded-For", "good"), nil, VarOptions{Trusted: front},
			[]string{"HTTP_X_FORWARDED_FOR", "good", "HTTP_X_FORWARDED.FOR", none, "HTTP_X'A", none}},
		{"what clients say of themselves", field("X-Forwarded-Host", "evil", "X-Forwarded-For", "evil", "X-Forwarded-Proto", "evil", "Forwarded", "host=evil", "X-Real-Ip", "evil", "X-Forward", "a"), nil, VarOptions{Trusted: front[:1]},
			[]string{"HTTP_X_FORWARDED_HOST", none, "HTTP_X_FORWARDED_FOR", none, "HTTP_X_FORWARDED_PROTO", none, "HTTP_FORWARDED", none, "HTTP_X_REAL_IP", none, "HTTP_X_FORWARD", "a"}},
		{"what a proxy in front says", field("X-Forwarded-Host", "a", "Forwarded", "host=b", "X-Real-Ip", "c"), nil, VarOptions{Trusted: front},
			[]string{"HTTP_X_FORWARDED_HOST", "a", "HTTP_FORWARDED", "host=b", "HTTP_X_REAL_IP", "c"}},
		{"Proxy", field("Proxy", "http://evil/"), nil, VarOptions{}, []string{"HTTP_PROXY", none}},
		{"of the connection", field("Connection", "x", "Te", "x", "Upgrade", "x", "Keep-Alive", "x", "Transfer-Encoding", "chunked", "Expect", "100-continue",
			"Trailer", "x", "Proxy-Authorization", "x", "Proxy-Connection", "x"), nil, VarOptions{},
			[]string{"HTTP_CONNECTION", none, "HTTP_TE", none, "HTTP_UPGRADE", none, "HTTP_KEEP_ALIVE", none, "HTTP_TRANSFER_ENCODING", none,
				"HTTP_EXPECT", none, "HTTP_TRAILER", none, "HTTP_PROXY_AUTHORIZATION", none, "HTTP_PROXY_CONNECTION", none}},
		{"a coding of the body", field("Content-Encoding", "gzip"), nil, VarOptions{}, []string{"HTTP_CONTENT_ENCODING", "gzip"}},
		{"cookies", field("Cookie", "a=1", "Cookie", "b=2"), nil, VarOptions{}, []string{"HTTP_COOKIE", "a=1; b=2"}},
		{"the monitor's cookie", field("Cookie", "a=1; freshet-monitor-8001=secret; b=2"), nil, VarOptions{}, []string{"HTTP_COOKIE", "a=1; b=2"}},
		{"the monitor's cookie alone", field("Cookie", "freshet-monitor-8001=secret"), nil, VarOptions{}, []string{"HTTP_COOKIE", none}},
		{"credentials", field("Authorization", "Basic eDp5"), nil, VarOptions{}, []string{"HTTP_AUTHORIZATION", none}},
		{"credentials, asked for", field("Authorization", "Basic eDp5"), nil, VarOptions{PassAuthorization: true}, []string{"HTTP_AUTHORIZATION", "Basic eDp5"}},
		{"Host among the fields", field("Host", "evil"), nil, VarOptions{}, []string{"HTTP_HOST", "example.com:8080"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.s
			if s == nil {
				s = script
			}
			got := varsOf(t, request(tt.edit), s, &tt.o)
			for i := 0; i < len(tt.want); i += 2 {
				name, want := tt.want[i], tt.want[i+1]
				value, ok := got[name]
				switch {
				case want == none && ok:
					t.Errorf("%s = %q, want none", name, value)
				case want != none && (!ok || value != want):
					t.Errorf("%s = %q (%v), want %q", name, value, ok, want)
				}
			}
		})
	}
}

// TestVarsOrder appends behind what is there, fields by name.
func TestVarsOrder(t *testing.T) {
	r := request(func(r *http.Request) {
		for _, name := range []string{"Zz", "Accept", "Mm", "Bb", "Cookie", "Yy"} {
			r.Header.Set(name, "x")
		}
	})
	all := AppendVars([]Var{{"FIRST", "1"}}, r, script, &VarOptions{})
	if all[0] != (Var{"FIRST", "1"}) {
		t.Errorf("first: %v", all[0])
	}
	var names []string
	for _, v := range all {
		if strings.HasPrefix(v.Name, "HTTP_") {
			names = append(names, v.Name)
		}
	}
	if !slices.IsSorted(names) || len(names) != 7 {
		t.Errorf("%v", names)
	}
}

// TestVarsAllocations has no more than one allocation for a name and one for
// what is joined.
func TestVarsAllocations(t *testing.T) {
	r := request(func(r *http.Request) {
		r.Header.Set("User-Agent", "x")
		r.Header.Set("Accept", "x")
	})
	dst := make([]Var, 0, 64)
	got := alloctest.PerRun(100, func() { dst = AppendVars(dst[:0], r, script, &VarOptions{}) })
	if got > 20 {
		t.Errorf("%v allocations", got)
	}
}

// TestCommonVariables has the names that are made once be those that are made
// each time.
func TestCommonVariables(t *testing.T) {
	for name, v := range commonVariables {
		if v != makeVariable(name) || name != http.CanonicalHeaderKey(name) || !told(name, true) {
			t.Errorf("%s: %s", name, v)
		}
	}
}
