//go:build !nonats

package bus

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
)

// legacy is a server that seals its folder as freshet did when NATS alone encrypted
// what is in streams.
func legacy(t *testing.T, dir string, ring *atrest.Ring) *Server {
	t.Helper()
	s := startSealed(t, dir, ring)
	s.seal = nil
	m, _, err := readMarker(dir, ring)
	if err != nil {
		t.Fatal(err)
	}
	if m.Contents {
		m.Contents = false
		if err := m.write(dir, ring); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestTwoCopies has an attacker who has two copies of a folder, without any key, and
// knows what was in it at first: where NATS writes a file anew it covers it by the
// same bytes, so that the two copies combined are the two texts combined. From a
// folder that NATS alone encrypts he reads what he does not know, and from one in
// which it is sealed before he does not.
func TestTwoCopies(t *testing.T) {
	ring := sealRing(t, "k1")
	for _, sealed := range []bool{false, true} {
		dir := t.TempDir()
		m := newMarker(ring)
		if err := m.write(dir, ring); err != nil {
			t.Fatal(err)
		}
		s := tidying(t, dir, m)
		if sealed {
			s.seal = ring
		}
		c, err := s.Connect("writer")
		if err != nil {
			t.Fatal(err)
		}
		l := openLog(t, c, "jobs")
		known := strings.Repeat("A", 64<<10)
		const first, rest, more = 20, 10, 40 // more are for another file: NATS writes the last one anew never
		for n := range uint64(first + rest + more) {
			text := known
			if n >= first && n < first+rest {
				text = fmt.Sprint("s3cr3t-entry ", n)
			}
			mustAppend(t, l, n, text)
		}
		files := blocksOf(t, dir)
		if len(files) < 2 {
			t.Fatal(files)
		}
		was, copied := sizeOf(t, files[0]), t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := l.Trim(limited(t), first); err != nil {
			t.Fatal(err)
		}
		for ctx := limited(t); sizeOf(t, files[0])*2 > was; time.Sleep(10 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatal("NATS does not write its file anew")
			}
		}
		c.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if read := combine(t, copied, dir, files[0], known[0]); (read == 0) != sealed {
			t.Errorf("sealed %v: he reads %d secrets", sealed, read)
		}
	}
}

// tidying is NATS in a folder that writes files anew often.
func tidying(t *testing.T, dir string, m *marker) *inside {
	t.Helper()
	s := &inside{}
	s.prepare(nil, 1<<30)
	if err := s.take(dir); err != nil {
		t.Fatal(err)
	}
	o := &server.Options{ServerName: "tidying", DontListen: true, CustomClientAuthentication: gate{s, func(string) (*node, bool) { return nil, false }}}
	s.stores(o, dir, m)
	o.SyncInterval = 100 * time.Millisecond
	if err := s.begin(o, &serverLog{broken: s.breaks}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if !s.ns.ReadyForConnections(patience) {
		t.Fatal("it does not get ready")
	}
	return s
}

// blocksOf are the files of messages of the log in a folder.
func blocksOf(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*", "jetstream", "*", "streams", "log_jobs", "msgs", "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return all
}

func sizeOf(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// combine counts the secrets that are read in a file of a folder by who has a copy of
// that from another time, and knows that it has a letter again and again.
func combine(t *testing.T, copied, dir, file string, known byte) int {
	t.Helper()
	one, err := os.ReadFile(filepath.Join(copied, strings.TrimPrefix(file, dir)))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, min(len(one), len(two)))
	for i := range text {
		text[i] = one[i] ^ two[i] ^ known
	}
	return bytes.Count(text, []byte("s3cr3t"))
}

// rawTexts is all that NATS has been given, of streams of ours.
func rawTexts(t *testing.T, s *Server) string {
	t.Helper()
	c := connect(t, s, "raw")
	defer c.Close()
	all, err := streamsOf(limited(t), c)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, info := range all {
		stream, err := c.js.Stream(limited(t), info.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := each(limited(t), stream, 1, info.State.LastSeq, func(_ uint64, m jetstream.Msg) error {
			b.Write(m.Data())
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// wordsInside are those of words that were given to NATS plain.
func wordsInside(t *testing.T, dir string, ring *atrest.Ring) (all []string) {
	t.Helper()
	s := startSealed(t, dir, ring)
	text := rawTexts(t, s)
	closed(t, s)
	for _, w := range words[:3] {
		if strings.Contains(text, w) {
			all = append(all, w)
		}
	}
	return all
}

// secretOf is the fleet's secret of a folder, by its name.
func secretOf(t *testing.T, dir string, ring *atrest.Ring) string {
	t.Helper()
	s := startSealed(t, dir, ring)
	defer closed(t, s)
	c := connect(t, s, "reader")
	openLog(t, c, "jobs")
	return c.secrets.First()
}

// TestSealFolderContents has "freshet seal" seal what NATS encrypts, and take another
// secret with another key.
func TestSealFolderContents(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	s := legacy(t, dir, ring)
	fill(t, s)
	before := told(t, s)
	closed(t, s)
	if all := wordsInside(t, dir, ring); len(all) != 3 {
		t.Errorf("this test finds nothing: %q", all)
	}
	change := &atrest.Change{Ring: ring}
	if what, err := NeedsSeal(dir, change); what != "plain in what NATS encrypts" || err != nil {
		t.Errorf("%q, %v", what, err)
	}
	// A server that is started before reads it as it is.
	s = startSealed(t, dir, ring)
	if now := told(t, s); now != before {
		t.Errorf("%d bytes of %d", len(now), len(before))
	}
	closed(t, s)
	seal := func(change *atrest.Change) {
		t.Helper()
		if err := SealFolder(limited(t), dir, change, nil); err != nil {
			t.Fatal(err)
		}
		if what, err := NeedsSeal(dir, change); what != "" || err != nil {
			t.Errorf("%q, %v", what, err)
		}
	}
	seal(change)
	if all := wordsInside(t, dir, ring); all != nil {
		t.Errorf("%q", all)
	}
	secret := secretOf(t, dir, ring)
	seal(change) // nothing is to be done
	if is := secretOf(t, dir, ring); is != secret {
		t.Error("it was done again")
	}
	ring = sealRing(t, "k2", "k1")
	seal(&atrest.Change{Ring: ring})
	if is := secretOf(t, dir, sealRing(t, "k2")); is == secret {
		t.Error("the secret is the one that the old key opens")
	}
	if all := wordsInside(t, dir, sealRing(t, "k2")); all != nil {
		t.Errorf("%q", all)
	}
	s = startSealed(t, dir, sealRing(t, "k2"))
	if now := told(t, s); now != before {
		t.Errorf("%d bytes of %d", len(now), len(before))
	}
	c := connect(t, s, "writer")
	mustAppend(t, openLog(t, c, "jobs"), 300, "numbers go on")
	closed(t, s)
	seal(&atrest.Change{Ring: sealRing(t, "k2"), Plain: true})
	if all := wordsInside(t, dir, nil); len(all) != 3 {
		t.Errorf("%q", all)
	}
	s = startSealed(t, dir, nil)
	c = connect(t, s, "writer")
	l := openLog(t, c, "jobs")
	mustAppend(t, l, 301, "numbers go on")
	if got := entries(t, l, 300); len(got) != 2 {
		t.Errorf("%q", got)
	}
	closed(t, s)
}

// TestSealFolderDamaged: what does not open is not copied, and stays as it is.
func TestSealFolderDamaged(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	s := startSealed(t, dir, ring)
	fill(t, s)
	f := &fleetStore{t, s, connect(t, s, "attacker")}
	f.publish("freshet.log.jobs", f.raw("log_jobs", 200).Data)
	closed(t, s)
	for _, change := range []*atrest.Change{{Ring: sealRing(t, "k2", "k1")}, {Ring: ring, Plain: true}} {
		err := SealFolder(limited(t), dir, change, nil)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "message 301 of stream log_jobs") {
			t.Errorf("%v", err)
		}
	}
	s = startSealed(t, dir, ring)
	defer closed(t, s)
	if got := (&fleetStore{t, s, connect(t, s, "attacker")}).raw("log_jobs", 301); !atrest.IsSealed(got.Data) {
		t.Errorf("%.40q", got.Data)
	}
}

// TestContentsCluster has three servers elsewhere keep what is sealed, while one of
// them ends.
func TestContentsCluster(t *testing.T) {
	servers, urls := cluster(t)
	ring := sealRing(t, "k1")
	c, err := Connect(limited(t), ConnectOptions{URL: strings.Join(urls, ", "), Name: "a", Replicas: 3, Seal: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	l := opened(t, func(ctx context.Context) (*Log, error) { return c.Log(ctx, "jobs", LogOptions{}) })
	var last uint64
	appendAll := func(to uint64) {
		t.Helper()
		for ctx := limited(t); last < to; {
			n, err := l.Append(ctx, last, killEntry(last+1))
			switch {
			case err == nil:
				last = n
			case errors.Is(err, ErrFenced) || ctx.Err() != nil:
				t.Fatal(n, err)
			}
		}
	}
	appendAll(20)
	leader, err := c.js.Stream(limited(t), secretsStream)
	if err != nil {
		t.Fatal(err)
	}
	if leader.CachedInfo().Config.Replicas != 3 {
		t.Errorf("the record is kept %d times", leader.CachedInfo().Config.Replicas)
	}
	ends := servers[leader.CachedInfo().Cluster.Leader]
	ends.Shutdown()
	ends.WaitForShutdown()
	appendAll(40)
	again, err := Connect(limited(t), ConnectOptions{URL: strings.Join(urls, ", "), Name: "b", Replicas: 3, Seal: ring})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	l2 := opened(t, func(ctx context.Context) (*Log, error) { return again.Log(ctx, "jobs", LogOptions{}) })
	n := uint64(0)
	if err := l2.Read(limited(t), 0, func(_ uint64, entry []byte) error {
		n++
		if !bytes.Equal(entry, killEntry(n)) {
			return fmt.Errorf("entry %d: %.40q", n, entry)
		}
		return nil
	}); err != nil || n != 40 {
		t.Errorf("%d entries, %v", n, err)
	}
	everySealed(t, again, "log_jobs")
	plain, err := Connect(limited(t), ConnectOptions{URL: strings.Join(urls, ", "), Name: "c", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	for ctx := limited(t); ; {
		_, err := plain.Log(ctx, "jobs", LogOptions{})
		if errors.Is(err, atrest.ErrSealed) {
			break
		}
		if err == nil || ctx.Err() != nil {
			t.Fatalf("without keys: %v", err)
		}
	}
}
