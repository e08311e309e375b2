package socketserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
	"freshet/socketserver"
)

// readAll reports every line and how the input ended.
func readAll(o socketserver.StreamOptions) func(*socketserver.Conn) {
	return socketserver.StreamFunc(o, func(s *socketserver.Stream) error {
		for {
			line, err := s.ReadLine()
			if err != nil {
				fmt.Fprintf(s, "%v %q", err, line)
				return nil
			}
			fmt.Fprintf(s, "%q ", line)
		}
	})
}

func TestReadLine(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"", 0, `EOF ""`},
		{"a\nb\r\n\n\r\n", 0, `"a" "b" "" "" EOF ""`},
		{"a\rb\n\r\r\n", 0, `"a\rb" "\r" EOF ""`},
		{"a\nrest", 0, `"a" unexpected EOF "rest"`},
		{strings.Repeat("x", 8191) + "\n", 0, `"` + strings.Repeat("x", 8191) + `" EOF ""`},
		{strings.Repeat("x", 8192) + "\n", 0, `socketserver: line too long ""`},
		{strings.Repeat("x", 8193), 0, `socketserver: line too long ""`},
		{strings.Repeat("x", 99) + "\n", 100, `"` + strings.Repeat("x", 99) + `" EOF ""`},
		{strings.Repeat("x", 100) + "\n", 100, `socketserver: line too long ""`},
		{"a\n" + strings.Repeat("x", 99) + "\nb\n", 100, `"a" "` + strings.Repeat("x", 99) + `" "b" EOF ""`},
		{strings.Repeat("x", 15) + "\n", 1, `"` + strings.Repeat("x", 15) + `" EOF ""`},
		{strings.Repeat("x", 9999) + "\n", 10000, `"` + strings.Repeat("x", 9999) + `" EOF ""`},
	} {
		l := listen(t, "127.0.0.1:0")
		serve(t, &socketserver.Server{Handler: readAll(socketserver.StreamOptions{MaxLine: c.max})}, l)
		if got := answers(t, dial(t, l), c.in); got != c.want {
			t.Errorf("%.20q, MaxLine %d: %.60q, want %.60q", c.in, c.max, got, c.want)
		}
	}
}

// A line that is too long is refused when it is, not when it ends or the buffer
// is full.
func TestLongLineIsRefusedAtOnce(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	serve(t, &socketserver.Server{Handler: readAll(socketserver.StreamOptions{MaxLine: 100})}, l)
	c := dial(t, l)
	io.WriteString(c, strings.Repeat("x", 100))
	if b, err := io.ReadAll(c); err != nil || string(b) != `socketserver: line too long ""` {
		t.Errorf("%q, %v", b, err)
	}
}

// The limits of a stream end a wait; the handler can still say so.
func TestStreamTimeouts(t *testing.T) {
	const never = time.Hour
	ended := socketserver.ErrTimeout.Error() + ` ""`
	for name, c := range map[string]struct {
		idle, read bool // which one is short
		sent, want string
	}{
		"idle":              {true, false, "", ended},
		"idle, second line": {true, false, "x\n", `"x" ` + ended},
		"within a line":     {false, true, "half", ended},
		"read only":         {true, true, "", ended},
	} {
		t.Run(name, func(t *testing.T) {
			wiretest.Longer(t, 10*time.Millisecond, func(soon time.Duration) error {
				o := socketserver.StreamOptions{IdleTimeout: never, ReadTimeout: never}
				if c.read {
					o.ReadTimeout = soon
				}
				if c.idle {
					o.IdleTimeout = soon
				}
				if c.idle && c.read {
					o.IdleTimeout = 0 // which is as long as the other
				}
				l := listen(t, "127.0.0.1:0")
				client := dial(t, l)
				io.WriteString(client, c.sent) // it is there before the time runs
				serve(t, &socketserver.Server{SweepEvery: time.Millisecond, Handler: readAll(o)}, l)
				if b, err := io.ReadAll(client); err != nil || string(b) != c.want {
					return fmt.Errorf("%q, %v, want %q", b, err, c.want)
				}
				return nil
			})
		})
	}
}

// A client that does not read what it is sent is given up.
func TestStreamWriteTimeout(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := &socketserver.Server{SweepEvery: time.Millisecond, Handler: socketserver.StreamFunc(
		socketserver.StreamOptions{WriteTimeout: 20 * time.Millisecond}, func(s *socketserver.Stream) error {
			for {
				if _, err := s.Write(make([]byte, 1<<16)); err != nil {
					return err
				}
			}
		})}
	errs := hookErrors(s)
	serve(t, s, l)
	dial(t, l)
	if err := <-errs; err != socketserver.ErrTimeout {
		t.Error(err)
	}
}

// A drain ends the wait for a line, not a line that has begun.
func TestStreamDrain(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	asked := make(chan struct{}, 2)
	s := &socketserver.Server{Handler: socketserver.StreamFunc(socketserver.StreamOptions{ReadTimeout: time.Hour}, func(s *socketserver.Stream) error {
		b, err := s.R.Peek(1)
		asked <- struct{}{}
		if err != nil {
			return err
		}
		line, err := s.ReadLine()
		fmt.Fprintf(s, "%s%s %v. ", b, line, err)
		_, err = s.ReadLine()
		fmt.Fprint(s, err)
		return err
	})}
	errs := hookErrors(s)
	serve(t, s, l)
	client := dial(t, l)
	io.WriteString(client, "h")
	<-asked
	down := make(chan error, 1)
	go func() { down <- s.Shutdown(context.Background()) }()
	for !s.Draining() {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(client, "alf\n")
	if b, err := io.ReadAll(client); err != nil || string(b) != "hhalf <nil>. socketserver: server closed" {
		t.Errorf("%q, %v", b, err)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	select {
	case err := <-errs:
		t.Errorf("reported: %v", err)
	default:
	}
}

// steps is a handler in three steps that can fail in each.
type steps struct {
	socketserver.Stream
	fails string
	did   chan string
}

func (s *steps) step(name string) error {
	s.did <- name
	switch s.fails {
	case name:
		return errors.New(name + " failed")
	case name + " panics":
		panic(s.fails)
	}
	return nil
}

func (s *steps) Setup() error {
	s.Stream.Setup()
	return s.step("Setup")
}

func (s *steps) Handle() error {
	s.WriteString("written")
	return s.step("Handle")
}

func (s *steps) Finish() error { return errors.Join(s.step("Finish"), s.Stream.Finish()) }

func TestRequestHandlerSteps(t *testing.T) {
	for _, c := range []struct{ fails, did, reported, sent string }{
		{"", "Setup Handle Finish", "", "written"},
		{"Setup", "Setup", "Setup failed", ""},
		{"Handle", "Setup Handle Finish", "Handle failed", "written"},
		{"Finish", "Setup Handle Finish", "Finish failed", "written"},
		{"Setup panics", "Setup", "handler panicked: Setup panics", ""},
		{"Handle panics", "Setup Handle Finish", "handler panicked: Handle panics", "written"},
	} {
		l := listen(t, "127.0.0.1:0")
		did := make(chan string, 10)
		s := &socketserver.Server{Handler: socketserver.Requests(func(conn *socketserver.Conn) socketserver.RequestHandler {
			return &steps{socketserver.Stream{Conn: conn}, c.fails, did}
		})}
		errs := hookErrors(s)
		serve(t, s, l)
		if got := answers(t, dial(t, l)); got != c.sent {
			t.Errorf("%s: sent %q", c.fails, got)
		}
		for s.Len() > 0 {
			time.Sleep(time.Millisecond)
		}
		close(did)
		var all []string
		for name := range did {
			all = append(all, name)
		}
		if got := strings.Join(all, " "); got != c.did {
			t.Errorf("%s: did %s, want %s", c.fails, got, c.did)
		}
		reported := ""
		select {
		case err := <-errs:
			reported = err.Error()
		default:
		}
		if reported != c.reported {
			t.Errorf("%s: reported %q, want %q", c.fails, reported, c.reported)
		}
	}
}
