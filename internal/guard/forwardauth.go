package guard

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
	"freshet/internal/wire"
)

// ForwardAuthOptions say who is asked whether a request may pass.
type ForwardAuthOptions struct {
	URL       string            // http or https
	Fields    []string          // of its answer, which the request gets in place of the client's
	Timeout   time.Duration     // of the whole exchange; 0 means DefaultAuthTimeout
	Transport http.RoundTripper // what asks; it follows no redirects
	Waiting   *atomic.Int64     // how many requests wait for an answer; nil: nobody counts them
	Health    *ForwardHealth    // is told whether there is one; nil: nobody is
	Trusted   []netip.Prefix
}

// DefaultAuthTimeout is how long another service is waited for.
const DefaultAuthTimeout = 5 * time.Second

// maxAuthBody bounds the page of a service that goes to a client.
const maxAuthBody = 256 << 10

// ForwardAuth lets requests pass that another service says may: it is asked about
// each, by a GET without a body, as nginx (auth_request), Traefik and Caddy
// (forward_auth) do. A 2xx lets the request pass; 401, 403 and redirects are given to
// the client, to log in with; all else refuses it.
type ForwardAuth struct {
	o      ForwardAuthOptions
	fields []string // as wire.LikeName wants them
	name   string   // what it is called in CDN-Loop
	drains time.Duration
}

// NewForwardAuth returns a guard.
func NewForwardAuth(o ForwardAuthOptions) *ForwardAuth {
	if o.Timeout == 0 {
		o.Timeout = DefaultAuthTimeout
	}
	// A name of its own, and not the proxy's: the way to the service may lead through
	// this server's proxy, and through other guards, but through none twice.
	g := &ForwardAuth{o: o, name: "forward-auth-" + rand.Text(), drains: drainedFor}
	for _, name := range o.Fields {
		g.fields = append(g.fields, strings.ReplaceAll(strings.ToLower(name), "_", "-"))
	}
	return g
}

// told are the fields of the client that the service sees.
var told = [...]string{"Accept", "Accept-Language", "Authorization", "Cookie", "User-Agent"}

// loop is the field by which a request is found that comes back (RFC 8586 §2).
const loop = "Cdn-Loop"

// asksItself reports whether a request is a question that this guard has asked, or
// comes of one.
func (g *ForwardAuth) asksItself(r *http.Request) bool {
	for elem := range field.Elements(r.Header[loop]) {
		if elem == g.name {
			return true
		}
	}
	return false
}

// question is what the service is asked about a request for a URI. Nothing in it is the
// client's word but the fields told, and what it asks for.
func (g *ForwardAuth) question(ctx context.Context, r *http.Request, uri string) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, g.o.URL, nil)
	if err != nil {
		return nil, err
	}
	h := q.Header
	h["User-Agent"] = nil // none is added
	for _, name := range told {
		if values := r.Header[name]; len(values) > 0 {
			h[name] = slices.Clone(values)
		}
	}
	if h["Cookie"] = field.WithoutCookies(h["Cookie"], field.MonitorCookie); len(h["Cookie"]) == 0 {
		delete(h, "Cookie")
	}
	h[loop] = []string{strings.Join(append(slices.Clone(r.Header[loop]), g.name), ", ")}
	if by := who.Of(r); by != nil && by.Name != "" {
		h[who.Field] = []string{by.Name} // whom a guard before this one has found
	}
	proto, host := "http", r.Host
	if r.TLS != nil {
		proto = "https"
	}
	if wire.Within(g.o.Trusted, peerOf(r)) {
		if said := g.said(r, "X-Forwarded-Proto"); said == "http" || said == "https" {
			proto = said
		}
		if said := g.said(r, "X-Forwarded-Host"); said != "" && wire.ValidHost(said) {
			host = said
		}
	}
	h["X-Forwarded-Method"], h["X-Forwarded-Proto"], h["X-Forwarded-Uri"] = []string{r.Method}, []string{proto}, []string{uri}
	if host != "" && wire.ValidHost(host) {
		h["X-Forwarded-Host"] = []string{host}
	}
	if client := clientOf(r, g.o.Trusted); client.IsValid() {
		h["X-Forwarded-For"] = []string{client.String()}
	}
	return q, nil
}

// said is what the farthest of the trusted proxies says in a list that each of them may
// have added to; "" when there is none.
func (g *ForwardAuth) said(r *http.Request, name string) string {
	all := slices.Collect(field.Elements(r.Header[name]))
	if len(all) == 0 {
		return ""
	}
	return all[wire.ToldElement(peerOf(r), g.o.Trusted, r.Header["X-Forwarded-For"], len(all))]
}

// reply is what came of asking.
type reply struct {
	refused rule.ID // 0: the request may pass
	about   string  // what the answer is about, when that is not what the request asked for
	answer  *http.Response
	page    []byte // of an answer that goes to the client
	name    string // who it is, as the service says; "": it does not say
	err     error  // why there is no answer, or none that can be used
}

// ask asks the service: about what was asked for, and then about all that somebody may
// read in that. The first answer that is no yes counts, else that to the first.
func (g *ForwardAuth) ask(r *http.Request) reply {
	path := r.URL.EscapedPath()
	if dotted(path) {
		return reply{refused: rule.ForwardAuthPath, err: errors.New("the path has a dot segment, or may be read so")}
	}
	others, ok := readAlso(path)
	if !ok {
		return reply{refused: rule.ForwardAuthPath, err: errors.New("the path may be read in too many ways")}
	}
	if g.asksItself(r) {
		return reply{refused: rule.ForwardAuthLoop, err: errors.New("the request is a question of this guard: the service's address leads back to it")}
	}
	if g.o.Waiting != nil {
		g.o.Waiting.Add(1)
		defer g.o.Waiting.Add(-1)
	}
	ctx, end := context.WithTimeout(r.Context(), g.o.Timeout)
	defer end()
	uri := r.URL.RequestURI()
	j := g.askAbout(ctx, r, uri)
	for _, other := range others {
		if j.refused != 0 {
			break
		}
		about := other + strings.TrimPrefix(uri, path)
		if k := g.askAbout(ctx, r, about); k.refused != 0 {
			k.about = about
			return k
		}
	}
	return j
}

// askAbout asks one question.
func (g *ForwardAuth) askAbout(ctx context.Context, r *http.Request, uri string) reply {
	ctx, end := context.WithCancel(ctx)
	defer end()
	q, err := g.question(ctx, r, uri)
	if err != nil {
		return reply{refused: rule.ForwardAuthUnreachable, err: err}
	}
	answer, err := g.o.Transport.RoundTrip(q)
	if err != nil {
		return unanswered(err)
	}
	defer answer.Body.Close()
	j := judge(answer)
	if j.refused != rule.ForwardAuthRefused {
		g.drain(answer, end)
		return j
	}
	// The page is read whole before anything of it is sent: half of one would look
	// like all of it.
	if j.page, err = io.ReadAll(io.LimitReader(answer.Body, maxAuthBody+1)); err != nil {
		return unanswered(err)
	}
	if len(j.page) > maxAuthBody {
		j.refused, j.err = rule.ForwardAuthStatus, errors.New("its page is longer than 256 KiB")
	}
	return j
}

// What is read of a body that nobody wants, so that its connection can be used again,
// and for how long the request waits for that.
const (
	maxDrained = 16 << 10
	drainedFor = 20 * time.Millisecond
)

// drain reads what is left of an answer if that is little, and is there. giveUp ends
// the exchange.
func (g *ForwardAuth) drain(answer *http.Response, giveUp func()) {
	if answer.ContentLength > maxDrained {
		return
	}
	late := time.AfterFunc(g.drains, giveUp)
	defer late.Stop()
	io.CopyN(io.Discard, answer.Body, maxDrained+1)
}

func unanswered(err error) reply {
	var late net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &late) && late.Timeout() {
		return reply{refused: rule.ForwardAuthTimeout, err: err}
	}
	return reply{refused: rule.ForwardAuthUnreachable, err: err}
}

// judge says what the head of an answer means.
func judge(answer *http.Response) reply {
	j := reply{answer: answer}
	switch {
	case answer.StatusCode/100 == 2:
		// A name that cannot be told is not left out: the service has let somebody
		// pass, and nobody else.
		switch names := answer.Header[who.Field]; {
		case len(names) == 0 || len(names) == 1 && names[0] == "":
		case len(names) == 1 && who.Valid(names[0]):
			j.name = names[0]
		default:
			j.refused, j.err = rule.ForwardAuthStatus, errors.New("its "+who.Field+" is not one name")
		}
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden,
		answer.StatusCode/100 == 3 && leads(answer.Header["Location"]):
		j.refused = rule.ForwardAuthRefused
	default:
		j.refused = rule.ForwardAuthStatus
	}
	return j
}

// leads reports whether a redirect leads to a page. What a service makes of an address
// that a client has sent along may be a script.
func leads(locations []string) bool {
	if len(locations) != 1 || locations[0] == "" {
		return false
	}
	u, err := url.Parse(locations[0])
	return err == nil && u.Opaque == "" && (u.Scheme == "" || u.Scheme == "http" || u.Scheme == "https")
}

// heard asks, and notes whether the service answers at all, unless the client has gone
// meanwhile.
func (g *ForwardAuth) heard(r *http.Request) reply {
	j := g.ask(r)
	if r.Context().Err() == nil {
		g.o.Health.heard(&j)
	}
	return j
}

// Answer implements Answerer.
func (g *ForwardAuth) Answer(w http.ResponseWriter, r *http.Request) *http.Request {
	j := g.heard(r)
	switch {
	case j.refused == 0:
		return g.passed(r, &j)
	case j.err != nil && r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // the client has gone
	case j.refused == rule.ForwardAuthRefused:
		give(w, &j)
	default:
		refuse(w, r, j.refused)
	}
	return nil
}

// notGiven are fields of a service's answer that are about its own connection,
// origin or message.
var notGiven = append([]string{"Alt-Svc", "Content-Length", "Date", "Server", "Cdn-Cache-Control", "Surrogate-Control"}, wire.HopByHop...)

// give gives the service's answer to the client. No cache may keep it.
func give(w http.ResponseWriter, j *reply) {
	h := w.Header()
	for name, values := range j.answer.Header {
		if !slices.Contains(notGiven, name) {
			h[name] = slices.Clone(values)
		}
	}
	for name := range field.Elements(j.answer.Header["Connection"]) {
		delete(h, wire.CanonicalName(name)) // RFC 9110 §7.6.1
	}
	h["Cache-Control"] = []string{"no-store"}
	httpd.SetRule(w, rule.ForwardAuthRefused)
	httpd.SetVerdict(w, record.Refused)
	w.WriteHeader(j.answer.StatusCode)
	w.Write(j.page)
}

// Check implements Guard, for those who ask a guard without an answer to write.
func (g *ForwardAuth) Check(_ http.Header, r *http.Request) (*http.Request, rule.ID) {
	j := g.heard(r)
	if j.refused != 0 {
		return nil, j.refused
	}
	return g.passed(r, &j), 0
}

// Why implements Guard: the service is asked, as about any request.
func (g *ForwardAuth) Why(r *http.Request) (*http.Request, *why.Explanation) {
	j := g.ask(r)
	e := &why.Explanation{Rule: j.refused}
	says := ""
	if j.answer != nil {
		says = "it answers " + j.answer.Status
	}
	if j.about != "" {
		says += " about " + j.about + ", which others may read in the path"
	}
	if j.err != nil {
		if says != "" {
			says += "; "
		}
		says += j.err.Error()
	}
	e.Compare("forward-auth", g.o.URL, says, e.Rule != 0)
	if e.Rule != 0 {
		return nil, e
	}
	return g.passed(r, &j), e
}
