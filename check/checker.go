package check

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A Checker asks servers, and says what it finds. It asks one request after
// the other for an address, some thirty with the active checks, and is safe for use by many goroutines, for
// different addresses. Close it when it is no longer needed.
type Checker struct {
	o      Options
	client *client
	only   string // the one origin that is asked; "" for any

	settled bool // no codings come later

	mu      sync.Mutex
	origins map[string]bool // those whose own checks are done
	waits   map[string]int  // how often their codings were waited for in vain
}

// New returns a checker.
func New(o Options) *Checker {
	c := &Checker{o: o, origins: map[string]bool{}, waits: map[string]int{}}
	c.client = newClient(&c.o)
	return c
}

// Close closes the connections that are idle.
func (c *Checker) Close() { c.client.close() }

// A Result is what was found at one address.
type Result struct {
	URL      string
	Name     string    // what people call it, when that is not the URL: a file's name
	Exchange *Exchange // the answer to a browser's GET; nil when there was none; without Body when there are more results
	Err      error     // why there was none, in one line
	Findings []Finding // the worst first
}

// name is what people are told that it is about.
func (r *Result) name() string {
	if r.Name != "" {
		return r.Name
	}
	return r.URL
}

// add adds findings, and keeps the order.
func (r *Result) add(found ...Finding) {
	r.Findings = append(r.Findings, found...)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return int(b.Note.Severity) - int(a.Note.Severity) })
}

func (r *Result) addNote(id, where, detail string) {
	r.add(Finding{activeNote(id), where, detail})
}

// ParseURL reads an address as people write it: without a scheme it is an
// http one. Its error says what to give.
func ParseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		var fault *url.Error
		if errors.As(err, &fault) {
			err = fault.Err
		}
		return nil, fmt.Errorf("%q is no address: %w", text, err)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is no address; give one of http:// or https://", text)
	case u.Hostname() == "":
		return nil, fmt.Errorf("%q is no address; it names no host", text)
	}
	for i := range len(u.Host) {
		if u.Host[i] <= ' ' || u.Host[i] >= 0x7f {
			return nil, fmt.Errorf("%q: write the host in ASCII, in the form that begins with xn--", text)
		}
	}
	return normalised(u), nil
}

// normalised returns the one form of equal URLs: host in lower case, without
// the default port, fragment and credentials.
func normalised(u *url.URL) *url.URL {
	n := *u
	n.Fragment, n.RawFragment, n.User = "", "", nil
	n.Scheme, n.Host = strings.ToLower(n.Scheme), strings.ToLower(n.Host)
	if port := n.Port(); port == "" || n.Scheme == "http" && port == "80" || n.Scheme == "https" && port == "443" {
		n.Host = strings.TrimSuffix(strings.TrimSuffix(n.Host, port), ":")
	}
	if n.Path == "" {
		n.Path, n.RawPath = "/", ""
	}
	return &n
}

// URL checks an address, and those that it redirects to: a result for each.
// The last one has the answer that is no redirect. Active checks are made of
// that one only.
func (c *Checker) URL(ctx context.Context, u *url.URL) []*Result {
	return c.check(ctx, u, c.anywhere)
}

// anywhere allows what the checker may ask at all.
func (c *Checker) anywhere(u *url.URL) bool { return c.only == "" || originOf(u) == c.only }

// check is URL that follows redirects to allowed addresses.
func (c *Checker) check(ctx context.Context, u *url.URL, allowed func(*url.URL) bool) []*Result {
	var chain []*Result
	visited := map[string]bool{}
	steps := 0
	for u = normalised(u); ; {
		visited[u.String()] = true
		r, reply := c.get(ctx, u)
		chain = append(chain, r)
		if reply == nil {
			return chain
		}
		next := redirect(r, reply, u)
		switch {
		case next == nil:
			if !c.o.PassiveOnly {
				c.examine(ctx, r, reply, u)
			}
			return chain
		case !allowed(next):
			return chain
		case visited[next.String()]:
			chain[0].addNote("redirect-loop", "the redirects", "back to "+next.String())
			return chain
		case len(chain) > c.o.maxRedirects():
			if c.o.MaxRedirects >= 0 {
				chain[0].addNote("redirect-many", "the redirects", fmt.Sprintf("more than %d", c.o.maxRedirects()))
			}
			return chain
		}
		// One step to https on the same host is what HSTS asks for; it is not
		// counted.
		if len(chain) > 1 || !upgrades(u, next) {
			steps++
		}
		if steps == 2 {
			chain[0].addNote("redirect-chain", "the redirects", fmt.Sprintf("%s leads to %s by %d steps", chain[0].URL, next, len(chain)))
		}
		u = next
	}
}

// upgrades reports whether a redirect changes http to https, and nothing else.
func upgrades(from, to *url.URL) bool {
	return from.Scheme == "http" && to.Scheme == "https" && from.Hostname() == to.Hostname() && from.RequestURI() == to.RequestURI()
}

// get sends the request that a browser would, and looks at the answer.
func (c *Checker) get(ctx context.Context, u *url.URL) (*Result, *reply) {
	r := &Result{URL: u.String()}
	var reply *reply
	http2, err := c.client.speaksHTTP2(ctx, u)
	if err == nil {
		reply, err = c.client.do(ctx, probe{url: u, http2: http2})
	}
	if err != nil {
		r.Err = err
		return r, nil
	}
	r.Exchange = &reply.Exchange
	r.add(Passive(r.Exchange)...)
	for _, f := range reply.faults {
		r.addNote(f.note, "the answer", f.detail)
	}
	return r, reply
}

// redirect returns where an answer redirects to, nil when it does not, and
// notes what is wrong with that.
func redirect(r *Result, reply *reply, u *url.URL) *url.URL {
	location := reply.Header["Location"]
	switch reply.Status {
	case 301, 302, 303, 307, 308:
	default:
		return nil
	}
	if len(location) == 0 {
		return nil
	}
	to, err := u.Parse(location[0])
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil
	}
	to = normalised(to)
	detail := fmt.Sprintf("%d to %s", reply.Status, to)
	if u.Scheme == "https" && to.Scheme == "http" {
		r.addNote("redirect-downgrade", "Location of the answer", detail)
	}
	permanent := reply.Status == 301 || reply.Status == 308
	if !permanent && lasting(u, to) {
		r.addNote("redirect-temporary", "the status code", detail)
	}
	if reply.Status == 301 || reply.Status == 302 {
		r.addNote("redirect-changes-method", "the status code", detail)
	}
	return to
}

// lasting reports whether a redirect is of a kind that is for good: to https,
// to another name of the host, or to the same path with a slash.
func lasting(from, to *url.URL) bool {
	sameRest := from.EscapedPath() == to.EscapedPath() && from.RawQuery == to.RawQuery
	switch {
	case sameRest && from.Scheme == "http" && to.Scheme == "https":
		return true
	case sameRest:
		return strings.TrimPrefix(from.Host, "www.") == strings.TrimPrefix(to.Host, "www.") && from.Host != to.Host
	}
	return from.Host == to.Host && from.EscapedPath()+"/" == to.EscapedPath()
}

// first reports whether an origin is met for the first time.
func (c *Checker) first(origin string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.origins[origin] {
		return false
	}
	c.origins[origin] = true
	return true
}
