//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func serve(t *testing.T, c *Conn, subject string, o ServeOptions, h Handler) (stop func()) {
	t.Helper()
	stop, err := c.ServeWith(subject, o, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return stop
}

func TestCall(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, b := connect(t, s, "a"), connect(t, s, "b")
	if _, err := b.Call(limited(t), "jobs.echo", nil); !errors.Is(err, ErrNobody) {
		t.Errorf("nobody serves: %v", err)
	}
	stop := serve(t, a, "jobs.echo", ServeOptions{}, func(ctx context.Context, r Request) ([]byte, error) {
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("no deadline")
		}
		return fmt.Appendf(nil, "%s %s %s", r.Subject, r.From, r.Payload), nil
	})
	got, err := b.Call(limited(t), "jobs.echo", []byte("hello"))
	if err != nil || string(got) != "jobs.echo b hello" {
		t.Errorf("%q, %v", got, err)
	}
	stop()
	stop()
	if _, err := b.Call(limited(t), "jobs.echo", nil); !errors.Is(err, ErrNobody) {
		t.Errorf("nobody serves any more: %v", err)
	}
	for _, subject := range []string{"", "a b", "a.*", ">"} {
		if _, err := b.Call(limited(t), subject, nil); !errors.Is(err, ErrName) {
			t.Errorf("call %q: %v", subject, err)
		}
		if _, err := b.Serve(subject, nil); !errors.Is(err, ErrName) {
			t.Errorf("serve %q: %v", subject, err)
		}
	}
}

func TestErrorsCross(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	cases := map[string]struct {
		err  error
		want Error
	}{
		"plain":   {errors.New("no such job"), Error{CodeFailed, "no such job"}},
		"coded":   {&Error{"lost", "not yours"}, Error{"lost", "not yours"}},
		"wrapped": {fmt.Errorf("finish: %w", &Error{"lost", "not yours"}), Error{"lost", "finish: not yours"}},
		"broken":  {&Error{"a\r\nb", "x\r\ny"}, Error{"a  b", "x\r\ny"}},
		"long":    {&Error{"long", strings.Repeat("x", 2*maxErrorText)}, Error{"long", strings.Repeat("x", maxErrorText)}},
	}
	serve(t, c, "fail", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) { return nil, cases[string(r.Payload)].err })
	for name, test := range cases {
		_, err := c.Call(limited(t), "fail", []byte(name))
		var got *Error
		if !errors.As(err, &got) || *got != test.want {
			t.Errorf("%s: %.100v", name, err)
		}
	}
}

func TestPayloads(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	serve(t, c, "double", ServeOptions{}, func(_ context.Context, r Request) ([]byte, error) {
		return append(r.Payload, r.Payload...), nil
	})
	half := bytes.Repeat([]byte("x"), MaxEntry/2)
	if got, err := c.Call(limited(t), "double", half); err != nil || len(got) != MaxEntry {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	var coded *Error
	if _, err := c.Call(limited(t), "double", append(half, 'x')); !errors.As(err, &coded) || coded.Code != CodeTooBig {
		t.Errorf("%v", err)
	}
	if _, err := c.Call(limited(t), "double", make([]byte, MaxEntry+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

func TestServeBounded(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	const parallel = 3
	arrived, leave := make(chan bool), make(chan bool)
	serve(t, c, "slow", ServeOptions{Parallel: parallel}, func(context.Context, Request) ([]byte, error) {
		arrived <- true
		<-leave
		return []byte("done"), nil
	})
	var callers sync.WaitGroup
	for range parallel {
		callers.Go(func() {
			if got, err := c.Call(limited(t), "slow", nil); err != nil || string(got) != "done" {
				t.Errorf("%q, %v", got, err)
			}
		})
		<-arrived
	}
	var coded *Error
	if _, err := c.Call(limited(t), "slow", nil); !errors.As(err, &coded) || coded.Code != CodeBusy {
		t.Errorf("one too many: %v", err)
	}
	close(leave)
	callers.Wait()
}

// TestStopServing: handlers end with stop, and their callers are told.
func TestStopServing(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	arrived := make(chan bool)
	stop := serve(t, c, "slow", ServeOptions{}, func(ctx context.Context, _ Request) ([]byte, error) {
		arrived <- true
		<-ctx.Done()
		return nil, &Error{"ended", "serving ends"}
	})
	answer := make(chan error, 1)
	go func() {
		_, err := c.Call(limited(t), "slow", nil)
		answer <- err
	}()
	<-arrived
	stop()
	var coded *Error
	if err := <-answer; !errors.As(err, &coded) || coded.Code != "ended" {
		t.Errorf("%v", err)
	}
}

// TestHandlerEnds: a handler's context ends when its caller has stopped
// waiting, and when the connection has ended.
func TestHandlerEnds(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, b := connect(t, s, "a"), connect(t, s, "b")
	type visit struct {
		what string
		ctx  context.Context
	}
	arrived := make(chan visit, 2)
	serve(t, a, "slow", ServeOptions{}, func(ctx context.Context, r Request) ([]byte, error) {
		arrived <- visit{string(r.Payload), ctx}
		<-ctx.Done()
		return nil, nil
	})
	send := func(what, ms string) context.Context {
		t.Helper()
		m := &nats.Msg{Subject: prefixCall + "b.slow", Data: []byte(what), Header: nats.Header{headerPatience: {ms}}}
		if err := b.nc.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
		v := <-arrived
		if v.what != what {
			t.Fatalf("%q arrived, %q was sent", v.what, what)
		}
		return v.ctx
	}
	short := send("short", "20")
	<-short.Done()
	if err := short.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	long := send("long", "3600000")
	a.Close()
	<-long.Done()
	if err := long.Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestCallGivesUp(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	serve(t, c, "slow", ServeOptions{}, func(ctx context.Context, _ Request) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var late *Error // the handler's answer may be faster than our own clock
	if _, err := c.Call(ctx, "slow", nil); !errors.Is(err, context.DeadlineExceeded) && !errors.As(err, &late) {
		t.Errorf("%v", err)
	}
}

func TestShared(t *testing.T) {
	s := startServer(t, t.TempDir())
	var mu sync.Mutex
	asked := map[string]int{}
	for _, name := range []string{"a", "b"} {
		serve(t, connect(t, s, name), "once", ServeOptions{Shared: true}, func(context.Context, Request) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			asked[name]++
			return nil, nil
		})
	}
	c := connect(t, s, "c")
	const calls = 64
	for range calls {
		if _, err := c.Call(limited(t), "once", nil); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if asked["a"]+asked["b"] != calls {
		t.Errorf("%v", asked)
	}
}

func TestHints(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, b := connect(t, s, "a"), connect(t, s, "b")
	heard := make(chan string, 10)
	stop, err := b.Subscribe("jobs.*.done", func(h Hint) { heard <- h.Subject + " " + string(h.Payload) })
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"jobs.1.done", "jobs.2.other", "jobs.3.done"} {
		if err := a.Publish(subject, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"jobs.1.done x", "jobs.3.done x"} {
		if got := <-heard; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	stop()
	if err := a.Publish("jobs.4.done", nil); err != nil {
		t.Fatal(err)
	}
	if err := b.nc.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 0 {
		t.Error("heard after the end")
	}
	if err := a.Publish("a.*", nil); !errors.Is(err, ErrName) {
		t.Errorf("%v", err)
	}
}
