package guard

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/digest"
	"freshet/internal/field"
	"freshet/internal/follow"
	"freshet/internal/gateway"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
	"freshet/signature"
)

// DefaultSignedBody is how long a signed body may be, in octets.
const DefaultSignedBody = 16 << 20

// SignatureOptions say which signatures are good. The zero value of all but Keys
// and Replays is the default.
type SignatureOptions struct {
	// Keys is a file, or a folder, of keys; see docs/signatures.md. It is read
	// again when it, or a file that it names, has changed.
	Keys string

	Required   []string              // components that have to be covered; see signature.Policy
	MaxAge     time.Duration         // since created; 0: signature.DefaultMaxAge
	Label, Tag string                // only such signatures are looked at; "": all
	Algorithms []signature.Algorithm // which may be used; nil: any

	MaxBody int64          // octets of a body; 0: DefaultSignedBody
	Files   *gateway.Files // bounds bodies that are kept aside; nil: they are not counted

	// Replays has the signatures that were used; nil lets one be used again
	// while it is good. MaxReplays is how many it may have; 0: DefaultReplays.
	Replays    *Replays
	MaxReplays int

	Now func() int64 // nanoseconds since 1970; nil: the system's clock

	// Unkept is told why a body could not be kept aside, such as that a disk is
	// full; nil tells nobody.
	Unkept func(error)
}

// Signature lets requests pass that are signed (RFC 9421) with a key that it
// knows. A body has to be covered, by its Content-Digest, and is read and
// compared before the request goes on: nobody acts upon a body that was not
// signed. What goes on has that body, and no trailers, which nobody has signed.
type Signature struct {
	o      SignatureOptions
	policy signature.Policy
	keys   *follow.File[signatureRing]
}

// OpenSignature returns a guard. failed is told when keys that have changed
// cannot be read; those that there were go on.
func OpenSignature(o SignatureOptions, failed func(error)) (*Signature, error) {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultSignedBody
	}
	if o.MaxReplays <= 0 {
		o.MaxReplays = DefaultReplays
	}
	if o.Replays != nil {
		o.Replays.allow(o.MaxReplays)
	}
	g := &Signature{o: o, policy: signature.Policy{
		Label: o.Label, Tag: o.Tag, Required: o.Required, MaxAge: o.MaxAge, Algorithms: o.Algorithms,
	}}
	var err error
	g.keys, err = follow.OpenFiles(o.Keys, func(path string) (*signatureRing, []string, error) {
		ring, read, err := readSignatureKeys(path)
		if g.keys != nil && isEmptied(err) {
			failed(fmt.Errorf("%w; nobody passes until there is one", err))
			return &signatureRing{}, read, nil
		}
		return &ring, read, err
	}, failed)
	if err != nil {
		return nil, err
	}
	asked := g.asked(false)
	if _, err := asked.Append(nil); err != nil {
		return nil, err
	}
	return g, nil
}

// signatureRules are the rules of verdicts.
var signatureRules = [...]rule.ID{
	signature.None:               rule.SignatureMissing,
	signature.Verified:           0,
	signature.Malformed:          rule.SignatureMalformed,
	signature.DuplicateLabel:     rule.SignatureMalformed,
	signature.Unpaired:           rule.SignatureMalformed,
	signature.TooMany:            rule.SignatureMalformed,
	signature.NoParameter:        rule.SignatureParameter,
	signature.NotYet:             rule.SignatureNotYet,
	signature.Expired:            rule.SignatureExpired,
	signature.UnknownKey:         rule.SignatureKey,
	signature.AlgorithmMismatch:  rule.SignatureAlgorithm,
	signature.AlgorithmRefused:   rule.SignatureAlgorithm,
	signature.ComponentUncovered: rule.SignatureUncovered,
	signature.ComponentMissing:   rule.SignatureComponent,
	signature.BadSignature:       rule.SignatureBad,
}

func (g *Signature) now() int64 {
	if g.o.Now != nil {
		return g.o.Now()
	}
	return time.Now().UnixNano()
}

// verifiers are for whichever request comes next.
var verifiers = sync.Pool{New: func() any { return new(signature.Verifier) }}

// verify looks at the head of a request. Of several signatures that are right the
// first one lets it pass; others are the rest.
func (g *Signature) verify(r *http.Request, now int64) (v signature.Verdict, others []signature.Verdict) {
	m := signature.Message{
		Method: r.Method, Scheme: "http", Authority: r.Host, Target: r.RequestURI,
		Header: signature.Header(r.Header), HasBody: r.ContentLength != 0,
	}
	if r.TLS != nil {
		m.Scheme = "https"
	}
	if m.Target == "" {
		m.Target = r.URL.RequestURI() // a question, and no request that came
	}
	keys, at := g.keys.Current(now).key, time.Unix(0, now)
	w := verifiers.Get().(*signature.Verifier)
	defer verifiers.Put(w)
	v = w.Verify(&m, keys, &g.policy, at)
	if v.Outcome != signature.Verified || g.o.Replays == nil {
		return v, nil
	}
	return besides(v, &m, r.Header["Signature-Input"], keys, g.policy, at)
}

// besides looks at the signatures of a message besides the first one that is right:
// with each of them alone it could be sent again. Labels are not signed: one that is
// not asked for could be another's tomorrow.
func besides(v signature.Verdict, m *signature.Message, lines []string, keys signature.Keys, p signature.Policy, at time.Time) (signature.Verdict, []signature.Verdict) {
	if len(lines) == 1 && !strings.Contains(lines[0], ",") {
		return v, nil
	}
	inputs, _ := field.ParseMembers(lines)
	var others []signature.Verdict
	for i := range inputs {
		if inputs[i].Key == v.Label {
			continue
		}
		p.Label = inputs[i].Key
		other := signature.Verify(m, keys, &p, at)
		if other.Outcome == signature.NotYet {
			// It will be right, when the first one is forgotten: that is none to let pass.
			later := p
			later.Skew = math.MaxInt64
			if signature.Verify(m, keys, &later, at).Outcome == signature.Verified {
				return other, nil
			}
		}
		if other.Outcome == signature.Verified {
			others = append(others, other)
		}
	}
	return v, others
}

// Check implements Guard.
func (g *Signature) Check(fields http.Header, r *http.Request) (*http.Request, rule.ID) {
	now := g.now()
	v, others := g.verify(r, now)
	refused := signatureRules[v.Outcome]
	if refused == 0 {
		// Before the body is read: of two that come at once one is too many, also
		// while it is read.
		refused = g.sighted(&v, others, now, (*Replays).add)
	}
	on := r
	if refused == 0 {
		on, refused = g.withBody(passed(r, &v), &v)
		if refused != 0 && g.o.Replays != nil {
			g.o.Replays.takeBack(&v, others...) // nobody has acted upon it
		}
	}
	switch rule.Of(refused).Status {
	case http.StatusUnauthorized:
		g.ask(fields, r)
		if refused == rule.SignatureTooEarly {
			if wait := g.o.Replays.wait(&v, now/int64(time.Second)); wait > 0 {
				fields.Set("Retry-After", strconv.FormatInt(wait, 10))
			}
		}
	case http.StatusServiceUnavailable:
		fields.Set("Retry-After", "10")
	}
	if refused != 0 {
		return nil, refused
	}
	return on, 0
}

// sighted asks the table whether a signature was used, or another of its message.
func (g *Signature) sighted(v *signature.Verdict, others []signature.Verdict, now int64, look func(*Replays, *signature.Verdict, int64, int, ...signature.Verdict) sighting) rule.ID {
	if g.o.Replays == nil {
		return 0
	}
	switch look(g.o.Replays, v, now/int64(time.Second), g.o.MaxReplays, others...) {
	case seen:
		return rule.SignatureReplayed
	case beforeBegan:
		return rule.SignatureTooEarly
	case noRoom:
		return rule.SignatureRoom
	}
	return 0
}

// withBody returns a request whose body is the one that was signed.
func (g *Signature) withBody(r *http.Request, v *signature.Verdict) (*http.Request, rule.ID) {
	if !v.CoversDigest() {
		return r, 0 // there is no body, or it would have to be covered
	}
	var check digest.Checker
	said, err := digest.Parse(r.Header["Content-Digest"])
	if err != nil {
		return nil, rule.SignatureBody
	}
	for _, d := range said.Digests {
		if v.CoversDigestBy(d.Algorithm.String()) {
			check.Add("Content-Digest", d)
		}
	}
	if check.Idle() {
		return nil, rule.SignatureBody
	}
	if r.ContentLength > g.o.MaxBody {
		return nil, rule.SignatureBodyTooLarge
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	kept, fault := gateway.Spool(io.TeeReader(r.Body, &check), gateway.SpoolOptions{Most: g.o.MaxBody, Files: g.o.Files})
	if fault != nil {
		switch fault.Rule {
		case rule.ScriptBodyTooLarge:
			return nil, rule.SignatureBodyTooLarge
		case rule.ScriptSpoolFailed:
			if g.o.Unkept != nil {
				g.o.Unkept(fault.Err)
			}
			return nil, rule.SignatureRoom
		case rule.ScriptClientGone:
			return nil, rule.ClientGone
		}
		return nil, fault.Rule
	}
	if check.Verdict().Outcome != digest.Right {
		kept.Close()
		return nil, rule.SignatureBody
	}
	r.ContentLength, r.TransferEncoding, r.Trailer = kept.Size, nil, nil
	if kept.Size == 0 {
		kept.Close()
		r.Body = http.NoBody
		return r, 0
	}
	r.Body = &signedBody{kept.Reader(), kept}
	return r, 0
}

// signedBody is a body that was compared with what was signed.
type signedBody struct {
	io.Reader
	kept *gateway.Spooled
}

// Close implements io.Closer.
func (b *signedBody) Close() error {
	b.kept.Close()
	return nil
}

// passed returns a copy of a request as its key's, without the signature that has
// proved it; others may be for who stands behind. Where one of the two fields cannot be
// written without it, neither goes on.
func passed(r *http.Request, v *signature.Verdict) *http.Request {
	on := who.On(r, &who.Who{Name: v.KeyID, Method: "Signature"})
	input, ok1 := withoutMember(on.Header["Signature-Input"], v.Label)
	sig, ok2 := withoutMember(on.Header["Signature"], v.Label)
	if !ok1 || !ok2 {
		delete(on.Header, "Signature-Input")
		delete(on.Header, "Signature")
		return on
	}
	on.Header["Signature-Input"], on.Header["Signature"] = []string{input}, []string{sig}
	return on
}

// withoutMember returns a dictionary without those of a key; ok is false when nothing
// is left of it, or nothing that can be written.
func withoutMember(lines []string, key string) (value string, ok bool) {
	members, ok := field.ParseMembers(lines)
	if !ok {
		return "", false
	}
	rest := slices.DeleteFunc(members, func(m field.Member) bool { return m.Key == key })
	b, ok := field.AppendMembers(nil, rest)
	return string(b), ok && len(rest) > 0
}

// ask says with a refusal which signature would do (RFC 9421 §5). A 401 has to
// have a challenge (RFC 9110 §15.5.2), and no scheme is registered for
// signatures: the name of the field says what is meant.
func (g *Signature) ask(fields http.Header, r *http.Request) {
	a := g.asked(r.ContentLength != 0)
	if b, err := a.Append(nil); err == nil {
		fields.Set("Accept-Signature", string(b))
	}
	fields.Add("WWW-Authenticate", "Signature")
}

// asked is a signature that would do, of a request with a body or without.
func (g *Signature) asked(body bool) signature.Asked {
	a := signature.Asked{Label: g.o.Label, Components: g.o.Required, Created: true, Tag: g.o.Tag}
	if a.Label == "" {
		a.Label = "sig1"
	}
	if a.Components == nil {
		a.Components = []string{"@method", "@authority", "@path", "@query"} // whoever ends TLS
	}
	if body && !slices.Contains(a.Components, "content-digest") {
		a.Components = append(slices.Clip(a.Components), "content-digest")
	}
	if len(g.o.Algorithms) == 1 {
		a.Algorithm = g.o.Algorithms[0]
	}
	return a
}

// Why implements Guard. It neither remembers a signature nor reads a body.
func (g *Signature) Why(r *http.Request) (*http.Request, *why.Explanation) {
	now := g.now()
	v, others := g.verify(r, now)
	refused := signatureRules[v.Outcome]
	if refused == 0 {
		refused = g.sighted(&v, others, now, (*Replays).peek)
	}
	e := &why.Explanation{Rule: refused}
	switch {
	case refused == 0:
		e.Compare("signature", "valid", describe(&v), false)
		return passed(r, &v), e
	case v.Outcome == signature.UnknownKey:
		e.Compare("signature", "by the key "+strconv.Quote(v.KeyID), "the keys are "+few(g.keys.Current(now).names()), true)
	case v.Outcome == signature.Verified:
		e.Compare("signature", "right, and "+refused.String(), describe(&v), true)
	default:
		e.Compare("signature", strings.TrimPrefix(v.Err().Error(), "signature "), describe(&v), true)
	}
	return nil, e
}

// few names some, and how many more there are.
func few(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and " + strconv.Itoa(len(names)-most) + " more"
}

// describe says what a signature says of itself.
func describe(v *signature.Verdict) string {
	var all []string
	if v.Label != "" {
		all = append(all, "label "+v.Label)
	}
	if v.KeyID != "" {
		all = append(all, "key "+v.KeyID)
	}
	if v.Algorithm != signature.Unknown {
		all = append(all, "algorithm "+v.Algorithm.String())
	}
	if !v.Created.IsZero() {
		all = append(all, "created "+v.Created.UTC().Format(time.DateTime)+" UTC")
	}
	if !v.Expires.IsZero() {
		all = append(all, "until "+v.Expires.UTC().Format(time.DateTime)+" UTC")
	}
	return strings.Join(all, ", ")
}
