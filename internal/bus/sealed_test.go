//go:build !nonats

package bus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"freshet/internal/atrest"
)

// sealRing has keys of some names, the first of which seals.
func sealRing(t testing.TB, names ...string) *atrest.Ring {
	t.Helper()
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s %s\n", name, strings.Repeat(fmt.Sprintf("%02x", name[len(name)-1]), 32))
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// words are what is to be found nowhere in a folder that is sealed.
var words = []string{"s3cr3t-entry", "s3cr3t-page", "s3cr3t-object", "s3cr3t-node"}

// fill writes all kinds of things, in which are those words.
func fill(t *testing.T, s *Server) {
	t.Helper()
	c := connect(t, s, "writer")
	openLog(t, c, "empty")
	l := openLog(t, c, "jobs")
	for n := range uint64(300) {
		mustAppend(t, l, n, fmt.Sprintf("%s %d %s", words[0], n, strings.Repeat("x", int(n))))
	}
	for n := range 20 {
		if err := l.PutPage(limited(t), fmt.Sprintf("%s.%d", words[1], n%7), []byte(words[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Trim(limited(t), 100); err != nil {
		t.Fatal(err)
	}
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		if err := o.Put(limited(t), fmt.Sprintf("%s-%d", words[2], n), bytes.NewReader(bytes.Repeat([]byte(words[2]), 20_000))); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Delete(limited(t), words[2]+"-1"); err != nil {
		t.Fatal(err)
	}
	openDoor(t, s)
	if _, err := s.Token(TokenOptions{Name: words[3]}); err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// told is all that a server knows, as text.
func told(t *testing.T, s *Server) string {
	t.Helper()
	c := connect(t, s, "reader")
	defer c.Close()
	l := openLog(t, c, "jobs")
	var b strings.Builder
	for _, e := range entries(t, l, 0) {
		fmt.Fprintln(&b, e)
	}
	pages := map[string]string{}
	if err := l.Pages(limited(t), func(key string, page []byte) error { pages[key] = string(page); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(pages)) {
		fmt.Fprintln(&b, key, pages[key])
	}
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	if err := o.Keys(limited(t), func(name string, size int64) error { names = append(names, fmt.Sprint(name, size)); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	fmt.Fprintln(&b, names)
	content, err := o.Get(limited(t), words[2]+"-2")
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&b, len(text), string(text[:20]))
	for _, n := range s.Nodes() {
		fmt.Fprintln(&b, n.Name)
	}
	return b.String()
}

func found(t *testing.T, dir string) []string {
	t.Helper()
	return foundWords(t, dir, append(slices.Clone(words), "PRIVATE KEY")...)
}

func foundWords(t *testing.T, dir string, words ...string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, w := range words {
			if bytes.Contains(content, []byte(w)) || strings.Contains(path, w) {
				all = append(all, w+" in "+path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func startSealed(t *testing.T, dir string, ring *atrest.Ring) *Server {
	t.Helper()
	s, err := Start(Options{Dir: dir, MaxStore: 64 << 20, Seal: ring})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// refusedPeer has a peer be refused with keys that its folder is not sealed by, and
// without them when that is to be an error, too.
func refusedPeer(t *testing.T, s *set, i int, want error) {
	t.Helper()
	ring := s.seal
	if want == nil {
		ring, want = nil, atrest.ErrSealed
	}
	p, err := StartPeer(PeerOptions{Token: s.tokens[i], Dir: s.dirs[i], Seal: ring})
	if err == nil {
		p.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("peer %d: %v, not %v", i, err, want)
	}
}

func refused(t *testing.T, dir string, ring *atrest.Ring, want error) {
	t.Helper()
	s, err := Start(Options{Dir: dir, Seal: ring})
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("%v, not %v", err, want)
	}
}

// TestSealed has a server keep everything sealed, and be started with another key
// first, without the key, without any, and with one where nothing is sealed.
func TestSealed(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	s := startSealed(t, dir, ring)
	fill(t, s)
	before := told(t, s)
	if f := found(t, dir); f != nil {
		t.Errorf("while it runs: %v", f)
	}
	closed(t, s)
	if f := found(t, dir); f != nil {
		t.Errorf("afterwards: %v", f)
	}
	for _, keys := range [][]string{{"k1"}, {"k2", "k1"}, {"k2"}} {
		s := startSealed(t, dir, sealRing(t, keys...))
		if now := told(t, s); now != before {
			t.Errorf("with %v: %d bytes of %d", keys, len(now), len(before))
		}
		closed(t, s)
	}
	refused(t, dir, nil, atrest.ErrSealed)
	refused(t, dir, ring, atrest.ErrNoKey)
	plain := t.TempDir()
	s = startSealed(t, plain, nil)
	fill(t, s)
	closed(t, s)
	if found(t, plain) == nil {
		t.Error("what is not sealed is not found either: this test finds nothing")
	}
	refused(t, plain, ring, atrest.ErrPlain)
}

// TestSealFolder goes from each state of a folder to each other one.
func TestSealFolder(t *testing.T) {
	dir := t.TempDir()
	s := startSealed(t, dir, nil)
	fill(t, s)
	before := told(t, s)
	closed(t, s)
	for _, to := range []struct {
		keys  []string
		plain bool
	}{
		{[]string{"k1"}, false},
		{[]string{"k2", "k1"}, false},
		{[]string{"k2"}, false},
		{[]string{"k2"}, true},
		{[]string{"k2"}, true},
		{[]string{"k3"}, false},
		{[]string{"k4", "k3"}, true},
	} {
		ring := sealRing(t, to.keys...)
		change := &atrest.Change{Ring: ring, Plain: to.plain}
		var steps, done, total int64
		if err := SealFolder(limited(t), dir, change, func(d, of int64) { steps, done, total = steps+1, d, of }); err != nil {
			t.Fatalf("%v: %v", to, err)
		}
		if steps > 0 && done != total {
			t.Errorf("%v: %d of %d done", to, done, total)
		}
		if what, err := NeedsSeal(dir, change); what != "" || err != nil {
			t.Errorf("%v: afterwards it needs %q, %v", to, what, err)
		}
		if to.plain {
			ring = nil
		}
		if f := found(t, dir); (f == nil) == to.plain {
			t.Errorf("%v: %v", to, f)
		}
		s := startSealed(t, dir, ring)
		if now := told(t, s); now != before {
			t.Errorf("%v: %d bytes of %d", to, len(now), len(before))
		}
		closed(t, s)
	}
}

// TestSealFolderLocked: nobody rewrites what another one has open.
func TestSealFolderLocked(t *testing.T) {
	dir := t.TempDir()
	s := startSealed(t, dir, nil)
	defer closed(t, s)
	if err := SealFolder(limited(t), dir, &atrest.Change{Ring: sealRing(t, "k1")}, nil); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
}

// TestSealFolderKilled looks at what is there before each change of a name: it is
// the old state, the new one, or one that is refused and that the next call ends.
func TestSealFolderKilled(t *testing.T) {
	beside(t)
	dir, ring := t.TempDir(), sealRing(t, "k2", "k1")
	s := legacy(t, dir, sealRing(t, "k1"))
	fill(t, s)
	before := told(t, s)
	closed(t, s)
	for _, c := range []struct {
		name   string
		change *atrest.Change
		steps  int // at least
	}{
		{"what NATS encrypts", &atrest.Change{Ring: sealRing(t, "k1")}, 3}, // other files stay
		{"to plain", &atrest.Change{Ring: sealRing(t, "k1"), Plain: true}, 4},
		{"to k1", &atrest.Change{Ring: sealRing(t, "k1")}, 4},
		{"to k2", &atrest.Change{Ring: ring}, 4},
		{"to plain", &atrest.Change{Ring: ring, Plain: true}, 4},
	} {
		var left []string
		r := resealing{dir: dir, change: c.change, before: func(step string) {
			now := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(now, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			left = append(left, step, now)
		}}
		if err := r.run(limited(t)); err != nil {
			t.Fatal(err)
		}
		if len(left) < 2*c.steps {
			t.Errorf("%s: only %v", c.name, left)
		}
		for i := 0; i < len(left); i += 2 {
			step, now := left[i], left[i+1]
			for _, opened := range []*atrest.Ring{nil, ring} {
				tried := filepath.Join(t.TempDir(), "copy")
				if err := os.CopyFS(tried, os.DirFS(now)); err != nil {
					t.Fatal(err)
				}
				s, err := Start(Options{Dir: tried, Seal: opened})
				switch {
				case err == nil:
					if is := told(t, s); is != before {
						t.Errorf("%s, before %q: %d bytes of %d", c.name, step, len(is), len(before))
					}
					closed(t, s)
				case !errors.Is(err, errUnfinished) && !errors.Is(err, atrest.ErrSealed) && !errors.Is(err, atrest.ErrPlain):
					t.Errorf("%s, before %q: %v", c.name, step, err)
				}
			}
			if err := SealFolder(limited(t), now, c.change, nil); err != nil {
				t.Fatalf("%s, before %q: again: %v", c.name, step, err)
			}
			opened := ring
			if c.change.Plain {
				opened = nil
			}
			if inside := wordsInside(t, now, opened); (inside == nil) == c.change.Plain {
				t.Errorf("%s, before %q: again: NATS has %q", c.name, step, inside)
			}
			s := startSealed(t, now, opened)
			if is := told(t, s); is != before {
				t.Errorf("%s, before %q, again: %d bytes of %d", c.name, step, len(is), len(before))
			}
			closed(t, s)
		}
	}
}

// TestSealPeers has three peers become sealed, one after the other, while what
// they keep is written; and then be started with another key.
func TestSealPeers(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	s.begin(0, 1, 2)
	s.whole()
	w := s.writer(0)
	w.write(20)
	ring := sealRing(t, "k1")
	var last *writer
	for i := range s.peers {
		w.current()
		s.end(i)
		s.seal = ring
		refusedPeer(t, s, i, atrest.ErrPlain)
		if err := SealFolder(limited(t), s.dirs[i], &atrest.Change{Ring: ring}, nil); !errors.Is(err, ErrPeerStore) {
			t.Fatalf("peer %d: %v", i, err)
		}
		if err := os.RemoveAll(s.dirs[i]); err != nil {
			t.Fatal(err)
		}
		s.begin(i)
		s.whole()
		last = s.writer(i)
		last.last = w.last
		w = last
		w.current()
		w.all()
		w.write(10)
	}
	for i, dir := range s.dirs {
		if f := foundWords(t, dir, string(killEntry(40)[:30]), "PRIVATE KEY", s.tokens[i]); f != nil {
			t.Errorf("peer %d: %v", i, f)
		}
	}
	// Another key.
	w.current()
	s.end(0)
	refusedPeer(t, s, 0, nil)
	s.seal = sealRing(t, "k2", "k1")
	s.begin(0)
	s.whole()
	w.current()
	w.all()
	if _, by, err := readMarker(s.dirs[0], s.seal); by != "k2" || err != nil {
		t.Errorf("sealed by %q, %v", by, err)
	}
	// What is plain in NATS is sealed by who writes.
	if plain, err := w.l.Reseal(limited(t)); plain != 20 || err != nil {
		t.Errorf("%d, %v", plain, err)
	}
	// One that has no keys joins, but opens nothing.
	s.end(2)
	if err := os.RemoveAll(s.dirs[2]); err != nil {
		t.Fatal(err)
	}
	s.seal = nil
	s.begin(2)
	c, err := s.peers[2].Connect("without")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for ctx := limited(t); ; {
		_, err := c.Log(ctx, "jobs", LogOptions{})
		if errors.Is(err, atrest.ErrSealed) {
			break
		}
		if err == nil || ctx.Err() != nil {
			t.Fatalf("without keys: %v", err)
		}
	}
}
