package signing

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
	"freshet/signature"
)

// Options say what signatures cover and say. The zero value covers the method,
// the address and the body, and says when it was made, by which key, and a nonce.
type Options struct {
	// Components are covered, as signature.ParseComponent reads them. None means
	// @method, @authority, @path and @query: servers behind a proxy that ends TLS
	// do not know the scheme, which @target-uri has; and of remote-user and
	// client-cert what the request has. content-digest is covered whenever there
	// is a body.
	Components []string

	Label   string        // "": sig1, or the next one that no other signature has
	Tag     string        // "": none
	Expires time.Duration // how long it is good; 0: it does not say
	Alg     bool          // it says by which algorithm

	Now   func() time.Time // nil: time.Now
	Nonce func() string    // nil: 16 octets by chance
}

var defaultComponents = []string{"@method", "@authority", "@path", "@query"}

// Signer signs requests with a key. It may be used by many goroutines at once.
type Signer struct {
	key *signature.Key
	o   Options
}

// New returns a signer. The error says what is wrong with the options, or that
// the key cannot sign.
func New(key *signature.Key, o Options) (*Signer, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Nonce == nil {
		o.Nonce = nonce
	}
	s := &Signer{key, o}
	// Components that are of this request and not of another show when it is
	// signed; what can never be shows here.
	asked := signature.Asked{Label: o.Label, Components: o.Components, Tag: o.Tag}
	if asked.Label == "" {
		asked.Label = "sig1"
	}
	if _, err := asked.Append(nil); err != nil {
		return nil, err
	}
	if !key.CanSign() {
		return nil, errors.New("signature: the key is only for verifying")
	}
	return s, nil
}

func nonce() string {
	var b [16]byte
	rand.Read(b[:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Key is what it signs with.
func (s *Signer) Key() *signature.Key { return s.key }

// Sign adds a signature to a request that is to be sent, whose fields are not
// changed any more. With a body it needs its Content-Digest; see Body.
func (s *Signer) Sign(r *http.Request) error {
	m := message(r)
	now := s.o.Now()
	p := signature.Params{Label: s.label(r), Components: s.components(r), Created: now, Nonce: s.o.Nonce(), Tag: s.o.Tag, Alg: s.o.Alg}
	if s.o.Expires > 0 {
		p.Expires = now.Add(s.o.Expires)
	}
	signed, err := signature.Sign(m, s.key, p)
	if err != nil {
		return err
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Add("Signature-Input", signed.Input)
	r.Header.Add("Signature", signed.Signature)
	return nil
}

func (s *Signer) components(r *http.Request) []string {
	all := s.o.Components
	if all == nil {
		all = defaultComponents
	}
	for _, name := range [...]string{"remote-user", "client-cert"} { // who origins are told it is
		if r.Header.Values(name) != nil && s.o.Components == nil {
			all = append(slices.Clip(all), name)
		}
	}
	if hasBody(r) && !slices.Contains(all, `"content-digest"`) && !slices.Contains(all, "content-digest") {
		all = append(slices.Clip(all), "content-digest")
	}
	return all
}

// label is that of the next signature of a request: sig1, or the first such one
// that no other signature has, for what is passed on may have been signed before.
func (s *Signer) label(r *http.Request) string {
	if s.o.Label != "" {
		return s.o.Label
	}
	taken := map[string]bool{}
	for _, name := range [...]string{"Signature-Input", "Signature"} {
		members, _ := field.ParseDictionary(r.Header[name]) // Sign tells of a malformed one
		for i := range members {
			taken[members[i].Key] = true
		}
	}
	label := "sig1"
	for n := 2; taken[label]; n++ {
		label = "sig" + strconv.Itoa(n)
	}
	return label
}

// Base returns what was signed last, for people who look for what differs.
func (s *Signer) Base(r *http.Request) ([]byte, error) {
	lines := r.Header["Signature-Input"]
	if len(lines) == 0 {
		return nil, errUnsigned
	}
	label, _, _ := strings.Cut(lines[len(lines)-1], "=")
	return signature.Base(message(r), label)
}

var errUnsigned = errors.New("signature: the request has none")

// message is a request as it will be sent.
func message(r *http.Request) *signature.Message {
	m := &signature.Message{
		Method: r.Method, Scheme: r.URL.Scheme, Authority: r.Host, Target: r.URL.RequestURI(), Header: signature.Header(r.Header), HasBody: hasBody(r),
	}
	if m.Method == "" {
		m.Method = http.MethodGet
	}
	if m.Authority == "" {
		m.Authority = r.URL.Host
	}
	return m
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }
