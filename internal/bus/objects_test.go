//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// eachObjects runs a test on a server in the process and on one elsewhere.
func eachObjects(t *testing.T, o ObjectsOptions, f func(t *testing.T, o *Objects)) {
	open := func(t *testing.T, c *Conn) *Objects {
		objects, err := c.Objects(limited(t), "files", o)
		if err != nil {
			t.Fatal(err)
		}
		return objects
	}
	t.Run("inside", func(t *testing.T) { f(t, open(t, connect(t, startServer(t, t.TempDir()), "a"))) })
	t.Run("elsewhere", func(t *testing.T) {
		c, err := Connect(limited(t), ConnectOptions{URL: elsewhere(t, server.Options{}).ClientURL(), Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		f(t, open(t, c))
	})
}

// blob is a content of so many bytes, another for each seed.
func blob(size int, seed byte) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

func mustPutObject(t *testing.T, o *Objects, key string, content []byte) {
	t.Helper()
	if err := o.Put(limited(t), key, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}

// object reads an object to its end.
func object(ctx context.Context, o *Objects, key string) ([]byte, error) {
	r, err := o.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func wantObject(t *testing.T, o *Objects, key string, want []byte) {
	t.Helper()
	if got, err := object(limited(t), o, key); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%.40q: %d bytes, %v, want %d bytes", key, len(got), err, len(want))
	}
}

// contents is how many contents there are, visible or not.
func contents(t *testing.T, o *Objects) int {
	t.Helper()
	info, err := o.stream.Info(limited(t), jetstream.WithSubjectFilter(o.contentOf(">")))
	if err != nil {
		t.Fatal(err)
	}
	return len(info.State.Subjects)
}

func TestObjects(t *testing.T) {
	eachObjects(t, ObjectsOptions{}, func(t *testing.T, o *Objects) {
		want := map[string][]byte{
			"a":                                    blob(1, 1),
			"job/7/out put.txt":                    blob(chunkSize, 2),
			"ä":                                    blob(chunkSize+1, 3),
			"\xff\x00*.>":                          blob(20*chunkSize-1, 4),
			strings.Repeat("/", maxObject):         blob(300, 5),
			strings.Repeat("/", maxObject-1) + "x": {},
		}
		for key, content := range want {
			// Whatever pieces it comes in, it is the same.
			if err := o.Put(limited(t), key, iotest.HalfReader(bytes.NewReader(content))); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		list := func(key string, size int64) error {
			keys = append(keys, key)
			if size != int64(len(want[key])) {
				t.Errorf("%.40q has %d bytes, want %d", key, size, len(want[key]))
			}
			return nil
		}
		if err := o.Keys(limited(t), list); err != nil || len(keys) != len(want) || !slices.IsSorted(keys) {
			t.Errorf("%.40q, %v", keys, err)
		}
		for key, content := range want {
			wantObject(t, o, key, content)
		}
		if n := contents(t, o); n != len(want)-1 { // one is empty
			t.Errorf("%d contents", n)
		}
		// Replaced: nothing is left of what was there.
		mustPutObject(t, o, "a", blob(3*chunkSize, 6))
		wantObject(t, o, "a", blob(3*chunkSize, 6))
		mustPutObject(t, o, "a", blob(5, 7))
		wantObject(t, o, "a", blob(5, 7))
		if n := contents(t, o); n != len(want)-1 {
			t.Errorf("%d contents", n)
		}
		for key := range want {
			if err := o.Delete(limited(t), key); err != nil {
				t.Error(err)
			}
			if _, err := o.Get(limited(t), key); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v", err)
			}
			if err := o.Delete(limited(t), key); err != nil {
				t.Error("there was none:", err)
			}
		}
		info, err := o.stream.Info(limited(t))
		if err != nil || info.State.Msgs != 0 {
			t.Errorf("%+v, %v", info, err)
		}
		for _, key := range []string{"", strings.Repeat("x", maxObject+1)} {
			for what, err := range map[string]error{"put": o.Put(limited(t), key, nil), "get": second(o.Get(limited(t), key)), "delete": o.Delete(limited(t), key)} {
				if !errors.Is(err, ErrName) {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		stop := errors.New("stop")
		mustPutObject(t, o, "a", nil)
		if err := o.Keys(limited(t), func(string, int64) error { return stop }); err != stop {
			t.Errorf("%v", err)
		}
	})
}

func TestObjectsOpen(t *testing.T) {
	c := connect(t, startServer(t, t.TempDir()), "a")
	for name, o := range map[string]ObjectsOptions{"no name": {}, "files": {Replicas: 2}} {
		if _, err := c.Objects(limited(t), name, o); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := connect(t, startWith(t, Options{NoStore: true, Dir: t.TempDir()}), "a").Objects(limited(t), "files", ObjectsOptions{}); !errors.Is(err, ErrNoStore) {
		t.Errorf("%v", err)
	}
	one, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustPutObject(t, one, "a b", blob(1000, 1))
	wantObject(t, two, "a b", blob(1000, 1))
	// It is shown by the name that NATS' own tools have for it, and nobody writes into it by hand.
	if state, err := c.State(limited(t)); err != nil || len(state.Streams) != 1 || state.Streams[0].Name != "OBJ_files" || state.Streams[0].Messages != 2 {
		t.Errorf("%+v, %v", state, err)
	}
	if _, _, err := c.Store(limited(t), one.contentOf("x"), nil, []byte("x")); !errors.Is(err, ErrName) {
		t.Errorf("%v", err)
	}
	// NATS' own client reads what we put, and we what it put.
	theirs, err := c.js.ObjectStore(limited(t), "files")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := theirs.GetBytes(limited(t), "a=20b"); err != nil || !bytes.Equal(got, blob(1000, 1)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := theirs.PutBytes(limited(t), "c=20d", blob(chunkSize+7, 2)); err != nil {
		t.Fatal(err)
	}
	wantObject(t, one, "c d", blob(chunkSize+7, 2))
	if err := theirs.Delete(limited(t), "a=20b"); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Get(limited(t), "a b"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
	var keys []string
	if err := one.Keys(limited(t), func(key string, _ int64) error { keys = append(keys, key); return nil }); err != nil || !slices.Equal(keys, []string{"c d"}) {
		t.Errorf("%q, %v", keys, err)
	}
	mustPutObject(t, one, "a b", nil)
	wantObject(t, one, "a b", nil)
}

// TestObjectsTogether: of those that put at once one wins, and nothing is left of
// the others.
func TestObjectsTogether(t *testing.T) {
	eachObjects(t, ObjectsOptions{}, func(t *testing.T, o *Objects) {
		const writers = 6
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() {
				for range 3 {
					if err := o.Put(limited(t), "a", bytes.NewReader(blob(chunkSize+i, byte(i)))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		got, err := object(limited(t), o, "a")
		if i := len(got) - chunkSize; err != nil || i < 0 || i >= writers || !bytes.Equal(got, blob(chunkSize+i, byte(i))) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if n := contents(t, o); n != 1 {
			t.Errorf("%d contents", n)
		}
	})
}

func TestObjectsSweep(t *testing.T) {
	eachObjects(t, ObjectsOptions{}, func(t *testing.T, o *Objects) {
		mustPutObject(t, o, "a", blob(2*chunkSize, 1))
		mustPutObject(t, o, "empty", nil)
		for _, id := range []string{"left", "behind"} {
			for range 3 {
				if _, err := o.c.js.Publish(limited(t), o.contentOf(id), []byte("x")); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := o.Sweep(limited(t)); err != nil || contents(t, o) != 3 {
			t.Errorf("what is young is swept away: %d, %v", contents(t, o), err)
		}
		late := *o
		late.stale = 0
		if err := late.Sweep(limited(t)); err != nil || contents(t, o) != 1 {
			t.Errorf("%d contents, %v", contents(t, o), err)
		}
		wantObject(t, o, "a", blob(2*chunkSize, 1))
		wantObject(t, o, "empty", nil)
	})
}
