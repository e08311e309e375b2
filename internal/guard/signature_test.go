package guard

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/digest"
	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/signature"
)

const batchSecret = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// signers are keys of all algorithms, made once.
var signers = sync.OnceValue(func() map[string]crypto.Signer {
	_, ed, err1 := ed25519.GenerateKey(rand.Reader)
	ec, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	pss, err3 := rsa.GenerateKey(rand.Reader, 2048)
	_, stranger, err4 := ed25519.GenerateKey(rand.Reader)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			panic(err)
		}
	}
	return map[string]crypto.Signer{"shop": ed, "bank": ec, "mill": pss, "stranger": stranger}
})

// pemOf is a public key as files have it.
func pemOf(t testing.TB, k crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// signingKey is a key to sign with; the id is what the signature says.
func signingKey(t testing.TB, id string, a signature.Algorithm, key any) *signature.Key {
	t.Helper()
	k, err := signature.NewKey(id, a, key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signedSite is a server that answers signed requests.
type signedSite struct {
	*Signature
	addr, keys string
	now        atomic.Int64
	records    chan httpd.Record
	faults     chan error
	seen       atomic.Value // what the handler got, in words
}

func (s *signedSite) Record(r *httpd.Record) { s.records <- *r }

func newSignedSite(t testing.TB, change func(*SignatureOptions)) *signedSite {
	t.Helper()
	dir := t.TempDir()
	for id, k := range signers() {
		if err := os.WriteFile(filepath.Join(dir, id+".pub"), pemOf(t, k), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &signedSite{keys: filepath.Join(dir, "signers.keys"), records: make(chan httpd.Record, 64), faults: make(chan error, 64)}
	lines := "# name algorithm key\nshop ed25519 shop.pub\n\nbank ecdsa-p256-sha256 bank.pub\nmill rsa-pss-sha512 mill.pub\nbatch hmac-sha256 " + batchSecret + "\n"
	if err := os.WriteFile(s.keys, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s.now.Store(1_800_000_000 * second)
	o := SignatureOptions{Keys: s.keys, Now: s.now.Load, Replays: NewReplays(s.now.Load() - 600*second)}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Signature, err = OpenSignature(o, func(err error) { s.faults <- err }); err != nil {
		t.Fatal(err)
	}
	s.seen.Store("")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		by := who.Of(r)
		s.seen.Store(fmt.Sprintf("%s %s by %s %s, %d %q %v, %v %v", r.Method, r.RequestURI, by.Method, by.Name, r.ContentLength, body, err, r.Trailer, r.Header["Signature-Input"]))
	})
	srv := &httpd.Server{Handler: Handler(handler, s.Signature), Sink: s, ErrorLog: log.New(io.Discard, "", 0)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-done
	})
	s.addr = l.Addr().String()
	return s
}

// outgoing is a request on its way.
type outgoing struct {
	method, target, host string
	fields               []string
	body                 string
	chunked              bool
	trailers             string // of a chunked body
	authority            string // that the signature is about; "": the host
}

func (q *outgoing) header() http.Header {
	h := http.Header{}
	for _, line := range q.fields {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

var nonces atomic.Int64

// signed adds a digest of the body, and a signature that is made at the time of p.
func (q outgoing) signed(t testing.TB, k *signature.Key, p signature.Params) outgoing {
	t.Helper()
	q.fields = slices.Clone(q.fields)
	if q.body != "" && q.header().Get("Content-Digest") == "" {
		q.fields = append(q.fields, "Content-Digest: "+digest.Of(digest.SHA256, []byte(q.body)).String())
	}
	if p.Components == nil {
		p.Components = []string{"@method", "@target-uri"}
		if q.body != "" {
			p.Components = append(p.Components, "content-digest")
		}
	}
	m := &signature.Message{Method: q.method, Scheme: "http", Authority: q.host, Target: q.target, Header: q.header()}
	if q.authority != "" {
		m.Authority = q.authority
	}
	if p.Nonce == "" {
		p.Nonce = fmt.Sprint("n", nonces.Add(1))
	}
	s, err := signature.Sign(m, k, p)
	if err != nil {
		t.Fatal(err)
	}
	q.fields = append(q.fields, "Signature-Input: "+s.Input, "Signature: "+s.Signature)
	return q
}

// text is the request as it is sent.
func (q *outgoing) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, q.target, q.host)
	for _, line := range q.fields {
		b.WriteString(line + "\r\n")
	}
	switch {
	case q.chunked:
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n")
		if q.body != "" {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(q.body), q.body)
		}
		b.WriteString("0\r\n" + q.trailers + "\r\n")
	case q.body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(q.body), q.body)
	default:
		b.WriteString("\r\n")
	}
	return b.String()
}

// send sends a request on a connection of its own, and returns the head of the
// answer, and by which rule it was refused.
func (s *signedSite) send(t testing.TB, q outgoing) (*http.Response, rule.ID) {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.seen.Store("")
	if _, err := io.WriteString(c, q.text()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	rec := <-s.records
	if rec.Rule.Group() != rule.Guard && resp.StatusCode == 200 {
		return resp, 0
	}
	return resp, rec.Rule
}

func (s *signedSite) at(seconds int) time.Time {
	return time.Unix(0, s.now.Load()).Add(time.Duration(seconds) * time.Second)
}

// TestSignature: what is signed by each algorithm passes, once, and the handler is
// told by whom.
func TestSignature(t *testing.T) {
	s := newSignedSite(t, nil)
	secret, _ := secretKey("batch", batchSecret)
	for _, k := range []*signature.Key{
		signingKey(t, "shop", signature.Ed25519, signers()["shop"]), signingKey(t, "bank", signature.ECDSAP256, signers()["bank"]),
		signingKey(t, "mill", signature.RSAPSS, signers()["mill"]), secret,
	} {
		for i, q := range []outgoing{
			{method: "GET", target: "/a?x=1", host: "shop.example"},
			{method: "POST", target: "/a", host: "shop.example", body: "two eggs"},
			{method: "PUT", target: "/b", host: "shop.example", body: strings.Repeat("long ", 1<<16), chunked: true, trailers: "X-Unsigned: 1\r\n"},
			{method: "POST", target: "http://shop.example/absolute", host: "shop.example", body: "x"},
		} {
			q = q.signed(t, k, signature.Params{Created: s.at(-i), Alg: i == 1})
			resp, _ := s.send(t, q)
			want := fmt.Sprintf("%s %s by Signature %s, %d %q <nil>, map[] []", q.method, q.target, k.ID(), len(q.body), q.body)
			if got := s.seen.Load(); resp.StatusCode != 200 || got != want {
				t.Errorf("%s, %d: %d, the handler saw %.200s, want %.200s", k.ID(), i, resp.StatusCode, got, want)
			}
			if resp, id := s.send(t, q); resp.StatusCode != 401 || id != rule.SignatureReplayed || s.seen.Load() != "" {
				t.Errorf("%s, %d: once more: %d, %v", k.ID(), i, resp.StatusCode, id)
			}
		}
	}
	// Both of two may be right; the other one stays, for who stands behind.
	shop, bank := signingKey(t, "shop", signature.Ed25519, signers()["shop"]), signingKey(t, "elsewhere", signature.ECDSAP256, signers()["bank"])
	q := outgoing{method: "GET", target: "/two", host: "h"}.signed(t, bank, signature.Params{Created: s.at(0), Label: "other"})
	q = q.signed(t, shop, signature.Params{Created: s.at(0), Label: "mine"})
	if resp, id := s.send(t, q); resp.StatusCode != 200 || !strings.Contains(s.seen.Load().(string), "[other=(") || strings.Contains(s.seen.Load().(string), "mine") {
		t.Errorf("two signatures: %d, %v, %s", resp.StatusCode, id, s.seen.Load())
	}
}

// TestSignatureAttacks: nothing of this passes, and no handler sees it.
func TestSignatureAttacks(t *testing.T) {
	s := newSignedSite(t, func(o *SignatureOptions) { o.MaxBody = 1 << 20 })
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	get := outgoing{method: "GET", target: "/a?x=1&y=2", host: "shop.example"}
	post := outgoing{method: "POST", target: "/a", host: "shop.example", body: "two eggs"}
	now := signature.Params{Created: s.at(0)}
	publicPEM := pemOf(t, signers()["shop"])
	confused := signingKey(t, "shop", signature.HMAC, publicPEM[28:]) // not the text itself, which no key is made of
	edit := func(q outgoing, change func(*outgoing)) outgoing {
		q.fields = slices.Clone(q.fields)
		change(&q)
		return q
	}
	replace := func(q outgoing, was, is string) outgoing {
		return edit(q, func(q *outgoing) {
			for i := range q.fields {
				q.fields[i] = strings.Replace(q.fields[i], was, is, 1)
			}
		})
	}
	for _, tt := range []struct {
		name string
		q    outgoing
		want rule.ID
	}{
		{"unsigned", get, rule.SignatureMissing},
		{"forged", replace(get.signed(t, shop, now), "sig1=:", "sig1=:AAAA"), rule.SignatureBad},
		{"cut", edit(get.signed(t, shop, now), func(q *outgoing) { q.fields[1] = q.fields[1][:40] + ":" }), rule.SignatureBad},
		{"cut within the field", edit(get.signed(t, shop, now), func(q *outgoing) { q.fields[1] = q.fields[1][:40] }), rule.SignatureMalformed},
		{"without Signature", edit(get.signed(t, shop, now), func(q *outgoing) { q.fields = q.fields[:1] }), rule.SignatureMalformed},
		{"without Signature-Input", edit(get.signed(t, shop, now), func(q *outgoing) { q.fields = q.fields[1:] }), rule.SignatureMalformed},
		{"another's key", get.signed(t, signingKey(t, "shop", signature.Ed25519, signers()["stranger"]), now), rule.SignatureBad},
		{"a stranger", get.signed(t, signingKey(t, "stranger", signature.Ed25519, signers()["stranger"]), now), rule.SignatureKey},
		{"no keyid", get.signed(t, signingKey(t, "", signature.Ed25519, signers()["shop"]), now), rule.SignatureKey},
		{"keyid of another algorithm", get.signed(t, signingKey(t, "bank", signature.Ed25519, signers()["shop"]), now), rule.SignatureBad},
		{"the same, said", get.signed(t, signingKey(t, "bank", signature.Ed25519, signers()["shop"]), signature.Params{Created: s.at(0), Alg: true}), rule.SignatureAlgorithm},
		{"HMAC with the public key", get.signed(t, confused, now), rule.SignatureBad},
		{"the same, said", get.signed(t, confused, signature.Params{Created: s.at(0), Alg: true}), rule.SignatureAlgorithm},
		{"alg changed", replace(get.signed(t, shop, signature.Params{Created: s.at(0), Alg: true}), `alg="ed25519"`, `alg="hmac-sha256"`), rule.SignatureAlgorithm},
		{"created changed", replace(get.signed(t, shop, now), "created=18", "created=17"), rule.SignatureExpired},
		{"too old", get.signed(t, shop, signature.Params{Created: s.at(-331)}), rule.SignatureExpired},
		{"in the future", get.signed(t, shop, signature.Params{Created: s.at(31)}), rule.SignatureNotYet},
		{"over", get.signed(t, shop, signature.Params{Created: s.at(-60), Expires: s.at(-31)}), rule.SignatureExpired},
		{"undated", get.signed(t, shop, signature.Params{}), rule.SignatureParameter},
		{"undated, with an end", get.signed(t, shop, signature.Params{Expires: s.at(60)}), rule.SignatureParameter},
		{"method uncovered", get.signed(t, shop, signature.Params{Created: s.at(0), Components: []string{"@target-uri"}}), rule.SignatureUncovered},
		{"query uncovered", get.signed(t, shop, signature.Params{Created: s.at(0), Components: []string{"@method", "@authority", "@path"}}), rule.SignatureUncovered},
		{"nothing covered", get.signed(t, shop, signature.Params{Created: s.at(0), Components: []string{}}), rule.SignatureUncovered},
		{"body uncovered", post.signed(t, shop, signature.Params{Created: s.at(0), Components: []string{"@method", "@target-uri"}}), rule.SignatureUncovered},
		{"another method", edit(get.signed(t, shop, now), func(q *outgoing) { q.method = "DELETE" }), rule.SignatureBad},
		{"another path", edit(get.signed(t, shop, now), func(q *outgoing) { q.target = "/b?x=1&y=2" }), rule.SignatureBad},
		{"another spelling of it", edit(get.signed(t, shop, now), func(q *outgoing) { q.target = "/%61?x=1&y=2" }), rule.SignatureBad},
		{"query in another order", edit(get.signed(t, shop, now), func(q *outgoing) { q.target = "/a?y=2&x=1" }), rule.SignatureBad},
		{"another host", edit(get.signed(t, shop, now), func(q *outgoing) { q.host = "bank.example" }), rule.SignatureBad},
		{"absolute form of another host", edit(get.signed(t, shop, now), func(q *outgoing) { q.target = "http://bank.example" + q.target }), rule.SignatureBad},
		{"absolute form in https", edit(get.signed(t, shop, now), func(q *outgoing) { q.target = "https://shop.example" + q.target }), rule.SignatureBad},
		{"a proxy that says it was https", edit(get.signed(t, shop, now), func(q *outgoing) {
			q.fields = append(q.fields, "X-Forwarded-Proto: https", "X-Forwarded-Host: bank.example")
			q.host = "bank.example"
		}), rule.SignatureBad},
		{"components swapped", replace(get.signed(t, shop, now), `"@method" "@target-uri"`, `"@target-uri" "@method"`), rule.SignatureBad},
		{"a component twice", replace(get.signed(t, shop, now), `"@method"`, `"@method" "@method"`), rule.SignatureComponent},
		{"a component more", replace(get.signed(t, shop, now), `"@method"`, `"@method" "@path"`), rule.SignatureBad},
		{"a component that is not there", replace(get.signed(t, shop, now), `"@method"`, `"@method" "x-none"`), rule.SignatureComponent},
		{"two labels of one name", edit(get.signed(t, shop, now), func(q *outgoing) { q.fields = append(q.fields, q.fields[0]) }), rule.SignatureMalformed},
		{"two signatures of one label", edit(get.signed(t, shop, now), func(q *outgoing) { q.fields = append(q.fields, q.fields[1]) }), rule.SignatureMalformed},
		{"labels exchanged", edit(edit(get.signed(t, shop, now), func(q *outgoing) { q.method = "PUT" }).signed(t, shop, signature.Params{Label: "b", Created: s.at(0)}), func(q *outgoing) {
			q.method = "PATCH"
			q.fields[1], q.fields[3] = strings.Replace(q.fields[1], "sig1", "b", 1), strings.Replace(q.fields[3], "b=", "sig1=", 1)
		}), rule.SignatureBad},
		{"nine signatures", edit(get.signed(t, shop, now), func(q *outgoing) {
			for i := range 8 {
				q.fields = append(q.fields, fmt.Sprintf("Signature-Input: s%d=()", i), fmt.Sprintf("Signature: s%d=:AAAA:", i))
			}
		}), rule.SignatureMalformed},
		{"another body", edit(post.signed(t, shop, now), func(q *outgoing) { q.body = "six eggs" }), rule.SignatureBody},
		{"a body that was cut", edit(post.signed(t, shop, now), func(q *outgoing) { q.body = "two egg" }), rule.SignatureBody},
		{"another body and its digest", edit(post.signed(t, shop, now), func(q *outgoing) {
			q.body = "six eggs"
			q.fields[0] = "Content-Digest: " + digest.Of(digest.SHA256, []byte(q.body)).String()
		}), rule.SignatureBad},
		{"another body, and a digest beside the one that is covered", edit(post.signed(t, shop, signature.Params{Created: s.at(0), Components: []string{"@method", "@target-uri", `"content-digest";key="sha-256"`}}), func(q *outgoing) {
			q.body = "six eggs"
			q.fields = append(q.fields, "Content-Digest: "+digest.Of(digest.SHA512, []byte(q.body)).String())
		}), rule.SignatureBody},
		{"a digest that nobody can compare is covered", edit(edit(post, func(q *outgoing) {
			q.fields = append(q.fields, "Content-Digest: sha-256=?1")
		}).signed(t, shop, signature.Params{Created: s.at(0), Components: []string{"@method", "@target-uri", `"content-digest";key="sha-256"`}}), func(q *outgoing) {
			q.fields = append(q.fields, "Content-Digest: "+digest.Of(digest.SHA512, []byte(q.body)).String())
		}), rule.SignatureBody},
		{"a digest of MD5 alone", edit(post, func(q *outgoing) {
			q.fields = append(q.fields, "Content-Digest: md5=:Sd/dVLAcvNLSq16eXua5uQ==:")
		}).signed(t, shop, now), rule.SignatureBody},
		{"a body where none was signed", edit(get.signed(t, shop, now), func(q *outgoing) { q.body = "x" }), rule.SignatureUncovered},
		{"no body where one was signed", edit(post.signed(t, shop, now), func(q *outgoing) { q.body = "" }), rule.SignatureBody},
		{"an empty chunked body where one was signed", edit(post.signed(t, shop, now), func(q *outgoing) { q.body, q.chunked = "", true }), rule.SignatureBody},
		{"a long body", edit(post, func(q *outgoing) { q.body = strings.Repeat("x", 1<<20+1) }).signed(t, shop, now), rule.SignatureBodyTooLarge},
		{"a long chunked body", edit(post, func(q *outgoing) { q.body, q.chunked = strings.Repeat("x", 1<<20+1), true }).signed(t, shop, now), rule.SignatureBodyTooLarge},
		{"signed in trailers", edit(post.signed(t, shop, now), func(q *outgoing) {
			q.chunked, q.trailers = true, q.fields[1]+"\r\n"+q.fields[2]+"\r\n"
			q.fields = append(q.fields[:1], "Trailer: Signature, Signature-Input")
		}), rule.SignatureMissing},
		{"digest in trailers", edit(post.signed(t, shop, now), func(q *outgoing) {
			q.chunked, q.trailers = true, q.fields[0]+"\r\n"
			q.fields = q.fields[1:]
		}), rule.SignatureComponent},
		{"made before anything was remembered", get.signed(t, shop, signature.Params{Created: s.at(-601)}), rule.SignatureExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, id := s.send(t, tt.q)
			if id != tt.want || resp.StatusCode != rule.Of(tt.want).Status || s.seen.Load() != "" {
				t.Fatalf("%d, %v, want %v; the handler saw %q", resp.StatusCode, id, tt.want, s.seen.Load())
			}
			asked, err := signature.ParseAccept(resp.Header["Accept-Signature"])
			if resp.StatusCode == 401 && (err != nil || len(asked) != 1 || !asked[0].Created || asked[0].Components[1] != `"@authority"` || resp.Header.Get("WWW-Authenticate") != "Signature") ||
				resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v: %v", resp.Header, err)
			}
		})
	}
	// What is asked for does, to the letter.
	resp, _ := s.send(t, post)
	asked, err := signature.ParseAccept(resp.Header["Accept-Signature"])
	if err != nil || len(asked) != 1 {
		t.Fatal(err)
	}
	if resp, id := s.send(t, post.signed(t, shop, signature.Params{Label: asked[0].Label, Components: asked[0].Components, Created: s.at(0)})); resp.StatusCode != 200 {
		t.Errorf("what is asked for: %d, %v", resp.StatusCode, id)
	}
}

// TestSignatureNoFolder: where no body can be kept aside, somebody is told why.
func TestSignatureNoFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its temporary folder is not that of TMPDIR")
	}
	told := make(chan error, 1)
	s := newSignedSite(t, func(o *SignatureOptions) { o.Unkept = func(err error) { told <- err } })
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	q := outgoing{method: "POST", target: "/", host: "h", body: strings.Repeat("x", 100<<10)}
	resp, id := s.send(t, q.signed(t, shop, signature.Params{Created: s.at(0)}))
	if resp.StatusCode != 503 || id != rule.SignatureRoom {
		t.Error(resp.Status, id)
	}
	select {
	case err := <-told:
		if !os.IsNotExist(err) {
			t.Error(err)
		}
	default:
		t.Error("nobody is told")
	}
}

// A request that is refused over its body has used up nothing: the same one passes
// when it comes whole, or when there is room, and is refused again for what was wrong.
func TestSignatureBodyRefused(t *testing.T) {
	s := newSignedSite(t, func(o *SignatureOptions) { o.MaxBody = 200 << 10 })
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	send := func(what string, q outgoing, want rule.ID) {
		t.Helper()
		resp, id := s.send(t, q)
		if id != want || (resp.StatusCode == 200) != (want == 0) {
			t.Errorf("%s: %d, %v, want %v", what, resp.StatusCode, id, want)
		}
	}
	long := outgoing{method: "POST", target: "/", host: "h", body: strings.Repeat("x", 300<<10)}.signed(t, shop, signature.Params{Created: s.at(0)})
	for _, long.chunked = range []bool{false, true} {
		send("too long", long, rule.SignatureBodyTooLarge)
		send("too long again", long, rule.SignatureBodyTooLarge)
	}

	q := outgoing{method: "POST", target: "/", host: "h", body: strings.Repeat("x", 100<<10)}.signed(t, shop, signature.Params{Created: s.at(0)})
	other := q
	other.body = "y" + q.body[1:]
	send("another body", other, rule.SignatureBody)
	if n := s.o.Replays.Len(); n != 0 {
		t.Errorf("%d are remembered", n)
	}
	if runtime.GOOS != "windows" { // its temporary folder is not that of TMPDIR
		had := os.Getenv("TMPDIR")
		t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
		send("no room", q, rule.SignatureRoom)
		t.Setenv("TMPDIR", had)
	}
	text := q.text()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, text[:len(text)-10])
	c.Close()
	<-s.records // it broke off
	send("whole", q, 0)
	send("whole again", q, rule.SignatureReplayed)
	send("another body, after it was used", other, rule.SignatureReplayed)
}
