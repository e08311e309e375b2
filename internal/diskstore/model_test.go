package diskstore

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

var modelRounds = flag.Int("model.rounds", 6, "how many random histories TestModel tries")

// history is a store beside a model of it: all that was ever put, by its
// metadata, which is different each time, and what each key has now.
type history struct {
	t     *testing.T
	r     *rand.Rand
	fs    *faultFS
	s     *Store
	opt   Options
	puts  map[string]stored
	now   map[Key]stored
	loose bool // a crash may have lost some: a key has any of its versions, or none
	seeds int
}

type stored struct {
	key    Key
	meta   string
	bodies []modelBody
}

// modelBody is a body whose content follows from a seed.
type modelBody struct {
	seed int
	body Body
}

func (h *history) open() {
	var err error
	if h.s, err = openStore(h.opt); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) key() Key { return key(h.r.IntN(20)) }

func (h *history) size() int {
	return []int{0, h.r.IntN(100), h.r.IntN(2000), 1 + h.r.IntN(100_000), 65536 * h.r.IntN(4)}[h.r.IntN(5)]
}

func (h *history) put() {
	v := stored{key: h.key(), meta: fmt.Sprintf("put %d %*d", len(h.puts), h.r.IntN(9000), 0)}
	if old, known := h.now[v.key]; known && !h.loose {
		for _, b := range old.bodies {
			if h.r.IntN(2) == 0 {
				v.bodies = append(v.bodies, b)
			}
		}
	}
	for range h.r.IntN(3) {
		h.seeds++
		data := content(h.seeds, h.size())
		v.bodies = append(v.bodies, modelBody{h.seeds, write(h.t, h.s, int64(h.r.IntN(2)*len(data)-1), data)})
	}
	h.store(v)
}

// sparse puts an object with one body that has holes, or fills some.
func (h *history) sparse() {
	const size = 400_000
	k := h.key()
	v := stored{key: k, meta: fmt.Sprintf("put %d", len(h.puts))}
	w, seed, err := (*Writer)(nil), 0, ErrNotFound
	if old := h.now[k]; len(old.bodies) > 0 && !h.loose {
		last := old.bodies[len(old.bodies)-1]
		seed = last.seed
		if last.body.Size == size {
			w, err = h.s.AddTo(k, last.body.ID)
		}
	}
	if err != nil {
		h.seeds++
		seed = h.seeds
		if w, err = h.s.OpenSparse(size); err != nil {
			h.t.Fatal(err)
		}
	}
	data := content(seed, size)
	for range 1 + h.r.IntN(5) {
		start := h.r.IntN(size)
		end := min(size, start+h.r.IntN(150_000))
		if _, err := w.WriteAt(data[start:end], int64(start)); err != nil {
			h.t.Fatal(err)
		}
	}
	b, err := w.Finish()
	if err != nil {
		h.t.Fatal(err)
	}
	v.bodies = []modelBody{{seed, b}}
	h.store(v)
}

func (h *history) store(v stored) {
	r := &Record{Meta: []byte(v.meta)}
	for _, b := range v.bodies {
		r.Bodies = append(r.Bodies, b.body)
	}
	if err := h.s.Put(v.key, r); err != nil {
		h.t.Fatalf("put %q: %v", v.meta, err)
	}
	h.puts[v.meta], h.now[v.key] = v, v
}

// check compares what k has with what it may have.
func (h *history) check(k Key) {
	h.t.Helper()
	o, err := h.s.Get(k)
	now, known := h.now[k]
	if errors.Is(err, ErrNotFound) {
		if known && !h.loose && h.s.evictions.Load() == 0 {
			h.t.Fatalf("%q is gone", now.meta)
		}
		delete(h.now, k)
		return
	}
	if err != nil {
		h.t.Fatal(err)
	}
	defer o.Release()
	rec := o.Record()
	v, ever := h.puts[string(rec.Meta)]
	if !ever || v.key != k || len(v.bodies) != len(rec.Bodies) {
		h.t.Fatalf("%q with %d bodies was never put for this key", rec.Meta, len(rec.Bodies))
	}
	if !h.loose && (!known || v.meta != now.meta) {
		h.t.Fatalf("got %q, want %q (%v)", v.meta, now.meta, known)
	}
	for i, b := range v.bodies {
		h.checkBody(o, i, b)
	}
}

func (h *history) checkBody(o *Object, i int, b modelBody) {
	if got := o.Record().Bodies[i]; got.ID != b.body.ID || got.Size != b.body.Size || !slices.Equal(got.Extents, b.body.Extents) {
		h.t.Fatalf("body %d is %+v, want %+v", i, got, b.body)
	}
	f, err := o.OpenBody(i)
	if err == nil {
		defer f.Release()
	}
	data := content(b.seed, int(b.body.Size))
	for _, e := range b.body.Extents {
		if err == nil {
			err = f.Verify(e.Start, e.End-e.Start)
		}
		if err != nil {
			if h.loose && (errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound)) {
				return // lost, and it says so
			}
			h.t.Fatalf("body %d: %v", i, err)
		}
		got := make([]byte, e.End-e.Start)
		if _, err := f.ReadAt(got, e.Start); err != nil {
			h.t.Fatal(err)
		}
		if !bytes.Equal(got, data[e.Start:e.End]) {
			h.t.Fatalf("body %d: wrong bytes passed Verify", i)
		}
	}
}

// end ends this life of the store: by Close, by a kill (all that was done is
// on disk) or by a loss of power.
func (h *history) end() {
	switch h.r.IntN(3) {
	case 0:
		h.s.Close()
	case 1:
		h.s.abandon()
	case 2:
		h.s.abandon()
		h.fs.crash(h.r, h.r.IntN(40), h.r.IntN(10))
		h.loose = true
	}
}

// abandon stops the goroutines of s and lets go of the directory; nothing that
// Close would write is written.
func (s *Store) abandon() {
	s.mu.Lock()
	s.closed.Store(true)
	s.mu.Unlock()
	s.stop()
	s.background.Wait()
	s.lock.Close()
}

func (h *history) step() {
	switch n := h.r.IntN(100); {
	case n < 35:
		h.put()
	case n < 45:
		h.sparse()
	case n < 80:
		h.check(h.key())
	case n < 90:
		k := h.key()
		if err := h.s.Delete(k); err != nil {
			h.t.Fatal(err)
		}
		delete(h.now, k)
	case n < 91:
		if err := h.s.Clear(); err != nil {
			h.t.Fatal(err)
		}
		clear(h.now)
	case n < 93:
		k := h.key()
		l := h.s.stripe(&k)
		l.Lock()
		if _, err := h.s.remove(k); err != nil {
			h.t.Fatal(err)
		}
		l.Unlock()
		delete(h.now, k)
	case n < 95:
		w, err := h.s.Create(int64(h.size()))
		if err != nil {
			h.t.Fatal(err)
		}
		_, _ = w.Write(content(0, h.size()))
		if h.r.IntN(2) == 0 {
			_, _ = w.Finish()
		}
		w.Abort()
	default:
		h.end()
		h.open()
		for i := range 20 {
			if h.r.IntN(3) == 0 {
				h.check(key(i)) // before or while the index is built
			}
		}
		h.look()
	}
}

// look settles the store and learns what a crash has left.
func (h *history) look() {
	settled(h.t, h.s)
	for i := range 20 {
		h.check(key(i))
		if !h.loose {
			continue
		}
		// Whatever is there now is what the model goes on from.
		delete(h.now, key(i))
		if o, err := h.s.Get(key(i)); err == nil {
			h.now[key(i)] = h.puts[string(o.Record().Meta)]
			o.Release()
		}
	}
	h.loose = false
	balanced(h.t, h.s)
}

// A store behaves like a map, through any history of lives; one with little
// room like a map that forgets.
func TestModel(t *testing.T) {
	first := wiretest.Seed(t)
	for round := range uint64(*modelRounds) {
		t.Run(fmt.Sprint(first+round), func(t *testing.T) {
			h := &history{
				t: t, r: rand.New(rand.NewPCG(first+round, 1)), fs: &faultFS{record: true},
				puts: map[string]stored{}, now: map[Key]stored{},
			}
			h.opt = Options{Dir: t.TempDir(), FS: h.fs, ScrubRate: -1, Now: time.Now}
			h.open()
			settled(t, h.s)
			for range 150 {
				h.step()
			}
			h.look()
			h.s.Close()
		})
	}
}
