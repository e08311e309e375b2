package jobs

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestParseArray(t *testing.T) {
	for _, c := range []struct {
		text, want string
		n          int64
	}{
		{"", "", 0},
		{"5", "5", 1},
		{"1-250", "1-250", 250},
		{"1-250x10", "1-241x10", 25},
		{"3,7,9", "3,7,9", 3},
		{"9,7,3,7", "3,7,9", 3},
		{"-5-5", "-5-5", 11},
		{"-5--1", "-5--1", 5},
		{"1-10,11-20", "1-20", 20},
		{"1-10x3", "1-10x3", 4},
		{"1,4,7,10", "1-10x3", 4},
		{"1-100x2,2-100x2", "1-100", 100},
		{"1-10x2,1-10x3", "1,3-5,7,9-10", 7},
		{"1-5,3-9,20", "1-9,20", 10},
		{" 1 , 2 ", "1-2", 2},
		{"1,3", "1,3", 2},
		{"7-7x3", "7", 1},
		{"1-10000000", "1-10000000", 10_000_000},
	} {
		a, err := ParseArray(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if a.Len() != c.n {
			t.Errorf("%q: %d numbers, want %d", c.text, a.Len(), c.n)
		}
		again, err := ParseArray(a.String())
		if err != nil || again.String() != a.String() || again.Len() != a.Len() {
			t.Errorf("%q: %q is read as %q, %v", c.text, a, again, err)
		}
		if a.String() != c.want {
			t.Errorf("%q: %q, want %q", c.text, a, c.want)
		}
	}
	for _, bad := range []string{
		"a", "1-", "-", "1-2x", "1-2x0", "1-2x-1", "2-1", "1,,2", "1-10000001", "1x2", "1-2-3", "99999999999999999999", "1;2", "1-2x3x4",
		"1-9007199254740993", "1-10000000,20000000", "1-9999999x2,1-9999999x3", strings.Repeat("1,", maxArray),
	} {
		if a, err := ParseArray(bad); err == nil {
			t.Errorf("%.40q is read as %.40q", bad, a)
		}
	}
}

func TestArrayLooks(t *testing.T) {
	a, err := ParseArray("-3-3,10-100x30,200")
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{-3, -2, -1, 0, 1, 2, 3, 10, 40, 70, 100, 200}
	if got := slices.Collect(a.All); !slices.Equal(got, want) {
		t.Errorf("All: %v", got)
	}
	for i, n := range want {
		if got := a.Nth(int64(i)); got != n {
			t.Errorf("Nth(%d) = %d, want %d", i, got, n)
		}
		if got, ok := a.Index(n); got != int64(i) || !ok {
			t.Errorf("Index(%d) = %d, %v", n, got, ok)
		}
	}
	for _, n := range []int64{-4, 4, 11, 101, 201} {
		if a.Has(n) {
			t.Errorf("has %d", n)
		}
	}
	text, err := json.Marshal(struct {
		A Array `json:"a,omitzero"`
		B Array `json:"b,omitzero"`
	}{A: Numbers(3, 1, 2)})
	if err != nil || string(text) != `{"a":"1-3"}` {
		t.Errorf("%s, %v", text, err)
	}
	if got := Range(3, 5).String() + Range(5, 3).String(); got != "3-5" {
		t.Error(got)
	}
}

// What a text means does not depend on how it is written.
func FuzzArray(f *testing.F) {
	for _, s := range []string{"1-250", "1-250x10", "3,7,9", "-5-5,20", "1-10x2,1-10x3", "1-5,3-9", "1,3,5,6,7,9,12"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseArray(text)
		if err != nil || a.Len() > 10_000 {
			return
		}
		numbers := slices.Collect(a.All)
		if int64(len(numbers)) != a.Len() || !slices.IsSorted(numbers) || len(slices.Compact(slices.Clone(numbers))) != len(numbers) {
			t.Fatalf("%q: %v", text, numbers)
		}
		again, err := ParseArray(a.String())
		if err != nil || again.String() != a.String() {
			t.Fatalf("%q: %q is read as %q, %v", text, a, again, err)
		}
		if b := Numbers(numbers...); b.String() != a.String() {
			t.Fatalf("%q: %q from its numbers, %q from its text", text, b, a)
		}
		for i, n := range numbers {
			if at, ok := a.Index(n); !ok || at != int64(i) || a.Nth(at) != n {
				t.Fatalf("%q: number %d, %d", text, i, n)
			}
		}
	})
}

func TestSet(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s Set
		model := map[int64]bool{}
		for range 300 {
			lo := r.Int64N(100)
			hi := lo + r.Int64N(10) - 1
			add := r.IntN(2) == 0
			if add {
				s.Add(lo, hi)
			} else {
				s.Remove(lo, hi)
			}
			for n := lo; n <= hi; n++ {
				if model[n] = add; !add {
					delete(model, n)
				}
			}
			if s.Len() != int64(len(model)) {
				t.Fatalf("seed %d: %v has %d numbers, want %d", seed, s.ranges, s.Len(), len(model))
			}
			i := int64(0)
			for n := range int64(112) {
				if s.Has(n) != model[n] {
					t.Fatalf("seed %d: Has(%d)", seed, n)
				}
				if model[n] {
					if got := s.Nth(i); got != n {
						t.Fatalf("seed %d: Nth(%d) = %d, want %d", seed, i, got, n)
					}
					i++
				}
			}
			for k := 1; k < len(s.ranges); k++ {
				if s.ranges[k].lo <= s.ranges[k-1].hi+1 {
					t.Fatalf("seed %d: %v", seed, s.ranges)
				}
			}
		}
	}
}
