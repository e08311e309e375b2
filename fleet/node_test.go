package fleet_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/jobs"
)

func opened(t *testing.T, dir string) *fleet.Node {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the programs of these tests are not there")
	}
	n, err := fleet.Open(t.Context(), fleet.Options{Dir: dir, Name: "here", Tasks: 2, Drain: time.Minute, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, n) })
	return n
}

func closed(t *testing.T, n *fleet.Node) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// client asks a node as a command does.
func client(n *fleet.Node) *fleet.Client { return clientOf(n.Handler()) }

func clientOf(h http.Handler) *fleet.Client {
	return &fleet.Client{
		Send: func(ctx context.Context, method, path string, query url.Values, body []byte) (int, []byte, error) {
			r := httptest.NewRequestWithContext(ctx, method, path+"?"+query.Encode(), strings.NewReader(string(body)))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code, w.Body.Bytes(), nil
		},
		Refused: func(status int, _ []byte) error { return errors.New(http.StatusText(status)) },
	}
}

// A job goes all the way: submitted, run for each number, its output and its
// files kept, and known after a restart.
func TestAJob(t *testing.T) {
	dir := t.TempDir()
	n := opened(t, dir)
	c := client(n)
	spec := jobs.Spec{Name: "three", Owner: "ada", Command: []string{"sh", "-c", "echo frame {frame:03}; echo made > out-{frame}.txt; echo progress 0.5 half >&3"},
		Array: jobs.Range(1, 3), Outputs: []string{"out-{frame}.txt"}}
	ids, err := c.Submit(t.Context(), spec)
	if err != nil || len(ids) != 1 {
		t.Fatal(ids, err)
	}
	info, err := c.Wait(t.Context(), ids[0])
	if err != nil || info.State != jobs.Succeeded || info.Counts.Of(jobs.Succeeded) != 3 {
		t.Fatalf("%+v %v", info, err)
	}
	check := func(c *fleet.Client) {
		t.Helper()
		if text, err := c.Log(t.Context(), ids[0], 2, 0); err != nil || string(text) != "frame 002\n" {
			t.Errorf("%q %v", text, err)
		}
		files, err := c.Outputs(t.Context(), ids[0], 2)
		if err != nil || len(files) != 1 || files[0].Name != "out-2.txt" {
			t.Fatalf("%+v %v", files, err)
		}
		f, err := n.Outputs().OpenOutput(ids[0], 2, "out-2.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if b, err := io.ReadAll(f); err != nil || string(b) != "made\n" {
			t.Errorf("%q %v", b, err)
		}
		for _, name := range []string{"", ".", "none", "../1.1/out-1.txt", "/etc/passwd", "out-2.txt/x"} {
			if f, err := n.Outputs().OpenOutput(ids[0], 2, name); err == nil {
				t.Errorf("%q is opened", name)
				f.Close()
			}
		}
		if b, err := os.ReadFile(files[0].Path); err != nil || string(b) != "made\n" {
			t.Errorf("%q %v", b, err)
		}
		page, err := c.Jobs(t.Context(), jobs.Filter{Owner: "ada", States: []jobs.State{jobs.Succeeded}})
		if err != nil || len(page.Jobs) != 1 || page.Jobs[0].ID != ids[0] {
			t.Errorf("%+v %v", page, err)
		}
	}
	check(c)
	closed(t, n)
	check(client(opened(t, dir)))
}

// What is not there, and what makes no sense, is an error of the same kind on
// both sides.
func TestFaults(t *testing.T) {
	n := opened(t, t.TempDir())
	c := client(n)
	if _, err := c.Job(t.Context(), "000000000"); !errors.Is(err, jobs.ErrUnknown) {
		t.Errorf("a job that is not there: %v", err)
	}
	if _, err := c.Log(t.Context(), "../../etc", 1, 0); !errors.Is(err, jobs.ErrUnknown) {
		t.Errorf("a name that leads elsewhere: %v", err)
	}
	if _, err := c.Submit(t.Context(), jobs.Spec{}); !errors.Is(err, jobs.ErrSpec) {
		t.Errorf("a job without a program: %v", err)
	}
	if _, err := c.Jobs(t.Context(), jobs.Filter{N: 5000}); err == nil || !strings.Contains(err.Error(), "from 1 to 1000") {
		t.Errorf("too many rows: %v", err)
	}
	none := &fleet.Client{
		Send: func(context.Context, string, string, url.Values, []byte) (int, []byte, error) {
			return 404, []byte("no"), nil
		},
		Refused: c.Refused,
	}
	if _, err := none.Workers(t.Context()); !errors.Is(err, fleet.ErrNoQueue) {
		t.Errorf("a server without a queue: %v", err)
	}
}

// A folder is one process's.
func TestOneAtATime(t *testing.T) {
	dir := t.TempDir()
	opened(t, dir)
	if n, err := fleet.Open(t.Context(), fleet.Options{Dir: dir, ErrorLog: slog.New(slog.DiscardHandler)}); !errors.Is(err, fleet.ErrInUse) {
		t.Errorf("opened twice: %v", err)
		if n != nil {
			n.Close()
		}
	}
}

// What runs when a node is closed is ended, and run again at the next start.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	n, err := fleet.Open(t.Context(), fleet.Options{Dir: dir, Name: "here", Tasks: 1, Drain: time.Nanosecond, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	c := client(n)
	ids, err := c.Submit(t.Context(), jobs.Spec{Command: []string{"sh", "-c", "test $FRESHET_ATTEMPT -gt 1 || { echo begun; exec sleep 1000; }"}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs", func() bool {
		text, err := c.Log(t.Context(), ids[0], 0, 0)
		return err == nil && string(text) == "begun\n"
	})
	closed(t, n)
	if info, err := client(opened(t, dir)).Wait(t.Context(), ids[0]); err != nil || info.State != jobs.Succeeded {
		t.Errorf("%+v %v", info, err)
	}
}

// eventually waits for something that happens in another process.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after a minute", what)
		}
	}
}
