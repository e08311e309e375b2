package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/alloctest"
	"freshet/internal/rule"
)

// steps notes what is done to a client's side of an answer.
type steps struct {
	header http.Header
	log    []string
	sent   int
	fail   int // octets after which writing fails; 0: never
}

func (s *steps) Header() http.Header { return s.header }

func (s *steps) WriteHeader(status int) { s.log = append(s.log, fmt.Sprint(status)) }

func (s *steps) Write(b []byte) (int, error) {
	if s.fail > 0 && s.sent+len(b) > s.fail {
		return 0, errGone
	}
	s.sent += len(b)
	said := string(b)
	if len(b) > 20 {
		said = fmt.Sprintf("(%d)", len(b))
	}
	s.log = append(s.log, said)
	return len(b), nil
}

func (s *steps) Flush() { s.log = append(s.log, "flush") }

var errGone = errors.New("gone")

const plain200 = "Content-Type: text/plain\n"

// relayed reads the head of these pieces and relays them; it returns what was
// done, and why it ended early.
func relayed(t *testing.T, s *steps, method string, src *pieces, opt RelayOptions) (string, *Fault) {
	t.Helper()
	o := NewOutput(src)
	defer o.Release()
	h, f := o.ReadHead(false, 0)
	if f != nil {
		t.Fatal(f)
	}
	if s.header == nil {
		s.header = make(http.Header)
	}
	f = Relay(s, httptest.NewRequest(method, "/", nil), h, o, opt)
	if src.mu.Lock(); !src.deadline.IsZero() {
		t.Error("a deadline was left behind")
	}
	src.mu.Unlock()
	return strings.Join(s.log, " "), f
}

func TestRelay(t *testing.T) {
	const events = "Content-Type: Text/Event-Stream; charset=utf-8\n\n"
	big := strings.Repeat("x", 100<<10)
	for _, tt := range []struct {
		name   string
		method string
		in     []string
		opt    RelayOptions
		want   string
		fault  rule.ID
	}{
		{"in one piece", "GET", []string{plain200 + "\nbody"}, RelayOptions{}, "200 body", 0},
		{"in pieces", "GET", []string{plain200, "\n", "a", "b"}, RelayOptions{}, "200 a b", 0},
		{"no body", "GET", []string{plain200 + "\n"}, RelayOptions{}, "200", 0},
		{"much", "GET", []string{plain200 + "\n", big}, RelayOptions{}, "200 (65536) (36864)", 0},
		{"pauses", "GET", []string{plain200 + "\n", pause, "a", "b", pause, "c"}, RelayOptions{}, "200 flush a b flush c", 0},
		{"a second pause has nothing to flush", "GET", []string{plain200 + "\na", pause, pause, "b"}, RelayOptions{}, "200 a flush b", 0},
		{"events", "GET", []string{events, "a", "b", pause, "c"}, RelayOptions{}, "200 flush a flush b flush c flush", 0},
		{"an event that came with the head", "GET", []string{events + "a"}, RelayOptions{}, "200 flush a flush", 0},

		{"all of its length", "GET", []string{plain200 + "Content-Length: 4\n\nbody"}, RelayOptions{}, "200 body flush", 0},
		{"less than its length", "GET", []string{plain200 + "Content-Length: 5\n\nbody"}, RelayOptions{}, "200 body flush", rule.ScriptIncomplete},
		{"nothing of its length", "GET", []string{plain200 + "Content-Length: 5\n\n"}, RelayOptions{}, "200 flush", rule.ScriptIncomplete},
		{"more than its length", "GET", []string{plain200 + "Content-Length: 3\n\n", "bo", "dy", "more"}, RelayOptions{}, "200 bo d flush", 0},
		{"a length of nothing", "GET", []string{plain200 + "Content-Length: 0\n\nmore"}, RelayOptions{}, "200 flush", 0},

		{"HEAD", "HEAD", []string{plain200 + "Content-Length: 4\n\nbody"}, RelayOptions{}, "200 flush", 0},
		{"HEAD without body", "HEAD", []string{plain200 + "\n"}, RelayOptions{}, "200 flush", 0},
		{"204", "GET", []string{"Status: 204\n\nbody"}, RelayOptions{}, "204 flush", 0},
		{"304", "GET", []string{"Status: 304\nContent-Length: 9\n\n", "body"}, RelayOptions{}, "304 flush", 0},

		{"as much as may be", "GET", []string{plain200 + "\nbo", "dy"}, RelayOptions{Most: 4}, "200 bo dy", 0},
		{"more than may be", "GET", []string{plain200 + "\nbo", "dy", "x"}, RelayOptions{Most: 4}, "200 bo dy flush", rule.ScriptOutputTooLarge},
		{"what is not sent does not count", "GET", []string{plain200 + "Content-Length: 2\n\nbo", big}, RelayOptions{Most: 4}, "200 bo flush", 0},
		{"nor does what HEAD has not", "HEAD", []string{plain200 + "\nbody"}, RelayOptions{Most: 1}, "200 flush", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent atomic.Int64
				tt.opt.Sent = &sent
				s := &steps{}
				got, f := relayed(t, s, tt.method, &pieces{all: tt.in}, tt.opt)
				if got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
				if (f == nil) != (tt.fault == 0) || f != nil && f.Rule != tt.fault {
					t.Errorf("%v, want %v", f, tt.fault)
				}
				if sent.Load() != int64(s.sent) {
					t.Errorf("%d octets were counted, %d sent", sent.Load(), s.sent)
				}
			})
		})
	}
}

// TestRelayWaitsNoLonger flushes what is printed a little at a time once in a
// pause, although the program never pauses that long.
func TestRelayWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newPipe()
		go func() {
			io.WriteString(w, plain200+"\n")
			for range 6 {
				time.Sleep(3 * time.Second)
				io.WriteString(w, "a")
			}
			w.Close()
		}()
		o := NewOutput(r)
		defer o.Release()
		h, f := o.ReadHead(false, 0)
		if f != nil {
			t.Fatal(f)
		}
		s := &steps{header: make(http.Header)}
		f = Relay(s, httptest.NewRequest("GET", "/", nil), h, o, RelayOptions{Pause: 10 * time.Second})
		if got := strings.Join(s.log, " "); f != nil || got != "200 a a a flush a a a" {
			t.Errorf("%q, %v", got, f)
		}
	})
}

// TestRelayLeavesTime has a program that prints more than its Content-Length a
// moment later not be ended by a pipe that is closed, and does not wait long for
// one that goes on.
func TestRelayLeavesTime(t *testing.T) {
	for _, tt := range []struct {
		name   string
		pauses []time.Duration // before each portion of what is too much
		want   time.Duration   // what Relay takes
	}{
		{"nothing more", nil, 0},
		{"a moment later", []time.Duration{discardTime / 2}, discardTime / 2},
		{"a little at a time", []time.Duration{discardTime / 2, discardTime / 4, discardTime / 2}, discardTime},
		{"much later", []time.Duration{time.Hour}, discardTime},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(tt.name+" "+method, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, w := newPipe()
					program := make(chan struct{})
					go func() {
						defer close(program)
						defer w.Close()
						io.WriteString(w, plain200+"Content-Length: 1\n\na")
						for _, pause := range tt.pauses {
							time.Sleep(pause)
							if _, err := io.WriteString(w, "too much"); err != nil {
								return
							}
						}
					}()
					o := NewOutput(r)
					defer o.Release()
					h, _ := o.ReadHead(false, 0)
					begun := time.Now()
					f := Relay(&steps{header: make(http.Header)}, httptest.NewRequest(method, "/", nil), h, o, RelayOptions{})
					if took := time.Since(begun); f != nil || took != tt.want {
						t.Errorf("%v after %v, want %v", f, took, tt.want)
					}
					r.Close()
					<-program
				})
			})
		}
	}
}

// TestRelayDiscards reads no more than a buffer of what nobody wants.
func TestRelayDiscards(t *testing.T) {
	for _, method := range []string{"GET", "HEAD"} {
		src := &pieces{all: []string{plain200 + "Content-Length: 0\n\n", strings.Repeat("x", 10<<20)}}
		if _, f := relayed(t, &steps{}, method, src, RelayOptions{}); f != nil {
			t.Error(f)
		}
		if left := len(src.all[0]); left < 10<<20-2*outputBuffer || left == 10<<20 {
			t.Errorf("%s: %d octets are left", method, left)
		}
	}
}

func TestRelayBroken(t *testing.T) {
	broken := errors.New("broken")
	s := &steps{}
	_, f := relayed(t, s, "GET", &pieces{all: []string{plain200 + "\nbo", "dy"}, err: broken}, RelayOptions{})
	if f == nil || f.Rule != rule.ScriptIncomplete || !errors.Is(f, broken) || s.sent != 4 {
		t.Errorf("%v, %d octets", f, s.sent)
	}
}

func TestRelayClientGone(t *testing.T) {
	s := &steps{fail: 3}
	_, f := relayed(t, s, "GET", &pieces{all: []string{plain200 + "\nbo", "dy", "more"}}, RelayOptions{})
	if f == nil || f.Rule != rule.ScriptClientGone || !errors.Is(f, errGone) || s.sent != 2 {
		t.Errorf("%v, %d octets", f, s.sent)
	}
}

// TestRelayType does not have a type guessed that the program did not tell.
func TestRelayType(t *testing.T) {
	s := &steps{header: http.Header{"X-Ours": {"1"}, "Set-Cookie": {"ours"}}}
	relayed(t, s, "GET", &pieces{all: []string{"Status: 200\nSet-Cookie: a\n\n<html>"}}, RelayOptions{})
	if v, ok := s.header["Content-Type"]; !ok || v != nil {
		t.Errorf("Content-Type: %q", v)
	}
	if s.header.Get("X-Ours") != "1" {
		t.Error("what was there is gone")
	}
}

// TestRelayAllocations has the body cost nothing for each of its pieces.
func TestRelayAllocations(t *testing.T) {
	cost := func(n int, p Program) float64 {
		var in []string
		for range n {
			in = append(in, "piece")
		}
		h := &Head{Status: 200, Header: http.Header{}, Length: -1}
		r := httptest.NewRequest("GET", "/", nil)
		w := discarding{make(http.Header)}
		return alloctest.PerRun(10, func() {
			o := NewOutput(&pieces{all: in})
			if f := Relay(w, r, h, o, RelayOptions{Program: p}); f != nil {
				t.Fatal(f)
			}
			o.Release()
		})
	}
	few := cost(10, nil)
	if many := cost(1000, nil); many > few+1 {
		t.Errorf("%v allocations for 10 pieces, %v for 1000", few, many)
	}
	// Nor does a program that could be read ahead of its client.
	if ready := cost(1000, idle{}); ready > few+1 {
		t.Errorf("%v allocations, %v with a program that is told of its end", few, ready)
	}
}

// idle is a program that is told of its end.
type idle struct{}

func (idle) Ended(f *Fault) *Fault { return f }
func (idle) Stop(rule.ID)          {}

type discarding struct{ header http.Header }

func (d discarding) Header() http.Header         { return d.header }
func (d discarding) WriteHeader(int)             {}
func (d discarding) Write(b []byte) (int, error) { return len(b), nil }
func (d discarding) Flush()                      {}
