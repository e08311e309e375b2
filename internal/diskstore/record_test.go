package diskstore

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"freshet/internal/atrest"
)

func sampleRecord() *Record {
	return &Record{Meta: []byte("some metadata"), Bodies: []Body{
		{ID: 1, Size: 5, Extents: []Extent{{0, 5}}, Inline: []byte("small")},
		{ID: 2, Size: 70_000, Extents: []Extent{{0, 70_000}}, Sums: []uint32{1, 2}},
		{ID: 3, Inline: []byte{}},
		{ID: 4, Size: 1 << 40, Extents: []Extent{{10, 20}, {65_000, 140_000}}, Sums: []uint32{3, 4, 5, 6}},
		{ID: 5},
	}}
}

func TestRecord(t *testing.T) {
	r := sampleRecord()
	if err := r.check(100); err != nil {
		t.Fatal(err)
	}
	file := appendRecord([]byte("before"), key(1), r)[6:]
	if int64(len(file)) != encodedSize(r) {
		t.Errorf("%d bytes, announced as %d", len(file), encodedSize(r))
	}
	got, err := decodeRecord(file, key(1))
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := decodeRecord(file, key(2)); err == nil {
		t.Error("another key's file was believed")
	}
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			if _, err := decodeRecord(file, key(1)); err == nil {
				t.Errorf("bit %d of byte %d flipped, and believed", bit, i)
			}
			file[i] ^= 1 << bit
		}
		if _, err := decodeRecord(file[:i], key(1)); err == nil {
			t.Errorf("cut to %d bytes, and believed", i)
		}
	}
	if _, err := decodeRecord(append(file, 0), key(1)); err == nil {
		t.Error("a byte too many, and believed")
	}
}

func TestUnsound(t *testing.T) {
	many := make([]Extent, MaxExtents+1)
	for i := range many {
		many[i] = Extent{int64(2 * i), int64(2*i + 1)}
	}
	for name, b := range map[string]Body{
		"negative size":     {Size: -1},
		"beyond the end":    {Size: 5, Extents: []Extent{{0, 6}}, Sums: []uint32{0}},
		"before the start":  {Size: 5, Extents: []Extent{{-1, 5}}, Sums: []uint32{0}},
		"empty extent":      {Size: 5, Extents: []Extent{{1, 1}}, Sums: []uint32{0}},
		"not merged":        {Size: 5, Extents: []Extent{{0, 1}, {1, 2}}, Sums: []uint32{0, 0}},
		"not sorted":        {Size: 5, Extents: []Extent{{3, 4}, {1, 2}}, Sums: []uint32{0, 0}},
		"a sum too few":     {Size: 70_000, Extents: []Extent{{0, 70_000}}, Sums: []uint32{0}},
		"a sum too many":    {Size: 5, Extents: []Extent{{0, 5}}, Sums: []uint32{0, 0}},
		"too many extents":  {Size: math.MaxInt64, Extents: many, Sums: make([]uint32, len(many))},
		"inline, not whole": {Size: 5, Extents: []Extent{{0, 4}}, Inline: []byte("1234")},
		"inline, short":     {Size: 5, Extents: []Extent{{0, 5}}, Inline: []byte("1234")},
		"inline with sums":  {Size: 1, Extents: []Extent{{0, 1}}, Inline: []byte("1"), Sums: []uint32{1}},
	} {
		r := &Record{Bodies: []Body{b}}
		if err := r.check(0); !errors.Is(err, errUnsound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, r := range map[string]*Record{
		"metadata": {Meta: []byte("123")},
		"bodies":   {Bodies: make([]Body, MaxBodies+1)},
	} {
		if err := r.check(2); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&Record{Bodies: []Body{{ID: 1}, {ID: 1}}}).check(0); !errors.Is(err, errUnsound) {
		t.Errorf("a body twice: %v", err)
	}
}

func TestHas(t *testing.T) {
	b := Body{Size: 100, Extents: []Extent{{10, 20}, {30, 100}}}
	for _, c := range []struct {
		off, n int64
		want   bool
	}{
		{10, 10, true}, {10, 11, false}, {9, 1, false}, {19, 1, true}, {20, 1, false}, {30, 70, true}, {30, 71, false},
		{99, 1, true}, {100, 0, true}, {100, 1, false}, {101, 0, false}, {-1, 1, false}, {15, 20, false}, {5, 0, true},
		{10, math.MaxInt64, false}, {10, -1, false},
	} {
		if got := b.Has(c.off, c.n); got != c.want {
			t.Errorf("Has(%d, %d) = %v", c.off, c.n, got)
		}
	}
	if b.Complete() || !(&Body{}).Complete() || !(&Body{Size: 2, Extents: []Extent{{0, 2}}}).Complete() {
		t.Error("Complete is wrong")
	}
}

func TestCost(t *testing.T) {
	for _, c := range []struct {
		extents []Extent
		want    int64
	}{
		{nil, 0},
		{[]Extent{{0, 1}}, 4096},
		{[]Extent{{0, 4097}}, 8192},
		{[]Extent{{4095, 4097}}, 8192},
		{[]Extent{{0, 1}, {10, 11}}, 4096},
		{[]Extent{{0, 1}, {4000, 5000}}, 8192},
		{[]Extent{{0, 1}, {8192, 8193}}, 8192},
	} {
		b := Body{Size: 10_000, Extents: c.extents}
		if got := b.cost(); got != c.want {
			t.Errorf("%v: %d, want %d", c.extents, got, c.want)
		}
	}
}

// FuzzRecord: whatever is read is refused, or is written as it was read.
func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, Key{}, sampleRecord())[headSize:], uint32(13), uint32(5))
	f.Add([]byte{}, uint32(0), uint32(0))
	b := Body{ID: 1, Size: 100_000, Extents: []Extent{{0, 100_000}}, Seals: []Seal{{N: blockSize}, {N: 100_000 - blockSize}}, Pens: []atrest.Mark{{Key: "k1"}}}
	f.Add(appendRecord(nil, Key{}, &Record{Meta: []byte("meta"), Bodies: []Body{b}})[headSize:], uint32(4), uint32(1))
	b.Extents, b.Seals, b.Pens = []Extent{{5, 10}, {11, 12}}, []Seal{{N: 5}, {N: 1, Pen: 1}}, []atrest.Mark{{Key: "a"}, {Key: "b"}}
	f.Add(appendRecord(nil, Key{}, &Record{Bodies: []Body{b}})[headSize:], uint32(0), uint32(1))
	f.Fuzz(func(t *testing.T, rest []byte, meta, bodies uint32) {
		// The head is made right, so that what comes after is reached.
		file := appendRecord(nil, Key{}, &Record{})
		le.PutUint32(file[56:], meta)
		le.PutUint32(file[60:], bodies)
		file = seal(append(file, rest...))
		r, err := decodeRecord(file, Key{})
		if err != nil {
			return
		}
		if again := appendRecord(nil, Key{}, r); !bytes.Equal(again, file) {
			t.Errorf("read %x, written %x", file, again)
		}
		_ = r.cost()
		for i := range r.Bodies {
			if b := &r.Bodies[i]; b.Inline == nil {
				piecesOf(b)
			}
		}
	})
}
