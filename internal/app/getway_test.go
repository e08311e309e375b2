package app

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// newTLSWorld is a world whose server speaks TLS, HTTP/2 too, and the files of
// its certificate and key.
func newTLSWorld(t *testing.T, h http.HandlerFunc) (w *getWorld, cert, key string) {
	cert, key = wiretest.WriteKeyPair(t, t.TempDir(), "srv", "127.0.0.1", "localhost")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	w = &getWorld{t: t, cache: filepath.Join(t.TempDir(), "cache")}
	w.srv = httptest.NewUnstartedServer(h)
	w.srv.EnableHTTP2 = true
	w.srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	w.srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	w.srv.StartTLS()
	t.Cleanup(w.srv.Close)
	return w, cert, key
}

func TestGetTLS(t *testing.T) {
	w, cert, key := newTLSWorld(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %d", r.Proto, tls.VersionName(r.TLS.Version), len(r.TLS.PeerCertificates))
	})
	text, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	pin := "sha256//" + base64.StdEncoding.EncodeToString(sum[:])
	other := "sha256//" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, tt := range []struct {
		status    int
		args      string
		want, say string
	}{
		{exitOK, "--cacert CERT", "HTTP/2.0 TLS 1.3 0", ""},
		{exitOK, "--cacert CERT --http1.1", "HTTP/1.1 TLS 1.3 0", ""},
		{exitOK, "--cacert CERT --http1.0", "HTTP/1.0 TLS 1.3 0", ""},
		{exitOK, "--cacert CERT --tls-max 1.2", "HTTP/2.0 TLS 1.2 0", ""},
		{exitOK, "--cacert CERT --cert CERT --key KEY", "HTTP/2.0 TLS 1.3 1", ""},
		{exitOK, "--cacert CERT --http1.1 --cert CERT --key KEY", "HTTP/1.1 TLS 1.3 1", ""},
		{exitOK, "--cacert CERT --pinnedpubkey " + other + ";" + pin, "HTTP/2.0 TLS 1.3 0", ""},
		{exitOK, "-k", "HTTP/2.0 TLS 1.3 0", "--insecure: certificates are not verified; anybody on the way can read and change what is fetched"},
		{exitOK, "-k -s", "HTTP/2.0 TLS 1.3 0", "--insecure"},
		{exitOK, "-k --http1.0", "HTTP/1.0 TLS 1.3 0", "--insecure"},
		{getUntrusted, "", "", "the certificate of 127.0.0.1 is not trusted: "},
		{getUntrusted, "--http1.0", "", "the certificate of 127.0.0.1 is not trusted: "},
		{getWrongKey, "--cacert CERT --pinnedpubkey " + other, "", "the server's public key is none of the pinned ones"},
		{getWrongKey, "-k --pinnedpubkey " + other, "", "the server's public key is none of the pinned ones"},
		{getBadCertificate, "--cert CERT", "", "--cert "},
		{getBadCertificate, "--key KEY", "", "--key is the key of --cert"},
		{getBadAuthorities, "--cacert KEY", "", "it has no certificate"},
	} {
		args := strings.Fields(strings.NewReplacer("CERT", cert, "KEY", key).Replace(tt.args))
		out, said := w.run(tt.status, append(args, "--no-cache", "URL/")...)
		if out != tt.want || !strings.Contains(said, tt.say) || (tt.say == "") != (said == "") {
			t.Errorf("%s: %q, said %q", tt.args, out, said)
		}
	}
	_, said := w.run(getUntrusted, "--cacert", cert, "--connect-to", "::"+w.srv.Listener.Addr().String(), "https://other.test/")
	contains(t, said, "the certificate of other.test is not trusted: ", "other.test")
	_, said = w.run(exitOK, "-v", "--no-cache", "--cacert", cert, "URL/a")
	contains(t, said, "* TLS: 1.3, ", "protocol: h2\n", "; verified\n", "> GET /a HTTP/2\n> host: 127.0.0.1:", "> user-agent: freshet\n", "< HTTP/2 200 OK\n", "< content-length: ")
	_, said = w.run(exitOK, "-vk", "--http1.1", "--no-cache", "URL/a")
	contains(t, said, "; NOT verified\n", "> GET /a HTTP/1.1\n", "< HTTP/1.1 200 OK\n")
	_, said = w.run(exitOK, "-vk", "--http1.0", "--no-cache", "URL/a")
	contains(t, said, "> GET /a HTTP/1.0\n", "< HTTP/1.0 200 OK\n")
}

// The ways to a server.
func TestGetWays(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Host, r.RequestURI) })
	addr := w.srv.Listener.Addr().String()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "by socket") }))
	defer l.Close()
	for _, tt := range []struct {
		env  string
		args string
		want string
	}{
		{"", "--unix-socket " + socket + " http://any.test/", "by socket"},
		{"", "--unix-socket " + socket + " --http1.0 http://any.test/", "by socket"},
		{"http_proxy=http://" + addr, "--unix-socket " + socket + " http://any.test/", "by socket"},
		{"http_proxy=http://" + addr, "http://far.test/x", "far.test http://far.test/x"},
		{"all_proxy=" + addr, "http://far.test/x", "far.test http://far.test/x"},
		{"HTTP_PROXY=http://" + addr, "--resolve far.test:80:127.0.0.2 -m 5 --connect-to far.test:80:" + addr + " http://far.test/x", "far.test /x"},
		{"http_proxy=http://127.0.0.1:1", "-x  URL/x", addr + " /x"},
		{"http_proxy=http://127.0.0.1:1", "--noproxy * URL/x", addr + " /x"},
		{"http_proxy=http://127.0.0.1:1 no_proxy=127.0.0.0/8", "URL/x", addr + " /x"},
		{"http_proxy=http://127.0.0.1:1 NO_PROXY=other,127.0.0.1", "URL/x", addr + " /x"},
		{"http_proxy=http://127.0.0.1:1", "-x http://" + addr + " http://far.test/", "far.test http://far.test/"},
		{"", "-4 URL/x", addr + " /x"},
		{"", "-4 -6 URL/x", addr + " /x"},
	} {
		w.env = strings.Fields(tt.env)
		if got := w.get(append(strings.Split(tt.args, " "), "--no-cache")...); got != tt.want {
			t.Errorf("%s %s: %q, want %q", tt.env, tt.args, got, tt.want)
		}
	}
	w.env = nil
	w.run(getNoConnection, "-6", "URL/x")
	_, said := w.run(getNoConnection, "-x", "http://127.0.0.1:1", "URL/x")
	contains(t, said, "proxy http://127.0.0.1:1")
	w.run(getProxyUnknown, "-x", "http://none.invalid", "URL/x")
}

// A proxy that makes tunnels, and one that wants a login.
func TestGetByTunnel(t *testing.T) {
	w, cert, _ := newTLSWorld(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "inside") })
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic dTpw" {
			rw.Header().Set("Proxy-Authenticate", "Basic realm=p")
			http.Error(rw, "who are you", 407)
			return
		}
		there, err := net.Dial("tcp", w.srv.Listener.Addr().String())
		if err != nil {
			http.Error(rw, err.Error(), 502)
			return
		}
		here, _, _ := rw.(http.Hijacker).Hijack()
		io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(there, here); there.Close() }()
		io.Copy(here, there)
		here.Close()
	}))
	defer proxy.Close()
	for _, args := range []string{"-x URL -U u:p", "-x http://u:p@ADDR", "-x URL -U u:p --http1.1", "-x URL -U u:p --http1.0"} {
		args = strings.NewReplacer("URL", proxy.URL, "ADDR", proxy.Listener.Addr().String()).Replace(args)
		if got := w.get(append(strings.Fields(args), "--cacert", cert, "https://localhost:4443/", "--no-cache")...); got != "inside" {
			t.Errorf("%s: %q", args, got)
		}
	}
	_, said := w.run(getReceiveError, "-x", proxy.URL, "--cacert", cert, "https://localhost:4443/")
	contains(t, said, "proxy "+proxy.URL+" answered 407")
}

func TestExceptFrom(t *testing.T) {
	for _, tt := range []struct {
		list, host string
		want       bool
	}{
		{"*", "a.test", true}, {"a.test", "a.test", true}, {"a.test", "b.a.test", true}, {".a.test", "a.test", true}, {"A.test.", "x.a.TEST.", true},
		{"a.test", "xa.test", false}, {"a.test:80", "a.test", true}, {"a.test:81", "a.test", false}, {"", "a.test", false}, {"b,a.test", "a.test", true},
		{"10.0.0.0/8", "10.1.2.3", true}, {"10.0.0.0/8", "11.1.2.3", false}, {"::1", "::1", true}, {"[::1]", "::1", true}, {"127.0.0.1", "127.0.0.1", true},
		{"0.0.1", "127.0.0.1", false}, {"::ffff:10.0.0.1", "10.0.0.1", true},
	} {
		if got := exceptFrom(strings.Split(tt.list, ","), tt.host, "80"); got != tt.want {
			t.Errorf("%q %q: %v", tt.list, tt.host, got)
		}
	}
}

// Codings are undone when they were asked for, and only then.
func TestGetCompressed(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("content"))
	z.Close()
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept-Encoding")
		if r.URL.Path == "/broken" {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "this is no gzip")
			return
		}
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || r.URL.Path == "/anyway" {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped.Bytes())
			return
		}
		io.WriteString(w, "content")
	})
	for args, want := range map[string]string{
		"URL/": "content", "--compressed URL/": "content", "URL/anyway": zipped.String(),
		"-H Accept-Encoding:gzip URL/": zipped.String(), "--compressed URL/anyway": "content",
	} {
		if got := w.get(strings.Fields(args)...); got != want {
			t.Errorf("%s: %q", args, got)
		}
	}
	w.run(getBadCoding, "--compressed", "URL/broken")
}

// What is asked for with conditions; what waits for the server's word.
func TestGetConditions(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(304)
			return
		}
		w.Header().Set("Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT")
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, "new")
	})
	dir := t.TempDir()
	out := filepath.Join(dir, "f")
	w.get("-R", "-o", out, "URL/")
	info, err := os.Stat(out)
	if err != nil || info.ModTime().UTC().Format(time.RFC3339) != "2026-01-02T03:04:05Z" {
		t.Errorf("%v %v", info, err)
	}
	os.WriteFile(out, []byte("mine"), 0o600)
	os.Chtimes(out, time.Time{}, info.ModTime())
	w.requests()
	w.get("-z", out, "-o", out, "URL/", "--no-cache")
	if seen := w.requests(); seen[0].Header.Get("If-Modified-Since") != "Fri, 02 Jan 2026 03:04:05 GMT" || file(t, out) != "mine" {
		t.Errorf("%v %q", seen[0].Header, file(t, out))
	}
	for text, want := range map[string]string{
		"2026-01-02": "Fri, 02 Jan 2026 00:00:00 GMT", "2026-01-02T03:04:05+01:00": "Fri, 02 Jan 2026 02:04:05 GMT", "Fri, 02 Jan 2026 03:04:05 GMT": "Fri, 02 Jan 2026 03:04:05 GMT",
	} {
		name, value, err := timeCondition("-" + text)
		if name != "If-Unmodified-Since" || value != want || err != nil {
			t.Errorf("%s: %s %s %v", text, name, value, err)
		}
	}
	w.run(exitUsage, "-z", "some day", "URL/")

	big := filepath.Join(dir, "big")
	os.WriteFile(big, make([]byte, expectFrom+1), 0o600)
	for args, want := range map[string]string{"-T BIG URL/": "100-continue", "-T BIG -H Expect: URL/": "", "-T FILE URL/": "", "-T BIG --http1.0 URL/": ""} {
		w.get(strings.Fields(strings.NewReplacer("BIG", big, "FILE", out).Replace(args))...)
		if seen := w.requests(); len(seen) != 1 || seen[0].Header.Get("Expect") != want {
			t.Errorf("%s: %v", args, seen[0].Header)
		}
	}
	w.stdin = strings.NewReader("from standard input")
	w.get("-T", "-", "URL/")
	if seen := w.requests(); seen[0].ContentLength != -1 || seen[0].Method != "PUT" {
		t.Errorf("%+v", seen[0])
	}
}

// A rate is kept, and a signal ends everything.
func TestGetLimitAndStop(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			io.WriteString(w, "begin")
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		w.Write(make([]byte, 3000))
	})
	begun := time.Now()
	if got := w.get("--limit-rate", "10000", "URL/"); len(got) != 3000 || time.Since(begun) < 290*time.Millisecond {
		t.Errorf("%d bytes in %v", len(got), time.Since(begun))
	}
	p := start(t, "get", "--no-cache", w.srv.URL+"/slow", w.srv.URL+"/never")
	p.stdout.wait(t, "begin")
	p.signals <- os.Interrupt
	if status := p.wait(); status != getStopped {
		t.Errorf("status %d: %s", status, p.stderr)
	}
	if seen := w.requests(); slices.ContainsFunc(seen, func(r *http.Request) bool { return r.URL.Path == "/never" }) {
		t.Error("a further URL was fetched")
	}
}

// What --form says of a part, whatever it is, does not leave its field.
func FuzzForm(f *testing.F) {
	f.Add("a=b;type=c")
	f.Add(`a="b;c";filename="x\"y";headers=X: y`)
	f.Fuzz(func(t *testing.T, text string) {
		_, content, ok := strings.Cut(text, "=")
		if !ok || strings.HasPrefix(content, "@") || strings.HasPrefix(content, "<") {
			return
		}
		g := &getting{}
		b := &getBody{}
		if err := g.formPart(b, "BOUNDARY", false, text); err != nil {
			return
		}
		head, _, _ := bytes.Cut(b.parts[0].text, []byte("\r\n\r\n"))
		for line := range bytes.SplitSeq(head, []byte("\r\n")) {
			if bytes.ContainsAny(line, "\r\n") {
				t.Errorf("%q: %q", text, head)
			}
		}
		if n := bytes.Count(b.parts[0].text, []byte("\r\n\r\n")); n != 1 {
			t.Errorf("%q: %d ends of a head: %q", text, n, b.parts[0].text)
		}
	})
}
