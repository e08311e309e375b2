package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/bus"
)

// fault is what goes wrong with one operation of fakeObjects.
type fault int

const (
	well     fault = iota
	fails          // nothing is done
	unheard        // it is done, and an error is returned
	hangs          // until the context ends; nothing is done
	lateHang       // until the context ends; it is done
	other          // a Get: another content, which ends in an error
	short          // a Get: half of it, which ends in an error
)

// fakeObjects are objects in memory.
type fakeObjects struct {
	mu      sync.Mutex // guards what follows
	content map[string][]byte
	count   map[string]int                    // of operations, by name
	fault   func(operation, key string) fault // nil: well
}

var errInjected = errors.New("injected")

// begin counts an operation, and says what becomes of it.
func (o *fakeObjects) begin(ctx context.Context, operation, key string) (f fault, err error) {
	o.mu.Lock()
	o.count[operation]++
	if o.fault != nil {
		f = o.fault(operation, key)
	}
	o.mu.Unlock()
	switch f {
	case fails, unheard:
		return f, errInjected
	case hangs, lateHang:
		<-ctx.Done()
		return f, ctx.Err()
	}
	return f, ctx.Err()
}

func (f fault) does() bool { return f != fails && f != hangs }

func (o *fakeObjects) Put(ctx context.Context, key string, r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f, err := o.begin(ctx, "put", key)
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.does() {
		o.content[key] = content
	}
	return err
}

func (o *fakeObjects) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	f, err := o.begin(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	content, ok := o.content[key]
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: %w", key, bus.ErrNotFound)
	case f == other:
		return io.NopCloser(io.MultiReader(bytes.NewReader(bytes.Repeat([]byte("!"), len(content))), failing{})), nil
	case f == short:
		return io.NopCloser(io.MultiReader(bytes.NewReader(content[:len(content)/2]), failing{})), nil
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// failing is a reader that fails.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errInjected }

func (o *fakeObjects) Delete(ctx context.Context, key string) error {
	f, err := o.begin(ctx, "delete", key)
	o.mu.Lock()
	defer o.mu.Unlock()
	if f.does() {
		delete(o.content, key)
	}
	return err
}

func (o *fakeObjects) Keys(ctx context.Context, f func(string, int64) error) error {
	if _, err := o.begin(ctx, "keys", ""); err != nil {
		return err
	}
	o.mu.Lock()
	content := maps.Clone(o.content)
	o.mu.Unlock()
	for key, text := range content {
		if err := f(key, int64(len(text))); err != nil {
			return err
		}
	}
	return nil
}

// set has operations of a kind go wrong; "" all.
func (o *fakeObjects) set(operation string, f fault) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.fault = func(what, _ string) fault {
		if operation == "" || what == operation {
			return f
		}
		return well
	}
}

// counted is how often an operation was begun.
func (o *fakeObjects) counted(operation string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.count[operation]
}

// keys are those of what is there.
func (o *fakeObjects) keys() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.content))
}

func newFake() *fakeObjects {
	return &fakeObjects{content: map[string][]byte{}, count: map[string]int{}}
}

// elsewhereOf opens what is kept in objects.
func elsewhereOf(t *testing.T, o objects) *elsewhere {
	t.Helper()
	e, err := openElsewhere(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.close() })
	return e
}

// What is nowhere else costs nothing, and what cannot be listed is told.
func TestElsewhereOpens(t *testing.T) {
	if e, err := openElsewhere(t.Context(), nil); e != nil || err != nil {
		t.Errorf("%v, %v", e, err)
	}
	o := newFake()
	o.set("keys", fails)
	if _, err := openElsewhere(t.Context(), o); !errors.Is(err, errInjected) || !strings.Contains(err.Error(), "list the files") {
		t.Error(err)
	}
	o.set("", well)
	e := elsewhereOf(t, o)
	e.close()
	if _, err := e.once(t.Context(), "a", false, nil); !errors.Is(err, errNoCopies) {
		t.Error(err)
	}
}

// Who waits for what hangs waits no longer than allowed, and who goes away leaves
// what was begun to go on.
func TestElsewhereHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newFake()
		e := elsewhereOf(t, o)
		o.set("", hangs)
		begun := time.Now()
		if err := e.put(t.Context(), "a", 3, strings.NewReader("abc")); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != objectTimeout {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		released := make(chan struct{})
		begins, err := e.once(ctx, "a", true, func(context.Context) error { <-released; return errInjected })
		if !begins || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v", begins, err)
		}
		var waiting sync.WaitGroup
		for range 3 { // they have what the first one comes to
			waiting.Go(func() {
				begins, err := e.once(t.Context(), "a", true, func(context.Context) error { t.Error("done again"); return nil })
				if begins || !errors.Is(err, errInjected) {
					t.Errorf("%v, %v", begins, err)
				}
			})
		}
		waiting.Go(func() { // that is something else, and comes after it
			if begins, err := e.once(t.Context(), "a", false, func(context.Context) error { return nil }); !begins || err != nil {
				t.Errorf("%v, %v", begins, err)
			}
		})
		synctest.Wait()
		close(released)
		waiting.Wait()
	})
}

// Who leads no more writes no more, and what is being written ends.
func TestElsewhereYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newFake()
		e := elsewhereOf(t, o)
		o.set("put", hangs)
		time.AfterFunc(time.Second, e.yield)
		if err := e.put(t.Context(), "a", 1, strings.NewReader("a")); !errors.Is(err, errYielded) {
			t.Error(err)
		}
		o.set("", well)
		if err := errors.Join(e.put(t.Context(), "a", 1, strings.NewReader("a")), e.remove(t.Context(), "a")); !errors.Is(err, errYielded) || o.counted("delete") != 0 || o.counted("put") != 1 {
			t.Errorf("%v; %v", err, o.count)
		}
	})
}

// A content that is shorter than it was said to be is not kept.
func TestElsewhereShort(t *testing.T) {
	o := newFake()
	e := elsewhereOf(t, o)
	if err := e.put(t.Context(), "a", 4, strings.NewReader("abc")); !errors.Is(err, io.ErrUnexpectedEOF) || len(o.keys()) != 0 {
		t.Errorf("%v; %q", err, o.keys())
	}
	if err := e.put(t.Context(), "a", 2, strings.NewReader("abc")); err != nil || string(o.content["a"]) != "ab" {
		t.Errorf("%v; %q", err, o.content)
	}
}

// A folder that is a copy begins empty; what was in it is removed.
func TestElsewhereClears(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs[1]")
	for range 3 {
		e := elsewhereOf(t, newFake())
		if err := e.clear(dir); err != nil {
			t.Fatal(err)
		}
		if list := names(t, dir); len(list) != 0 {
			t.Errorf("%q", list)
		}
		for _, name := range []string{"a", "b"} {
			if err := newFile(filepath.Join(dir, name, "c"), false, func(f *os.File) error { _, err := f.WriteString("c"); return err }); err != nil {
				t.Fatal(err)
			}
		}
		e.going.Wait()
		if list := names(t, filepath.Dir(dir)); len(list) != 1 {
			t.Errorf("%q", list)
		}
		e.close()
	}
}

// A folder that was no copy is left alone.
func TestElsewhereIsBeside(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenLogs(dir, testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l.say(t, "j", 1, 1, "text")
	for range 2 {
		e := elsewhereOf(t, newFake())
		over, err := OpenLogs(dir, testRing(), e)
		if err != nil {
			t.Fatal(err)
		}
		out, err := OpenOutputs(dir, 0, testRing(), e)
		if err != nil || out.dir == dir {
			t.Fatal(err)
		}
		if got := over.text(t, "j", 1); got != "" {
			t.Errorf("%q", got)
		}
		over.Close()
		e.close()
	}
	if got := l.text(t, "j", 1); got != "text\n" {
		t.Errorf("%q", got)
	}
}
