//go:build !nonats

package bus

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/atrest"
)

// TestKeptLeft has what a start may leave that was killed, or a loss of power: all is
// there afterwards, and nothing of the start.
func TestKeptLeft(t *testing.T) {
	bothWays(t, func(t *testing.T, ring *atrest.Ring) {
		was := t.TempDir()
		before := fillKept(t, was, ring)
		for _, c := range []struct {
			name  string
			leave func(store string) error
		}{
			{"before it is whole", func(store string) error {
				return os.CopyFS(filepath.Join(store, keptPart), os.DirFS(filepath.Join(store, "jetstream", "$G", "streams", "log_jobs")))
			}},
			{"after NATS has removed a stream", func(store string) error {
				return errors.Join(
					os.CopyFS(filepath.Join(store, keptFolder), os.DirFS(filepath.Join(store, "jetstream"))),
					os.RemoveAll(filepath.Join(store, "jetstream", "$G", "streams", "log_jobs")))
			}},
			{"after it was removed to put back all", func(store string) error {
				return os.Rename(filepath.Join(store, "jetstream"), filepath.Join(store, keptFolder))
			}},
			{"while it is removed", func(store string) error {
				return os.MkdirAll(filepath.Join(store, keptPart, "$G", "streams", "log_jobs", "msgs"), 0o700)
			}},
		} {
			dir := copied(t, was)
			store := storeOf(t, dir)
			if err := c.leave(store); err != nil {
				t.Fatal(err)
			}
			if !Holds(dir) {
				t.Errorf("%s: it holds nothing", c.name)
			}
			if now := tell(t, dir, ring); now != before {
				t.Errorf("%s: %q of %q", c.name, now, before)
			}
			for _, left := range []string{keptFolder, keptPart} {
				if _, err := os.Lstat(filepath.Join(store, left)); err == nil {
					t.Errorf("%s: %s is left", c.name, left)
				}
			}
		}
	})
}

// TestKeptMaking has a process be killed while a stream is made: NATS does not open
// what there is of it, nor mend it when it is made anew, and would open it never again.
func TestKeptMaking(t *testing.T) {
	bothWays(t, func(t *testing.T, ring *atrest.Ring) {
		was := t.TempDir()
		s := startSealed(t, was, ring)
		openLog(t, connect(t, s, "a"), "jobs")
		closed(t, s)
		for _, missing := range []string{"meta.sum", "meta.inf", "msgs"} {
			dir := copied(t, was)
			stream := streamDir(t, dir, "log_jobs")
			if err := errors.Join(os.RemoveAll(filepath.Join(stream, "msgs")), os.RemoveAll(filepath.Join(stream, missing))); err != nil {
				t.Fatal(err)
			}
			for n := range uint64(3) {
				s := startSealed(t, dir, ring)
				mustAppend(t, openLog(t, connect(t, s, "a"), "jobs"), n, "x")
				closed(t, s)
			}
		}
	})
}

// TestKeptWithoutLinks is where a file has one name: it is said, once, and what NATS
// has removed is said to be lost.
func TestKeptWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	ring := sealRing(t, "k1")
	fillKept(t, dir, ring)
	msgs := filepath.Join(streamDir(t, dir, "log_jobs"), "msgs")
	for _, damaged := range []bool{false, true} {
		if damaged {
			damage(t, filepath.Join(msgs, "index.db"), nil)
			damage(t, filepath.Join(msgs, "1.key"), nil)
		}
		var said bytes.Buffer
		s := &Server{options: Options{Dir: dir, Name: "a", MaxStore: DefaultMaxStore, Seal: ring}}
		s.prepare(slog.New(slog.NewTextHandler(&said, nil)), DefaultMaxStore)
		s.noLinks = true
		s, err := s.startShort(-1)
		if s != nil {
			closed(t, s)
		}
		if (err != nil) != damaged || damaged && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "may have removed it")) {
			t.Errorf("damaged %t: %v", damaged, err)
		}
		if strings.Count(said.String(), "hard links") != 1 {
			t.Errorf("it says %q", said.String())
		}
	}
}

// TestKeptCut has a file of messages be damaged that is not the last one: NATS cuts it
// off in its place, which is said.
func TestKeptCut(t *testing.T) {
	dir := t.TempDir()
	s := startSealed(t, dir, nil)
	l := openLog(t, connect(t, s, "a"), "jobs")
	for n := range uint64(9) { // a file has at most 8 MiB
		mustAppend(t, l, n, strings.Repeat(fmt.Sprint(n), MaxEntry-1000))
	}
	closed(t, s)
	msgs := filepath.Join(streamDir(t, dir, "log_jobs"), "msgs")
	damage(t, filepath.Join(msgs, "index.db"), nil)
	damage(t, filepath.Join(msgs, "1.blk"), func(text []byte) []byte { text[len(text)/2] ^= 1; return text })
	var said bytes.Buffer
	s, err := Start(Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "1.blk by ") {
		t.Errorf("it says %q", said.String())
	}
}

// BenchmarkKeep is what a start takes longer for a stream of 2,000 files.
func BenchmarkKeep(b *testing.B) {
	const blocks = 2000
	store := b.TempDir()
	msgs := filepath.Join(store, "jetstream", "$G", "streams", "s", "msgs")
	if err := os.MkdirAll(msgs, 0o700); err != nil {
		b.Fatal(err)
	}
	for n := range blocks {
		for _, ext := range []string{"blk", "key"} {
			if err := os.WriteFile(filepath.Join(msgs, fmt.Sprint(n+1, ".", ext)), make([]byte, 64), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	var s inside
	for b.Loop() {
		if err := s.keep(&server.Options{StoreDir: store}); err != nil {
			b.Fatal(err)
		}
		if err := s.kept.drop(); err != nil {
			b.Fatal(err)
		}
	}
}
