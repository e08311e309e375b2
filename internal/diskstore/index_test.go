package diskstore

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
)

func TestIndex(t *testing.T) {
	var x index
	model := map[Key]entry{}
	r := rand.New(rand.NewPCG(1, 3))
	for i := range 20_000 {
		k := key(r.IntN(3000))
		if i%2 == 0 {
			k = Key{31: byte(r.IntN(256)), 0: byte(r.IntN(8))} // not much of a hash
		}
		want, known := model[k]
		switch r.IntN(5) {
		case 0, 1:
			e := makeEntry(k, int64(r.IntN(1000))*diskBlock, r.IntN(2) == 0, uint32(i))
			if old, existed := x.set(e); existed != known || old != want {
				t.Fatalf("replaced %v (%v), want %v", old, existed, want)
			}
			model[k] = e
		case 2:
			if old, existed := x.remove(k); existed != known || old != want {
				t.Fatalf("removed %v (%v), want %v", old, existed, want)
			}
			delete(model, k)
		case 3:
			if x.touch(k, uint32(i)) != known {
				t.Fatal("touch is wrong")
			}
			if known {
				want.stamp = uint32(i)
				model[k] = want
			}
		case 4:
			if got, existed := x.get(k); existed != known || got != want {
				t.Fatalf("got %v (%v), want %v", got, existed, want)
			}
		}
		if int(x.count.Load()) != len(model) {
			t.Fatalf("%d entries, want %d", x.count.Load(), len(model))
		}
	}
	seen := map[Key]bool{}
	total := int64(0)
	for i := range indexShards {
		for j := 0; ; j++ {
			k, ok := x.at(i, j)
			if !ok {
				break
			}
			seen[k] = true
		}
	}
	for k, e := range model {
		if !seen[k] {
			t.Errorf("%v is not come by", k)
		}
		total += e.cost()
	}
	if got := x.clear(); got != total || x.count.Load() != 0 {
		t.Errorf("cleared %d bytes, want %d", got, total)
	}
	if _, ok := x.victim(); ok {
		t.Error("a victim among none")
	}
}

// Of a few the oldest goes, of many one of the old.
func TestVictim(t *testing.T) {
	var x index
	for i := range samples {
		x.set(makeEntry(key(i), 0, false, uint32(100-i)))
	}
	for i := samples - 1; i >= 0; i-- {
		k, ok := x.victim()
		if !ok || k != key(i) {
			t.Errorf("round %d: not the oldest", i)
		}
		x.remove(k)
	}
	const n = 10_000
	for i := range n {
		x.set(makeEntry(key(i), 0, false, uint32(i)))
	}
	var ranks []uint32
	for range n / 4 {
		k, _ := x.victim()
		e, _ := x.remove(k)
		ranks = append(ranks, e.stamp)
	}
	slices.Sort(ranks)
	if median, last := ranks[len(ranks)/2], ranks[len(ranks)*99/100]; median > n/4 || last > n*2/3 {
		t.Errorf("a quarter evicted: median age rank %d, 99th percentile %d of %d", median, last, n)
	}
}

func TestTicks(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newTicks(now)
	if a, b := c.of(now), c.of(now.Add(time.Second)); b-a != 8 {
		t.Errorf("a second is %d ticks", b-a)
	}
	if c.of(now.AddDate(-30, 0, 0)) != 0 || c.of(now.AddDate(50, 0, 0)) != 1<<32-1 {
		t.Error("times far off are not clamped")
	}
}

// memoryPerEntry fills an index and returns what an entry costs.
func memoryPerEntry(n int) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := new(index)
	r := rand.NewChaCha8([32]byte{1})
	for range n {
		var k Key
		_, _ = r.Read(k[:])
		x.set(makeEntry(k, diskBlock, false, 0))
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(x)
	return (float64(after.HeapAlloc) - float64(before.HeapAlloc)) / float64(n)
}

// 100 bytes: a million objects must cost less than 100 MB of memory.
func TestIndexMemory(t *testing.T) {
	if per := memoryPerEntry(100_000); per > 100 {
		t.Errorf("%.0f bytes for an entry", per)
	}
}

func BenchmarkIndexMemory(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(memoryPerEntry(1_000_000), "bytes/entry")
	}
}

func BenchmarkTouch(b *testing.B) {
	var x index
	for i := range 10_000 {
		x.set(makeEntry(key(i), 0, false, 0))
	}
	k := key(7)
	b.ReportAllocs()
	for b.Loop() {
		x.touch(k, 1)
	}
}
