package machine

import (
	"os"
	"path/filepath"
	"testing"

	"freshet/internal/alloctest"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][3]float64{
		"0.52 1.58 12.59 1/467 12345\n": {0.52, 1.58, 12.59},
		"0.00 0.00 0.00 1/1 1\n":        {},
		"0.52 1.58":                     {},
		"a b c d":                       {},
		"":                              {},
	} {
		load, ok := parseLoad([]byte(text))
		if load != want || ok != (len(text) > 20) {
			t.Errorf("load of %q: %v, %v", text, load, ok)
		}
	}
	for text, want := range map[string][2]int64{
		"MemTotal:       16384 kB\nMemFree:  1 kB\nMemAvailable:    8192 kB\nBuffers: 9 kB\n": {16384 << 10, 8192 << 10},
		"MemAvailable:    8192 kB\nMemTotal:       16384 kB":                                  {16384 << 10, 8192 << 10},
		"MemTotal:       16384 kB\nMemFree:  1 kB\n":                                          {16384 << 10, 0},
		"MemTotal: many\n": {},
		"MemTotal":         {},
		"":                 {},
	} {
		if total, available := parseMemory([]byte(text)); total != want[0] || available != want[1] {
			t.Errorf("memory of %q: %d, %d", text, total, available)
		}
	}
	for text, want := range map[string]int64{"3000 700 300 5 0 90 0\n": 700, "3000": 0, "3000 x 1": 0, "": 0} {
		if got := parseResident([]byte(text)); got != want {
			t.Errorf("pages of %q: %d", text, got)
		}
	}
}

// What the kernel says of this machine makes sense, and is found in as much of
// its files as is read.
func TestThisMachine(t *testing.T) {
	if load, ok := Load(); !ok || load[0] < 0 || load[2] < 0 {
		t.Errorf("load %v, %v", load, ok)
	}
	total, available := Memory()
	if available <= 0 || total <= available {
		t.Errorf("%d bytes, %d available", total, available)
	}
	before := Resident()
	if before < 1<<20 || before > total {
		t.Errorf("the process has %d bytes of %d", before, total)
	}
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	if after := Resident(); after < before+60<<20 {
		t.Errorf("it had %d bytes, and %d with 64 MiB more", before, after)
	}
	held[0]++
	total, free, ok := Disk(t.TempDir())
	if !ok || free < 0 || total < free {
		t.Errorf("disk of %d bytes, %d free, %v", total, free, ok)
	}
	if _, _, ok := Disk(filepath.Join(t.TempDir(), "none")); ok {
		t.Error("a folder that is not there has a disk")
	}
	if _, _, ok := Disk(""); ok {
		t.Error("no folder has a disk")
	}
}

// A look leaves no descriptor open, and next to no garbage.
func TestLooksCostLittle(t *testing.T) {
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	before := open()
	for name, look := range map[string]func(){
		"load":     func() { Load() },
		"memory":   func() { Memory() },
		"resident": func() { Resident() },
	} {
		// The file's name for the kernel, and what the closure keeps.
		if n := alloctest.PerRun(100, look); n > 3 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors are open, %d were", after, before)
	}
}
