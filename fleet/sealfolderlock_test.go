package fleet

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/jobs"
)

// Where there is no NATS nobody opens a folder of jobs before all of it is
// rewritten, also if there is no log yet.
func TestSealFolderLocksLog(t *testing.T) {
	for name, withLog := range map[string]bool{"with a log": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			dir := makeKept(t, nil)
			log := filepath.Join(dir, "log")
			if withLog {
				l, err := jobs.OpenFileLog(log)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			steps := 0
			err := sealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil, func() error {
				steps++
				for _, ring := range []*atrest.Ring{nil, ringOf("a")} {
					l, err := jobs.OpenSealedFileLog(log, ring)
					if !errors.Is(err, jobs.ErrFenced) {
						t.Errorf("step %d: %v", steps, err)
					}
					if err == nil {
						_ = l.Close()
					}
				}
				if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil); !errors.Is(err, ErrInUse) {
					t.Errorf("step %d, another one: %v", steps, err)
				}
				return nil
			})
			if err != nil || steps < 10 {
				t.Fatalf("%d steps, %v", steps, err)
			}
			l, err := jobs.OpenSealedFileLog(log, ringOf("a"))
			if err != nil {
				t.Fatal(err)
			}
			_ = l.Close()
		})
	}
}

// A file that is none of ours, in whichever part, is found before anything is moved.
func TestSealFolderForeign(t *testing.T) {
	for _, in := range []string{"log", "logs", "outputs", "inputs"} {
		dir := makeKept(t, nil)
		l, err := jobs.OpenFileLog(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Append(t.Context(), 0, []byte("\x01one"))
		foreign := filepath.Join(dir, in, "zz-notes.txt")
		if err := errors.Join(err, l.Close(), os.WriteFile(foreign, []byte("a note"), 0o600)); err != nil {
			t.Fatal(err)
		}
		before := filesBelow(t, dir)
		if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil); err == nil || !strings.Contains(err.Error(), foreign) {
			t.Errorf("%s: %v", in, err)
		}
		after := filesBelow(t, dir)
		maps.DeleteFunc(after, func(path string, _ []byte) bool { return filepath.Base(path) == "lock" && before[path] == nil })
		if !maps.EqualFunc(before, after, bytes.Equal) {
			t.Errorf("%s: something was changed", in)
		}
	}
}

// Nobody opens a folder of jobs with NATS, as a hub or as a peer, before all of it is
// rewritten, also if nobody has before.
func TestSealFolderLocksNATS(t *testing.T) {
	needsPeers(t)
	for name, opened := range map[string]bool{"opened before": true, "never opened": false} {
		t.Run(name, func(t *testing.T) {
			dir := makeKept(t, nil)
			if opened {
				n, err := Open(t.Context(), Options{Dir: dir, Tasks: 1, ErrorLog: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				if err := n.Close(); err != nil {
					t.Fatal(err)
				}
				if err := bus.SealFolder(t.Context(), filepath.Join(dir, busDir), &atrest.Change{Ring: ringOf("a")}, nil); err != nil {
					t.Fatal(err)
				}
			}
			steps := 0
			err := sealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil, func() error {
				if steps++; steps%5 != 1 { // a try costs a start
					return nil
				}
				for _, ring := range []*atrest.Ring{nil, ringOf("a")} {
					_, err := Open(t.Context(), Options{Dir: dir, Ring: ring, Tasks: 1, ErrorLog: slog.New(slog.DiscardHandler)})
					if !errors.Is(err, ErrInUse) {
						t.Errorf("step %d: %v", steps, err)
					}
				}
				token := peersOf(t)[0].Peer.Token
				if p, err := bus.StartPeer(bus.PeerOptions{Token: token, Dir: filepath.Join(dir, peersDir), Seal: ringOf("a")}); !errors.Is(err, bus.ErrLocked) {
					t.Errorf("step %d: a peer: %v, %v", steps, p, err)
				}
				return nil
			})
			if err != nil || steps < 10 {
				t.Fatalf("%d steps, %v", steps, err)
			}
			n, err := Open(t.Context(), Options{Dir: dir, Ring: ringOf("a"), Tasks: 1, ErrorLog: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
