//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/wiretest"
)

// readsThen calls f once, when so many bytes were read.
type readsThen struct {
	r    io.Reader
	left int
	f    func() error
}

func (r *readsThen) Read(p []byte) (int, error) {
	if r.left == 0 {
		r.left = -1
		if err := r.f(); err != nil {
			return 0, err
		}
	}
	if r.left > 0 {
		p = p[:min(len(p), r.left)]
	}
	n, err := r.r.Read(p)
	if r.left > 0 {
		r.left -= n
	}
	return n, err
}

// TestObjectsPutFails: nothing is seen, and nothing stays, of what was not put to
// its end.
func TestObjectsPutFails(t *testing.T) {
	eachObjects(t, ObjectsOptions{MaxBytes: 4 << 20}, func(t *testing.T, o *Objects) {
		mustPutObject(t, o, "old", blob(1000, 1))
		broken := errors.New("no more")
		for _, key := range []string{"old", "new"} {
			for _, at := range []int{0, 10, chunkSize, 12*chunkSize + 1} {
				r := &readsThen{bytes.NewReader(blob(20*chunkSize, 2)), at, func() error { return broken }}
				if err := o.Put(limited(t), key, r); !errors.Is(err, broken) {
					t.Errorf("%s at %d: %v", key, at, err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				r = &readsThen{bytes.NewReader(blob(20*chunkSize, 3)), at, func() error { cancel(); return nil }}
				if err := o.Put(ctx, key, r); !errors.Is(err, context.Canceled) {
					t.Errorf("%s at %d: %v", key, at, err)
				}
				cancel()
			}
			if err := o.Put(limited(t), key, bytes.NewReader(blob(5<<20, 4))); !errors.Is(err, ErrFull) {
				t.Errorf("%s: %v", key, err)
			}
		}
		wantObject(t, o, "old", blob(1000, 1))
		if _, err := o.Get(limited(t), "new"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%v", err)
		}
		if n := contents(t, o); n != 1 {
			t.Errorf("%d contents", n)
		}
		mustPutObject(t, o, "new", blob(3<<20, 5)) // there is room again
		slow := *o
		slow.stale = 0
		if err := slow.Put(limited(t), "old", bytes.NewReader(blob(10, 6))); err == nil {
			t.Error("what comes slower than it is swept away is put")
		}
		wantObject(t, o, "old", blob(1000, 1))
	})
}

// TestObjectsDamaged: what is not what was put does not end as if it were.
func TestObjectsDamaged(t *testing.T) {
	eachObjects(t, ObjectsOptions{}, func(t *testing.T, o *Objects) {
		content := func(key string) string {
			l, err := o.look(limited(t), key)
			if err != nil {
				t.Fatal(err)
			}
			return o.contentOf(l.NUID)
		}
		damage := map[string]func(subject string){
			"lost": func(subject string) {
				m, err := o.stream.GetLastMsgForSubject(limited(t), subject)
				if err == nil {
					err = o.stream.DeleteMsg(limited(t), m.Sequence)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
			"gone": func(subject string) {
				if err := o.stream.Purge(limited(t), jetstream.WithPurgeSubject(subject)); err != nil {
					t.Fatal(err)
				}
			},
			"longer": func(subject string) {
				if _, err := o.c.js.Publish(limited(t), subject, []byte("more")); err != nil {
					t.Fatal(err)
				}
			},
			"other": func(subject string) {
				m, err := o.stream.GetLastMsgForSubject(limited(t), subject)
				if err == nil {
					err = o.stream.DeleteMsg(limited(t), m.Sequence)
				}
				if err == nil {
					m.Data[0] ^= 1
					_, err = o.c.js.Publish(limited(t), subject, m.Data)
				}
				if err != nil {
					t.Fatal(err)
				}
			},
		}
		for key, f := range damage {
			mustPutObject(t, o, key, blob(3*chunkSize, 1))
			f(content(key))
			if got, err := object(limited(t), o, key); !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %d bytes, %v", key, len(got), err)
			}
		}
	})
}

// TestObjectsReplaced: who reads what is replaced meanwhile is told so.
func TestObjectsReplaced(t *testing.T) {
	beside(t)
	eachObjects(t, ObjectsOptions{}, func(t *testing.T, o *Objects) {
		large := blob(fetchBytes+3*chunkSize, 1) // more than is fetched ahead
		for what, change := range map[string]func() error{
			"replaced": func() error { return o.Put(limited(t), "a", strings.NewReader("other")) },
			"deleted":  func() error { return o.Delete(limited(t), "a") },
		} {
			mustPutObject(t, o, "a", large)
			r, err := o.Get(limited(t), "a")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			if err := change(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(r); !errors.Is(err, ErrFenced) {
				t.Errorf("%s: %v", what, err)
			}
			_ = r.Close()
		}
		// Whoever wants no more closes it, or ends its context.
		mustPutObject(t, o, "a", blob(3*chunkSize, 2))
		ctx, cancel := context.WithCancel(t.Context())
		r, err := o.Get(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		_ = r.Close()
		if r, err = o.Get(limited(t), "a"); err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		if _, err := r.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("read from what is closed: %v", err)
		}
		if r, err = o.Get(limited(t), "a"); err != nil {
			t.Fatal(err)
		}
		o.c.Close()
		if _, err := io.ReadAll(r); err == nil {
			t.Error("all came after the end of the connection")
		}
		_ = r.Close()
		if err := o.Put(limited(t), "a", strings.NewReader("x")); !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

// TestObjectsServerEnds: the server ends in the middle of a Put.
func TestObjectsServerEnds(t *testing.T) {
	address := wiretest.Reserve(t)
	var port int
	if _, err := fmt.Sscanf(address[strings.LastIndex(address, ":"):], ":%d", &port); err != nil {
		t.Fatal(err)
	}
	options := server.Options{Port: port, StoreDir: t.TempDir()}
	ns := elsewhere(t, options)
	c, err := Connect(limited(t), ConnectOptions{URL: "nats://" + address, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustPutObject(t, o, "a", blob(1000, 1))
	r := &readsThen{bytes.NewReader(blob(20*chunkSize, 2)), 15 * chunkSize, func() error {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil
	}}
	if err := o.Put(limited(t), "a", r); err == nil || errors.Is(err, ErrUnclear) {
		t.Errorf("put to nowhere: %v", err)
	}
	elsewhere(t, options)
	for ctx := limited(t); ; {
		got, err := object(ctx, o, "a")
		if err == nil {
			if !bytes.Equal(got, blob(1000, 1)) {
				t.Errorf("%d bytes", len(got))
			}
			break
		}
		if ctx.Err() != nil || errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
	}
	late := *o
	late.stale = 0
	if err := late.Sweep(limited(t)); err != nil || contents(t, o) != 1 {
		t.Errorf("%d contents, %v", contents(t, o), err)
	}
}

// TestObjectsForgotten: who reads so slowly that the server forgets the reader
// gets everything all the same.
func TestObjectsForgotten(t *testing.T) {
	eachObjects(t, ObjectsOptions{}, func(t *testing.T, o *Objects) {
		large := blob(fetchBytes+3*chunkSize, 1) // more than is fetched ahead
		mustPutObject(t, o, "a", large)
		r, err := o.Get(limited(t), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got := make([]byte, 10, len(large))
		if _, err := io.ReadFull(r, got); err != nil {
			t.Fatal(err)
		}
		list := o.stream.ConsumerNames(limited(t))
		for name := range list.Name() {
			if err := o.stream.DeleteConsumer(limited(t), name); err != nil {
				t.Fatal(err)
			}
		}
		rest, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(append(got, rest...), large) {
			t.Errorf("%d bytes, %v", len(got)+len(rest), err)
		}
	})
}
