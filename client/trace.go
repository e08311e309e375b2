package client

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
)

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events. Heads include the empty line at their end; bodies the
// sizes of chunks, and trailers. Bytes after a switch of protocols are told only
// as far as they came with the head.
const (
	Note     EventKind = iota // a text on the connection
	SentHead                  // the head of a request
	SentBody                  // a part of its body
	GotHead                   // the head of a reply, interim ones, too; when that is broken, all that had come
	GotBody                   // a part of its body
)

// Sent reports whether the event is about bytes that were sent.
func (k EventKind) Sent() bool { return k == SentHead || k == SentBody }

// Event is something that happened on a connection. Each byte of HTTP is in one
// event, as it was on the wire, below TLS's encryption, and in order for each
// direction.
type Event struct {
	Time time.Time // when the bytes were sent, or had been received
	Kind EventKind
	Data []byte // valid during the call only
}

// Masked returns Data without what is to be kept secret in a head: the
// credentials in Authorization and Proxy-Authorization, of which the scheme
// stays, and the values of cookies, whose names stay. Each becomes "***". It
// returns Data itself when there is nothing of that.
func (e Event) Masked() []byte {
	if e.Kind != SentHead && e.Kind != GotHead {
		return e.Data
	}
	var out []byte // nil as long as nothing was masked
	secret := ""   // the field that the line before belongs to
	for rest, at := e.Data, 0; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line = rest[:i+1]
		}
		rest = rest[len(line):]
		var masked []byte
		if line[0] == ' ' || line[0] == '\t' { // a line that was folded
			if secret != "" {
				masked = []byte(" ***" + lineEnd(line))
			}
		} else {
			secret, masked = maskLine(line)
		}
		if masked != nil && out == nil {
			out = append(make([]byte, 0, len(e.Data)), e.Data[:at]...)
		}
		if masked == nil {
			masked = line
		}
		if out != nil {
			out = append(out, masked...)
		}
		at += len(line)
	}
	if out == nil {
		return e.Data
	}
	return out
}

func lineEnd(line []byte) string {
	return string(line[len(bytes.TrimRight(line, "\r\n")):])
}

// maskLine returns the name of a field that holds secrets, and its line without
// them; "" and nil for others.
func maskLine(line []byte) (secret string, masked []byte) {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return "", nil
	}
	secret = strings.ToLower(string(bytes.TrimRight(name, " \t")))
	text := strings.TrimSpace(string(value))
	switch secret {
	case "authorization", "proxy-authorization":
		scheme, rest, _ := strings.Cut(text, " ")
		if rest == "" { // no scheme, but a secret
			scheme = ""
		} else {
			scheme += " "
		}
		text = scheme + "***"
	case "cookie":
		pairs := strings.Split(text, ";")
		for i, pair := range pairs {
			pairs[i] = maskPair(pair)
		}
		text = strings.Join(pairs, ";")
	case "set-cookie":
		pair, attributes, _ := strings.Cut(text, ";")
		if attributes != "" {
			attributes = ";" + attributes
		}
		text = maskPair(pair) + attributes
	default:
		return "", nil
	}
	return secret, []byte(string(name) + ": " + text + lineEnd(line))
}

// maskPair masks the value of name=value, and all of what has no name.
func maskPair(pair string) string {
	name, _, ok := strings.Cut(pair, "=")
	if !ok {
		return "***"
	}
	return name + "=***"
}

// tracer tells events, and remembers bytes that were received but not yet said
// to be of a head or a body. The parser may change those in the buffer.
type tracer struct {
	tell func(Event)
	mu   sync.Mutex // held while tell is called
	raw  []byte
	at   time.Time // when the last of raw came
}

// event tells of data, as of now when at is zero.
func (t *tracer) event(kind EventKind, data []byte, at time.Time) {
	if t.tell == nil || len(data) == 0 {
		return
	}
	if at.IsZero() {
		at = time.Now()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell(Event{at, kind, data})
}

// note tells a text.
func (t *tracer) note(format string, args ...any) {
	if t.tell != nil {
		t.event(Note, fmt.Appendf(nil, format, args...), time.Time{})
	}
}

// got remembers what was received.
func (t *tracer) got(p []byte) {
	if t.tell != nil && len(p) > 0 {
		t.raw, t.at = append(t.raw, p...), time.Now()
	}
}

// used tells of the first n octets that were received.
func (t *tracer) used(kind EventKind, n int) {
	if t.tell == nil || n == 0 {
		return
	}
	t.event(kind, t.raw[:n], t.at)
	t.raw = append(t.raw[:0], t.raw[n:]...)
}
