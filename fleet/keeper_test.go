package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/control"
	"freshet/jobs"
)

// An opener opens nodes that have nothing in them.
type opener struct {
	began time.Time
	why   func(left int) error // why it fails
	at    []time.Duration      // when it was asked to open one
	fail  int                  // how often it is to fail
	opens chan *Node
}

func (o *opener) open(_ context.Context, options Options) (*Node, error) {
	o.at = append(o.at, time.Since(o.began))
	if o.fail > 0 {
		o.fail--
		if o.why != nil {
			return nil, o.why(o.fail)
		}
		return nil, fmt.Errorf("no room, still %d", o.fail)
	}
	n := &Node{stop: func() {}, failed: make(chan struct{}), address: "127.0.0.1:4", purges: &hub{}}
	o.opens <- n
	return n, nil
}

// breaks has a node fail.
func breaks(n *Node, text string) {
	n.fault = errors.New(text)
	close(n.failed)
}

// through asks a handler as a command does.
func through(h http.Handler) *Client {
	return &Client{
		Send: func(ctx context.Context, method, path string, query url.Values, body []byte) (int, []byte, error) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, method, path+"?"+query.Encode(), bytes.NewReader(body)))
			return w.Code, w.Body.Bytes(), nil
		},
		Refused: func(status int, _ []byte) error { return errors.New(http.StatusText(status)) },
	}
}

// A queue that stops is opened again, at intervals that grow, and says so once.
func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{began: time.Now(), opens: make(chan *Node, 1)}
		var said bytes.Buffer
		cache := newFakeCache()
		k, err := keep(t.Context(), Options{Listen: "127.0.0.1:0", Cache: cache, ErrorLog: slog.New(slog.NewTextHandler(&said, nil))}, o.open)
		if err != nil {
			t.Fatal(err)
		}
		n := <-o.opens
		if k.o.Listen != "127.0.0.1:4" {
			t.Errorf("it is opened again on %s", k.o.Listen)
		}
		o.at, o.began, o.fail = nil, time.Now(), 7
		breaks(n, "disk full")
		synctest.Wait()
		client := through(k.Handler())
		for name, ask := range map[string]func() error{
			"submit":  func() error { _, err := client.Submit(t.Context(), jobs.Spec{}); return err },
			"queue":   func() error { _, err := k.Queue().Jobs(t.Context(), jobs.Filter{}); return err },
			"watch":   func() error { return k.Queue().Watch(t.Context(), "x", nil) },
			"servers": func() error { _, err := client.Servers(t.Context()); return err },
			"want":    func() error { return k.Want(t.Context(), "x", doLock) },
			"invite":  func() error { _, err := k.Invite("x", 0); return err },
			"log":     func() error { _, _, err := k.ReadLog("x", 0, 0, 1); return err },
			"tail":    func() error { _, _, err := k.TailLog("x", 0, 1); return err },
			"outputs": func() error { _, err := k.Outputs("x", 0); return err },
			"output":  func() error { _, err := k.OpenOutput("x", 0, "y"); return err },
			"purge":   func() error { _, err := k.Purger().Purge(&control.Request{All: true}); return err },
		} {
			if err := ask(); !errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "opened again: disk full") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if status, text, _ := client.Send(t.Context(), "GET", "/job/list", nil, nil); status != 503 || !bytes.Contains(text, []byte(`"code":"away"`)) {
			t.Errorf("%d %s", status, text)
		}
		if a, err := k.Purger().Purge(&control.Request{All: true, Here: true}); err != nil || a.Receipt == nil {
			t.Errorf("a purge of this server alone: %+v %v", a, err)
		}
		next := <-o.opens
		synctest.Wait()
		if at, want := fmt.Sprint(o.at), "[1s 3s 7s 15s 31s 1m1s 1m31s 2m1s]"; at != want {
			t.Errorf("opened at %s, want %s", at, want)
		}
		if now, err := k.now(); now != next || err != nil {
			t.Errorf("%v %v", now, err)
		}
		// The reasons differ each time, and are logged once a minute.
		if lines := strings.Split(strings.TrimSpace(said.String()), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "disk full") ||
			!strings.Contains(lines[1], "another reason") || !strings.Contains(lines[1], "still 1") || !strings.Contains(lines[2], "open again") {
			t.Errorf("%q", lines)
		}
		// It begins with a short wait again.
		o.at, o.began = nil, time.Now()
		breaks(next, "disk full")
		<-o.opens
		if !slices.Equal(o.at, []time.Duration{openAgain}) {
			t.Errorf("opened at %v", o.at)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		if _, err := k.now(); !errors.Is(err, ErrAway) {
			t.Errorf("closed: %v", err)
		}
	})
}

// A reason that stays is logged once, and another one a minute later at the latest.
func TestKeeperSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		o := &opener{began: time.Now(), opens: make(chan *Node, 1), why: func(left int) error {
			if left > 5 {
				return errors.New("disk full")
			}
			return errors.New("damaged")
		}}
		k, err := keep(t.Context(), Options{ErrorLog: slog.New(slog.NewTextHandler(&said, nil))}, o.open)
		if err != nil {
			t.Fatal(err)
		}
		o.fail = 40
		breaks(<-o.opens, "disk full")
		<-o.opens
		synctest.Wait()
		if lines := strings.Split(strings.TrimSpace(said.String()), "\n"); len(lines) != 3 || !strings.Contains(lines[0], "disk full") || !strings.Contains(lines[1], "err=damaged") {
			t.Errorf("%q", lines)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The first opening's error is the caller's; a Keeper whose queue is away ends at
// once, also in the middle of an opening.
func TestKeeperEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &opener{began: time.Now(), fail: 1, opens: make(chan *Node, 1)}
		if _, err := keep(t.Context(), Options{}, o.open); err == nil || !strings.HasPrefix(err.Error(), "no room") {
			t.Errorf("%v", err)
		}
		opening := make(chan bool)
		for _, wait := range []bool{false, true} {
			k, err := keep(t.Context(), Options{ErrorLog: slog.New(slog.DiscardHandler)}, func(ctx context.Context, options Options) (*Node, error) {
				if !options.again {
					return o.open(ctx, options)
				}
				opening <- true
				<-ctx.Done()
				return nil, ctx.Err()
			})
			if err != nil {
				t.Fatal(err)
			}
			breaks(<-o.opens, "x")
			if wait {
				<-opening
			}
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
