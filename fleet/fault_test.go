package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
	"freshet/jobs"
)

// A queue that cannot be opened when a server starts is away, as one that stops
// later, and is opened when it can be: not as one that this process had before.
func TestKeeperAwayAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{began: time.Now(), fail: 3, opens: make(chan *Node, 1)}
		var again []bool
		var said bytes.Buffer
		cache := newFakeCache()
		k, err := keep(t.Context(), Options{Listen: "127.0.0.1:0", Cache: cache, ErrorLog: slog.New(slog.NewTextHandler(&said, nil))}, func(ctx context.Context, options Options) (*Node, error) {
			again = append(again, options.again)
			n, err := o.open(ctx, options)
			if err != nil {
				err = &unkept{err}
			}
			return n, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !cache.held {
			t.Error("what is stored is used, though nobody knows what was purged")
		}
		client := through(k.Handler())
		if _, err := client.Submit(t.Context(), jobs.Spec{}); !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "no room, still 2") {
			t.Errorf("%v", err)
		}
		if status, text, _ := client.Send(t.Context(), "GET", "/job/list", nil, nil); status != 503 || !bytes.Contains(text, []byte("no room")) {
			t.Errorf("%d %s", status, text)
		}
		if k.Away() == nil || k.Address() != "127.0.0.1:0" || k.Describe() == "" || k.messages && k.Purger() == nil {
			t.Errorf("%v, %s, %s", k.Away(), k.Address(), k.Describe())
		}
		if p := k.Purger(); p != nil {
			if _, err := p.Purge(&control.Request{All: true}); !errors.Is(err, ErrAway) {
				t.Errorf("a purge of the fleet: %v", err)
			}
		}
		n := <-o.opens
		synctest.Wait()
		if now, err := k.now(); now != n || err != nil || k.Address() != n.address || k.o.Listen != n.address {
			t.Errorf("%v %v, on %s", now, err, k.Address())
		}
		breaks(n, "disk full")
		<-o.opens
		synctest.Wait()
		if !slices.Equal(again, []bool{false, false, false, false, true}) {
			t.Errorf("opened again: %v", again)
		}
		if lines := strings.Split(strings.TrimSpace(said.String()), "\n"); !strings.Contains(lines[0], "cannot be opened") || !strings.Contains(lines[1], "is open again") {
			t.Errorf("%q", lines)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A log with something in it that is no entry keeps the queue away, and nothing is
// lost by that: what was there before is served when it is back.
func TestKeeperDamagedAtStart(t *testing.T) {
	o := Options{Dir: filepath.Join(t.TempDir(), "jobs"), Name: "here", Tasks: 1, ErrorLog: slog.New(slog.DiscardHandler)}
	n, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n.conn == nil {
		t.Skip("there is no bus")
	}
	ids, err := n.scheduler.Submit(t.Context(), jobs.Spec{Command: []string{"true"}, Needs: map[string]string{"nobody": ""}})
	if err == nil {
		err = n.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	whole := o.Dir + ".whole"
	if err := os.CopyFS(whole, os.DirFS(o.Dir)); err != nil {
		t.Fatal(err)
	}
	damage(t, o.Dir)
	k, err := Keep(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	client := through(k.Handler())
	if _, err := client.Job(t.Context(), ids[0]); !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "read the log of jobs") {
		t.Fatalf("%v", err)
	}
	if err := errors.Join(os.Rename(o.Dir, o.Dir+".damaged"), os.Rename(whole, o.Dir)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		info, err := client.Job(t.Context(), ids[0])
		if err == nil && info.Counts.Of(jobs.Queued) == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v %v", info, err)
		}
	}
}

// damage appends to the log of jobs what is no entry.
func damage(t *testing.T, dir string) {
	t.Helper()
	s, err := bus.Start(bus.Options{Dir: filepath.Join(dir, busDir), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.Connect("x")
	if err != nil {
		t.Fatal(err)
	}
	log, err := c.Log(t.Context(), "jobs", bus.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	last, err := log.Last(t.Context())
	if err == nil {
		_, err = log.Append(t.Context(), last, []byte("\xffnot an entry"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What a user has said and cannot be done ends a start.
func TestMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(t *testing.T, o *Options)
		want    string
	}{
		"a file": {func(t *testing.T, o *Options) {
			o.Dir = filepath.Join(o.Dir, "file", "jobs")
			if err := os.WriteFile(filepath.Dir(o.Dir), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "file"},
		"another's": {func(t *testing.T, o *Options) {
			n, err := Open(t.Context(), *o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { n.Close() })
		}, ErrInUse.Error()},
		"an address that is taken": {func(t *testing.T, o *Options) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			o.Listen = l.Addr().String()
		}, "address already in use"},
		"an address that there is not": {func(t *testing.T, o *Options) { o.Listen = "nowhere" }, "nowhere"},
		"a user that there is not":     {func(t *testing.T, o *Options) { o.User = "nobody-of-that-name" }, "nobody-of-that-name"},
		"a peer's": {func(t *testing.T, o *Options) {
			if err := os.MkdirAll(filepath.Join(o.Dir, peersDir, "jetstream", "$G", "streams", "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "the queue of a peer"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("errors have other words here")
			}
			o := Options{Dir: t.TempDir(), Name: "here", Tasks: 1, ErrorLog: slog.New(slog.DiscardHandler)}
			tt.prepare(t, &o)
			k, err := Keep(t.Context(), o)
			if errors.Is(err, bus.ErrAbsent) || err == nil && !k.messages {
				t.Skip("there is no bus")
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if err == nil {
				k.Close()
			}
		})
	}
}

// Which errors are of what is kept.
func TestFaultsSorted(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for _, tt := range []struct {
		err    error
		unkept bool
	}{
		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true},
		{fmt.Errorf("x: %w", syscall.EIO), true},
		{mistaken(fmt.Errorf("make its key: %w", syscall.ENOSPC)), true},
		{fmt.Errorf("read: %w", bus.ErrDamaged), true},
		{errors.New("whatever NATS says"), true},
		{mistaken(errors.New("x")), false},
		{fmt.Errorf("%w: x", ErrInUse), false},
		{&os.PathError{Op: "mkdir", Path: "x", Err: syscall.EACCES}, false},
		{&os.PathError{Op: "mkdir", Path: "x", Err: syscall.ENOTDIR}, false},
	} {
		if got := isUnkept(sorted(t.Context(), tt.err)); got != tt.unkept {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
	if isUnkept(sorted(ended, context.Canceled)) {
		t.Error("an opening that was ended is not tried again")
	}
	if mistaken(nil) != nil {
		t.Error("nothing is wrong")
	}
}

// A folder may be tried by several processes at once, and nothing is left there.
func TestProbe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 4 {
				if err := probe(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}
