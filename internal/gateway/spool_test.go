package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"freshet/internal/rule"
)

func TestSpool(t *testing.T) {
	for _, tt := range []struct {
		name         string
		size         int
		memory, most int64
		inFile       bool
		fault        rule.ID
	}{
		{"nothing", 0, 10, 20, false, 0},
		{"little", 9, 10, 20, false, 0},
		{"all of the memory", 10, 10, 20, false, 0},
		{"beyond it", 11, 10, 20, true, 0},
		{"as much as may be", 20, 10, 20, true, 0},
		{"too much", 21, 10, 20, false, rule.ScriptBodyTooLarge},
		{"far too much", 1 << 20, 10, 20, false, rule.ScriptBodyTooLarge},
		{"in memory only", 20, 100, 20, false, 0},
		{"too much for memory only", 21, 100, 20, false, rule.ScriptBodyTooLarge},
		{"equal limits", 20, 20, 20, false, 0},
		{"more than equal limits", 21, 20, 20, false, rule.ScriptBodyTooLarge},
		{"the default in memory", 64 << 10, 0, 0, false, 0},
		{"beyond the default", 64<<10 + 1, 0, 0, true, 0},
		{"several buffers", 300 << 10, 0, 0, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			body := bytes.Repeat([]byte("0123456789abcde\n"), tt.size/16+1)[:tt.size]
			for _, from := range []io.Reader{bytes.NewReader(body), iotest.HalfReader(bytes.NewReader(body)), iotest.DataErrReader(bytes.NewReader(body))} {
				s, f := Spool(from, SpoolOptions{Memory: tt.memory, Most: tt.most, Dir: dir})
				noNames(t, dir)
				if tt.fault != 0 {
					if f == nil || f.Rule != tt.fault {
						t.Fatalf("%v, want %v", f, tt.fault)
					}
					continue
				}
				if f != nil {
					t.Fatal(f)
				}
				if s.Size != int64(tt.size) || (s.File != nil) != tt.inFile {
					t.Errorf("%d octets, in a file: %v", s.Size, s.File != nil)
				}
				for range 2 { // from the start each time
					if got, err := io.ReadAll(s.Reader()); err != nil || !bytes.Equal(got, body) {
						t.Errorf("%d octets, %v", len(got), err)
					}
				}
				if s.File != nil { // as a program reads it
					if got, err := io.ReadAll(s.File); err != nil || !bytes.Equal(got, body) {
						t.Errorf("the file itself: %d octets, %v", len(got), err)
					}
				}
				s.Close()
				noNames(t, dir)
			}
		})
	}
}

// noNames fails the test when a folder has something, but where open files
// cannot lose their names.
func noNames(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestSpoolReadFaults(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		err  error
		want rule.ID
	}{
		{"broken", broken, rule.ScriptClientGone},
		{"cut off", io.ErrUnexpectedEOF, rule.ScriptClientGone},
		{"a limit of the server's", &http.MaxBytesError{Limit: 5}, rule.BodyTooLarge},
	} {
		for _, begun := range []int{0, 5, 100, 100 << 10} {
			dir := t.TempDir()
			from := io.MultiReader(strings.NewReader(strings.Repeat("x", begun)), iotest.ErrReader(tt.err))
			s, f := Spool(from, SpoolOptions{Memory: 50, Dir: dir})
			if s != nil || f == nil || f.Rule != tt.want {
				t.Errorf("%s after %d: %v", tt.name, begun, f)
			}
			noNames(t, dir)
		}
	}
}

func TestSpoolNowhere(t *testing.T) {
	_, f := Spool(strings.NewReader("much too much"), SpoolOptions{Memory: 4, Dir: filepath.Join(t.TempDir(), "none")})
	if f == nil || f.Rule != rule.ScriptSpoolFailed || !errors.Is(f, os.ErrNotExist) {
		t.Errorf("%v", f)
	}
}

// TestSpoolDiskFull writes to a file that has no room.
func TestSpoolDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	s := &Spooled{File: full}
	if f := s.fill(strings.NewReader("much")); f == nil || f.Rule != rule.ScriptSpoolFailed || f.Err == nil {
		t.Errorf("%v", f)
	}
}

// TestRemoved is how a file without a name is made where there is no such
// thing.
func TestRemoved(t *testing.T) {
	dir := t.TempDir()
	f, name, err := removed(dir)
	if err != nil {
		t.Fatal(err)
	}
	noNames(t, dir)
	s := &Spooled{File: f, name: name}
	if fault := s.fill(strings.NewReader("body")); fault != nil {
		t.Error(fault)
	}
	if got, err := io.ReadAll(s.Reader()); string(got) != "body" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	s.Close()
	if names, _ := os.ReadDir(dir); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestSpoolMode keeps what is kept from others.
func TestSpoolMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are not kept here")
	}
	s, f := Spool(strings.NewReader("body"), SpoolOptions{Memory: 1, Dir: t.TempDir()})
	if f != nil {
		t.Fatal(f)
	}
	defer s.Close()
	if fi, err := s.File.Stat(); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}
