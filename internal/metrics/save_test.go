package metrics

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"freshet/internal/record"
)

// lived returns Metrics that ran until 90 s after the beginning of an hour.
func lived() *Metrics {
	m := New(Options{Places: 1})
	run(m, -3700, 90, 1)
	return m
}

func TestSeriesSurviveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	before := lived()
	if err := before.Save(dir); err != nil {
		t.Fatal(err)
	}
	after1 := New(Options{Places: 1})
	if err := after1.Load(dir); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Resolution{Minutes, Hours} {
		want := before.Last(r, r.Length(), nil)
		got := after1.Series(r, noon.Add(-4*time.Hour), noon.Add(time.Hour), nil)
		if len(got) < 3 || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %d points, want %d", r, len(got), len(want))
		}
	}
	if got := after1.Series(Seconds, noon.Add(-time.Hour), noon.Add(time.Hour), nil); len(got) != 0 {
		t.Errorf("%d seconds", len(got))
	}

	// The minute and the hour in which the restart was go on, and a second save
	// and load counts nothing twice.
	run(after1, 100, 130, 2)
	if err := after1.Save(dir); err != nil {
		t.Fatal(err)
	}
	after2 := New(Options{Places: 1})
	if err := after2.Load(dir); err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Metrics{after1, after2} {
		minutes := m.Series(Minutes, noon, after(180), nil)
		want := []uint32{60, 30 + 40, 20}
		for i, p := range minutes {
			if p.Requests != want[i] {
				t.Errorf("minute %d has %d requests, want %d", i, p.Requests, want[i])
			}
		}
		hours := m.Series(Hours, noon, after(3600), nil)
		if len(minutes) != 3 || len(hours) != 1 || hours[0].Requests != 90+60 || hours[0].Seconds != 120 {
			t.Errorf("%d minutes, hours %+v", len(minutes), hours)
		}
	}
}

func TestSaveOfNothing(t *testing.T) {
	dir := t.TempDir()
	m := New(Options{})
	if err := errors.Join(m.Load(dir), m.Save(dir), m.Load(dir)); err != nil {
		t.Error(err)
	}
}

// A week after it ended, nothing of a server is saved any more.
func TestOldPointsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	if err := lived().Save(dir); err != nil {
		t.Fatal(err)
	}
	m := New(Options{Places: 1})
	if err := m.Load(dir); err != nil {
		t.Fatal(err)
	}
	run(m, 8*24*3600, 8*24*3600+2, 1)
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	minutes, hours, err := decode(content)
	if err != nil || len(minutes) != 1 || len(hours) != 1 {
		t.Errorf("%d minutes, %d hours, %v", len(minutes), len(hours), err)
	}
}

// Whatever happened to the file, what is loaded is all of it or nothing.
func TestLoadOfDamage(t *testing.T) {
	m := lived()
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(change func(b []byte) []byte) []byte {
		b := change(append([]byte(nil), good[:len(good)-4]...))
		return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	}
	tests := map[string]struct {
		content []byte
		want    error
	}{
		"empty":           {nil, errDamaged},
		"another file":    {[]byte(strings.Repeat("freshet", 1000)), errDamaged},
		"cut":             {good[:len(good)/2], errDamaged},
		"longer":          {append(append([]byte(nil), good...), 0), errDamaged},
		"a bit":           {flip(good, len(good)/2), errDamaged},
		"too large":       {make([]byte, maxBytes+1), errDamaged},
		"another version": {sealed(func(b []byte) []byte { b[len(magic)] = version + 1; return b }), errVersion},
		"fewer points":    {sealed(func(b []byte) []byte { return b[:len(b)-pointBytes] }), errDamaged},
		"many points":     {sealed(func(b []byte) []byte { b[len(magic)+4] = 0xff; return b }), errDamaged},
		"odd time":        {sealed(func(b []byte) []byte { b[headBytes]++; return b }), errDamaged},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, tt.content, 0o600); err != nil {
				t.Fatal(err)
			}
			m := New(Options{Places: 1})
			if err := m.Load(dir); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got := m.Series(Minutes, noon.Add(-4*time.Hour), noon.Add(time.Hour), nil); len(got) != 0 {
				t.Errorf("%d points were taken up", len(got))
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b = append([]byte(nil), b...)
	b[at] ^= 1
	return b
}

func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	m := lived()
	path := filepath.Join(dir, FileName)
	if err := os.MkdirAll(filepath.Join(path, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(dir); err == nil {
		t.Error("a folder was replaced")
	}
	if _, err := os.Stat(path + ".new"); !os.IsNotExist(err) {
		t.Errorf("something is left behind: %v", err)
	}
	if err := m.Load(dir); err == nil {
		t.Error("a folder was read")
	}
	if err := m.Save(filepath.Join(dir, "\x00")); err == nil {
		t.Error("saved nowhere")
	}
}

// What the decoder accepts is what the encoder writes.
func FuzzDecode(f *testing.F) {
	m := New(Options{Places: 1})
	requests(m, 3, record.Hit, 200)
	run(m, 0, 130, 1)
	small := encode(m.Last(Minutes, 3, nil), m.Last(Hours, 1, nil))
	f.Add(small[:len(small)-4])
	f.Add(encode(nil, nil)[:headBytes])
	f.Fuzz(func(t *testing.T, body []byte) {
		file := binary.LittleEndian.AppendUint32(append([]byte(nil), body...), crc32.Checksum(body, castagnoli))
		minutes, hours, err := decode(file)
		if err != nil {
			return
		}
		if got := encode(minutes, hours); string(got) != string(file) {
			t.Errorf("%x was read and written as %x", file, got)
		}
		m := New(Options{Places: 1})
		for _, p := range minutes {
			m.series.put(Minutes, p)
		}
		m.series.all(Minutes)
	})
}
