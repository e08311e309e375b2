package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
	"freshet/jobs"
)

// Jobs that fill the bus are refused before purges are, and before what becomes of
// tasks cannot be written; when there is room again they are accepted.
func TestRoomForPurges(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	const store = 16 << 20
	cache := newFakeCache()
	cache.Hold()
	n, err := Open(t.Context(), Options{Dir: t.TempDir(), Name: "hub", Tasks: 1, Listen: "127.0.0.1:0", Cache: cache, Drain: time.Nanosecond, ErrorLog: slog.New(slog.DiscardHandler), store: store})
	if errors.Is(err, bus.ErrAbsent) {
		t.Skip("there is no bus")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	large := jobs.Spec{Command: []string{"true", strings.Repeat("x", 100<<10)}, Needs: map[string]string{"nobody": ""}}
	var ids []jobs.ID
	for err == nil {
		var more []jobs.ID
		more, err = n.Queue().Submit(t.Context(), large)
		ids = append(ids, more...)
		if len(ids) > store/(100<<10) {
			t.Fatalf("%d jobs are taken", len(ids))
		}
	}
	if !errors.Is(err, jobs.ErrFull) || !strings.Contains(err.Error(), "the last tenth is for purges") {
		t.Fatal(err)
	}
	if len(ids) < 10 {
		t.Errorf("%d jobs are taken", len(ids))
	}
	cache.store("a", 1)
	for i := range 50 {
		a, err := n.Purger().Purge(&control.Request{Tags: []string{"a", fmt.Sprint("b", i)}})
		if err != nil || a.Receipt == nil {
			t.Fatalf("purge %d: %+v, %v", i, a, err)
		}
	}
	if cache.serves("a") != 0 {
		t.Error("it is not purged")
	}
	for _, id := range ids {
		if err := n.Queue().Cancel(t.Context(), id, jobs.Array{}); err != nil {
			t.Fatal(err)
		}
	}
	if n.Fault() != nil {
		t.Error(n.Fault())
	}
	used, most, err := n.conn.Room(t.Context())
	if err != nil || most != store || used > store || used < int64(len(ids)*100<<10) {
		t.Errorf("%d of %d bytes, %v", used, most, err)
	}
}

// What is added counts until it was looked, and what is not bounded is not.
func TestRoom(t *testing.T) {
	var r room
	if err := r.take(1 << 40); err != nil {
		t.Errorf("without a bound: %v", err)
	}
	r = room{used: 500, most: 1000}
	if err := r.take(150); err != nil {
		t.Error(err)
	}
	for _, more := range []int{51, 1000} {
		if err := r.take(more); !errors.Is(err, jobs.ErrFull) {
			t.Errorf("%d more: %v", more, err)
		}
	}
	if err := r.take(50); err != nil {
		t.Errorf("what was refused does not count: %v", err)
	}
}

// A file for which there is no room is refused before anything of it is put, and
// leaves room for jobs; those leave room for purges.
func TestRoomForFiles(t *testing.T) {
	there := newFake()
	r := &room{used: 500, most: 1000}
	e := elsewhereOf(t, roomy{there, r})
	put := func(name string, size int) error {
		return e.put(t.Context(), name, int64(size), strings.NewReader(strings.Repeat("x", size)))
	}
	if err := put("input/a", 200); err != nil {
		t.Error(err)
	}
	puts := there.counted("put")
	if err := put("input/b", 101); !errors.Is(err, jobs.ErrFull) || !strings.Contains(err.Error(), "--job-keep") {
		t.Errorf("it leaves less than two tenths: %v", err)
	}
	if there.counted("put") != puts || there.content["input/b"] != nil {
		t.Error("some of it was put")
	}
	if err := put("output/c", 100); err != nil {
		t.Errorf("what was refused does not count: %v", err)
	}
	if err := put("log/d", 1); !errors.Is(err, jobs.ErrFull) {
		t.Errorf("it is full: %v", err)
	}
	if err := r.take(50); err != nil {
		t.Errorf("there is room for jobs: %v", err)
	}
	if err := r.take(1); !errors.Is(err, jobs.ErrFull) {
		t.Errorf("what is left is for purges: %v", err)
	}
}

// storeOf is a bus whose store has so many bytes, with files and a log of purges.
func storeOf(t *testing.T, size int64) (conn *bus.Conn, files *bus.Objects, log *bus.Log) {
	t.Helper()
	server, err := bus.Start(bus.Options{Dir: t.TempDir(), MaxStore: size})
	if errors.Is(err, bus.ErrAbsent) {
		t.Skip("there is no bus")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	conn, err = server.Connect("hub")
	if err != nil {
		t.Fatal(err)
	}
	files, err = conn.Objects(t.Context(), filesName, bus.ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	log, err = conn.Log(t.Context(), "purges", bus.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return conn, files, log
}

// The same on a store that gets full: the files refuse more while purges, which are
// entries of a log there, are still written.
func TestRoomForFilesOnTheBus(t *testing.T) {
	const store = 32 << 20
	conn, files, log := storeOf(t, store)
	var r room
	e := elsewhereOf(t, roomy{files, &r})
	content := strings.Repeat("x", 1<<20)
	var err error
	n := 0
	for ; err == nil && n < store>>20; n++ {
		if n%4 == 0 { // it is looked now and then
			if err := r.look(t.Context(), conn); err != nil {
				t.Fatal(err)
			}
		}
		err = e.put(t.Context(), fmt.Sprint("input/", n), int64(len(content)), strings.NewReader(content))
	}
	used, most, err2 := conn.Room(t.Context())
	if !errors.Is(err, jobs.ErrFull) || err2 != nil || used > most/10*8 || used < most/2 {
		t.Errorf("after %d files %d of %d bytes are in use: %v, %v", n, used, most, err, err2)
	}
	last := uint64(0)
	for range 50 {
		if last, err = log.Append(t.Context(), last, make([]byte, 64<<10)); err != nil {
			t.Fatalf("entry %d: %v", last+1, err)
		}
	}
}

// Files that are long on their way count until they have come, however often it is
// looked meanwhile: those for which there is no room are refused at once, the others
// come whole, and purges are written.
func TestRoomForFilesOnTheirWay(t *testing.T) {
	const store, size = 32 << 20, 12 << 20
	conn, files, log := storeOf(t, store)
	var r room
	if err := r.look(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	e := elsewhereOf(t, roomy{files, &r})
	on := make(chan struct{})
	var coming []chan error
	for i := range 4 {
		begun, ended := make(chan struct{}), make(chan error, 1)
		content := io.MultiReader(&telling{begun: begun}, strings.NewReader(strings.Repeat("x", 64<<10)), &waitingReader{on}, strings.NewReader(strings.Repeat("x", size-64<<10)))
		go func() { ended <- e.put(t.Context(), fmt.Sprint("input/", i), size, content) }()
		select {
		case <-begun:
			coming = append(coming, ended)
		case err := <-ended:
			if !errors.Is(err, jobs.ErrFull) {
				t.Errorf("file %d: %v", i, err)
			}
		}
		for range 2 {
			if err := r.look(t.Context(), conn); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(on)
	if len(coming) != 2 {
		t.Errorf("%d files of %d bytes are accepted, for a store of %d", len(coming), size, store)
	}
	for i, ended := range coming {
		if err := <-ended; err != nil {
			t.Errorf("file %d: %v", i, err)
		}
	}
	last, err := uint64(0), error(nil)
	for range 43 {
		if last, err = log.Append(t.Context(), last, make([]byte, 64<<10)); err != nil {
			t.Fatalf("entry %d: %v", last+1, err)
		}
	}
	if err := r.look(t.Context(), conn); err != nil || r.coming != 0 || r.added != 0 {
		t.Errorf("%d bytes come, %d are added: %v", r.coming, r.added, err)
	}
}

// A file that does not come whole counts as far as it was put.
func TestRoomOfAFileThatFails(t *testing.T) {
	r := &room{used: 500, most: 1000}
	e := elsewhereOf(t, roomy{readingObjects{newFake()}, r})
	if err := e.put(t.Context(), "input/a", 200, strings.NewReader(strings.Repeat("x", 50))); err == nil {
		t.Error("it is put")
	}
	if r.coming != 0 || r.added != 50 {
		t.Errorf("%d bytes come, %d are added", r.coming, r.added)
	}
}

// readingObjects read what is put before they put it.
type readingObjects struct{ objects }

func (o readingObjects) Put(ctx context.Context, key string, r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return o.objects.Put(ctx, key, bytes.NewReader(content))
}

// telling is an empty reader that says when it is read.
type telling struct{ begun chan struct{} }

func (r *telling) Read([]byte) (int, error) {
	close(r.begun)
	return 0, io.EOF
}

// waitingReader is an empty reader that lasts until a channel is closed.
type waitingReader struct{ on chan struct{} }

func (r *waitingReader) Read([]byte) (int, error) {
	<-r.on
	return 0, io.EOF
}
