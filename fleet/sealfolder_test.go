package fleet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
	"freshet/internal/worker"
	"freshet/jobs"
)

// kept is a folder with something of all that jobs have.
type keptJobs struct {
	logs    *Logs
	outputs *Outputs
	inputs  *Inputs
}

func openKept(dir string, ring *atrest.Ring) (k keptJobs, err error) {
	if k.logs, err = OpenLogs(filepath.Join(dir, "logs"), ring, nil); err != nil {
		return k, err
	}
	if k.outputs, err = OpenOutputs(filepath.Join(dir, "outputs"), 0, ring, nil); err != nil {
		return k, err
	}
	k.inputs, err = OpenInputs(filepath.Join(dir, "inputs"), InputOptions{}, ring, nil)
	return k, errors.Join(err, k.outputs.Close())
}

const (
	keptSecret = "a-word-that-nobody-may-read"
	keptJob    = jobs.ID("000000001")
)

var (
	keptLarge = strings.Repeat(keptSecret+" ", 10000) // several chunks
	keptFile  = fileOf("in", keptLarge)
)

// fill has some of everything.
func (k *keptJobs) fill(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	for i := range 3 {
		lease := jobs.Lease{Job: keptJob, Task: 1, Attempt: 1 + i/2}
		if err := k.logs.Append(ctx, lease, []worker.Line{{Text: []byte(fmt.Sprint(keptSecret, i))}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"a": keptSecret, "dir/b": keptLarge, "empty": ""} {
		if err := k.outputs.Store(ctx, jobs.Lease{Job: keptJob, Task: 1, Attempt: 1}, name, int64(len(content)), strings.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	}
	half := int64(len(keptLarge) / 2)
	for _, piece := range []struct {
		at   int64
		text string
	}{{0, keptLarge[:half]}, {half, keptLarge[half:]}} {
		if _, _, err := k.inputs.put(keptFile.SHA256, keptFile.Size, piece.at, []byte(piece.text)); err != nil {
			t.Fatal(err)
		}
	}
}

// says is all that is there, in one text.
func (k *keptJobs) says() (string, error) {
	var b strings.Builder
	log, before, err := k.logs.Tail(keptJob, 1, 1<<20)
	fmt.Fprintf(&b, "log %d %s\n", before, log)
	if err != nil {
		return "", err
	}
	list, err := k.outputs.List(keptJob, 1)
	if err != nil {
		return "", err
	}
	for _, one := range list {
		f, err := k.outputs.OpenOutput(keptJob, 1, one.Name)
		if err != nil {
			return "", err
		}
		sum, err := sumOf(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "output %s %d %s\n", one.Name, one.Size, sum)
	}
	f, err := k.inputs.Open(context.Background(), keptFile)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum, err := sumOf(f)
	fmt.Fprintf(&b, "input %d %s\n", k.inputs.size, sum)
	return b.String(), err
}

func keptSays(dir string, ring *atrest.Ring) (string, error) {
	k, err := openKept(dir, ring)
	if err != nil {
		return "", err
	}
	return k.says()
}

func wantSays() string {
	sum := func(text string) string {
		s := sha256.Sum256([]byte(text))
		return hex.EncodeToString(s[:])
	}
	return fmt.Sprintf("log 0 %[1]s0\n%[1]s1\n-- run 2\n%[1]s2\n\noutput a %d %s\noutput dir/b %d %s\noutput empty 0 %s\ninput %d %s\n", keptSecret,
		len(keptSecret), sum(keptSecret), len(keptLarge), sum(keptLarge), sum(""), len(keptLarge), sum(keptLarge))
}

func makeKept(t testing.TB, ring *atrest.Ring) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "jobs")
	k, err := openKept(dir, ring)
	if err != nil {
		t.Fatal(err)
	}
	k.fill(t)
	if got, err := k.says(); err != nil || got != wantSays() {
		t.Fatalf("%q, %v", got, err)
	}
	return dir
}

func filesBelow(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Nothing of what jobs came with, made or wrote is to be read in a sealed folder,
// nor asked for by its digest; it is there after another start, with another first
// key, and not with other keys or none.
func TestKeptSealed(t *testing.T) {
	dir := makeKept(t, ringOf("a"))
	for path, content := range filesBelow(t, dir) {
		if bytes.Contains(content, []byte(keptSecret[:6])) || strings.Contains(path, keptFile.SHA256[:8]) {
			t.Errorf("%s shows it", path)
		}
	}
	for _, names := range [][]string{{"a"}, {"b", "a"}, {"a"}} {
		if got, err := keptSays(dir, ringOf(names...)); err == nil && got != wantSays() || err != nil && !errors.Is(err, atrest.ErrNoKey) {
			t.Errorf("with %q: %q, %v", names, got, err)
		}
	}
	if _, err := keptSays(dir, ringOf("c")); !errors.Is(err, atrest.ErrNoKey) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := keptSays(dir, nil); !errors.Is(err, atrest.ErrSealed) {
		t.Errorf("without keys: %v", err)
	}
	if _, err := keptSays(makeKept(t, nil), ringOf("a")); !errors.Is(err, atrest.ErrPlain) {
		t.Errorf("plain, with keys: %v", err)
	}
}

// endsSooner reports whether all is said but the end of the text, which may be what
// was being written when the power went away.
func endsSooner(got string) bool {
	text, rest, _ := strings.Cut(got, "\noutput")
	want, after, _ := strings.Cut(wantSays(), "\noutput")
	return rest == after && strings.HasPrefix(want, text)
}

// What is damaged, cut off, exchanged, or from another folder is an error, and
// never another content.
func TestKeptSealedDamage(t *testing.T) {
	dir, other := makeKept(t, ringOf("a")), makeKept(t, ringOf("a"))
	whole := filesBelow(t, dir)
	check := func(path, how string, content []byte) {
		t.Helper()
		if err := errors.Join(os.Remove(path), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
		switch got, err := keptSays(dir, ringOf("a")); {
		case err != nil:
		case got == wantSays():
			t.Errorf("%s, %s: not noticed", path, how)
		case !strings.HasSuffix(path, ".log") || !endsSooner(got):
			t.Errorf("%s, %s: %q", path, how, got)
		}
		for path, content := range whole {
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, content) {
				os.Remove(path)
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for path, content := range whole {
		for at := 0; at < len(content); at += 1 + at/40 + at/2000*500 {
			changed := bytes.Clone(content)
			changed[at] ^= 0x20
			check(path, fmt.Sprint("byte ", at), changed)
		}
		for _, cut := range []int{0, 1, len(content) / 2, len(content) - 1} {
			check(path, fmt.Sprint("cut at ", cut), content[:cut])
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.ReadFile(filepath.Join(other, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a content, whose name is another one there
		}
		if err != nil {
			t.Fatal(err)
		}
		check(path, "of another folder", theirs)
	}
	one, two := filepath.Join(dir, "outputs.sealed", string(keptJob), "1.1", "a"), filepath.Join(dir, "outputs.sealed", string(keptJob), "1.1", "empty")
	check(one, "another output", whole[two])
}

// Parts of a text that change places do not open, and one that was being written
// when the power went away is cut off by who writes next.
func TestTextParts(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenLogs(dir, ringOf("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	lease := jobs.Lease{Job: keptJob, Task: 7, Attempt: 1}
	write := func(l *Logs, text string) error {
		return l.Append(t.Context(), lease, []worker.Line{{Text: []byte(text)}})
	}
	var want strings.Builder
	for i := range 300 {
		text := fmt.Sprintf("line %d %s", i, strings.Repeat("x", i*37%5000))
		if i == 150 {
			text = strings.Repeat("large", 200_000)
		}
		if err := write(l, text); err != nil {
			t.Fatal(err)
		}
		want.WriteString(text + "\n")
	}
	all := want.String()
	for _, from := range []int{0, 1, 5000, 400_000, len(all) - 100, len(all) - 1, len(all), len(all) + 5} {
		got, next, err := l.Read(keptJob, 7, int64(from), 3000)
		if wanted := all[min(from, len(all)):min(from+3000, len(all))]; err != nil || string(got) != wanted || next != int64(from+len(wanted)) {
			t.Errorf("from %d: %d bytes, next %d, %v", from, len(got), next, err)
		}
	}
	again, err := OpenLogs(dir, ringOf("b", "a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, before, err := again.Tail(keptJob, 7, 500); err != nil || string(got) != all[len(all)-500:] || before != int64(len(all)-500) {
		t.Errorf("the end: %q, %d, %v", got, before, err)
	}
	path, _ := again.path(keptJob, 7)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)-10], 0o600); err != nil {
		t.Fatal(err)
	}
	torn, _ := OpenLogs(dir, ringOf("b", "a"), nil)
	if err := write(torn, "more"); err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndex(strings.TrimSuffix(all, "\n"), "\n") + 1
	if got, _, err := torn.Tail(keptJob, 7, 30); err != nil || !strings.HasSuffix(string(got), "-- run 1\nmore\n") || !strings.HasSuffix(all[:last]+"-- run 1\nmore\n", string(got)) {
		t.Errorf("after a part that was not whole: %q, %v", got, err)
	}
	// A part that is damaged is not written behind, and nothing behind it is taken for it.
	damaged := bytes.Clone(whole)
	damaged[2] ^= 0x40
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	broken, _ := OpenLogs(dir, ringOf("b", "a"), nil)
	if err := write(broken, "more"); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("behind a part with another length: %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, damaged) {
		t.Error("what is damaged was changed")
	}
}

var errEndedHere = errors.New("killed")

// SealFolder goes from each way of being kept to each other one. Wherever it is
// ended nothing that opens says anything else, and the next one ends what it has
// begun, be it the same or the opposite.
func TestSealFolderOfJobs(t *testing.T) {
	ways := map[string]struct {
		open   *atrest.Ring
		change *atrest.Change
	}{
		"plain":   {nil, &atrest.Change{Ring: ringOf("b", "a"), Plain: true}},
		"sealed":  {ringOf("a"), &atrest.Change{Ring: ringOf("a")}},
		"another": {ringOf("b"), &atrest.Change{Ring: ringOf("b", "a")}},
	}
	for _, way := range [][2]string{{"plain", "sealed"}, {"sealed", "plain"}, {"sealed", "another"}, {"another", "another"}, {"plain", "plain"}} {
		t.Run(way[0]+" to "+way[1], func(t *testing.T) {
			beside(t)
			from, to := ways[way[0]], ways[way[1]]
			for kill := 0; ; kill++ {
				dir := makeKept(t, from.open)
				steps := 0
				err := sealFolder(t.Context(), dir, to.change, nil, func() error {
					if steps++; steps > kill {
						return errEndedHere
					}
					return nil
				})
				if err != nil && !errors.Is(err, errEndedHere) {
					t.Fatalf("%s: %v", way, err)
				}
				for name, other := range ways {
					// One folder may be as it was and another as it will be: each says what it said, or is refused.
					if got, err := keptSays(dir, other.open); err == nil && got != wantSays() {
						t.Fatalf("%s, ended at step %d, opened as %s: %q", way, kill, name, got)
					}
				}
				next := to
				if kill%2 == 1 {
					next = ways["plain"]
				}
				if err := SealFolder(t.Context(), dir, next.change, nil); err != nil {
					t.Fatalf("%s, ended at step %d, then again: %v", way, kill, err)
				}
				if got, err := keptSays(dir, next.open); err != nil || got != wantSays() {
					t.Fatalf("%s, ended at step %d, then again: %q, %v", way, kill, got, err)
				}
				if next.open == nil {
					for path := range filesBelow(t, dir) {
						if strings.Contains(path, ".sealed") {
							t.Fatalf("%s, ended at step %d: %s is left", way, kill, path)
						}
					}
				}
				if err == nil {
					break
				}
			}
		})
	}
}

// A folder that is open is not rewritten.
func TestSealFolderInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "jobs")
	n, err := Open(t.Context(), Options{Dir: dir, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := SealFolder(t.Context(), dir, &atrest.Change{Ring: ringOf("a")}, nil); !errors.Is(err, ErrInUse) && !errors.Is(err, jobs.ErrFenced) {
		t.Errorf("while it is open: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := SealFolder(t.Context(), filepath.Join(dir, "none"), &atrest.Change{Ring: ringOf("a")}, nil); err != nil {
		t.Errorf("where there are no jobs: %v", err)
	}
}

// A worker's files of jobs are sealed; a fetch that was broken off goes on where a
// whole chunk ends, also after a kill, and what was kept in the other way goes.
func TestInputCacheSealed(t *testing.T) {
	dir := t.TempDir()
	content := strings.Repeat(keptSecret, 20_000)
	f := fileOf("f", content)
	pieces, most := 0, 3
	fetch := func(_ context.Context, _ string, offset int64) ([]byte, error) {
		if pieces++; pieces > most {
			return nil, errAway
		}
		return []byte(content[offset:min(int(offset)+100_000, len(content))]), nil
	}
	open := func(ring *atrest.Ring) *inputCache {
		t.Helper()
		c, err := openInputCache(dir, 0, ring)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open(ringOf("a"))
	if _, err := c.get(t.Context(), f, fetch); !errors.Is(err, errAway) || c.size != 4*65536 {
		t.Errorf("%d bytes, %v", c.size, err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	c = open(ringOf("b", "a"))
	pieces, most = 0, 100
	from, err := c.get(t.Context(), f, fetch)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(from)
	if err = errors.Join(err, from.Close()); err != nil || string(got) != content || pieces != 3 {
		t.Errorf("%d bytes in %d pieces, %v", len(got), pieces, err)
	}
	for path, text := range filesBelow(t, dir) {
		if bytes.Contains(text, []byte(keptSecret)) || strings.Contains(path, f.SHA256) {
			t.Errorf("%s shows it", path)
		}
	}
	path := c.path(c.in.Name(f.SHA256))
	damaged, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged[70_000] ^= 1
	if err := errors.Join(os.Remove(path), os.WriteFile(path, damaged, 0o400)); err != nil {
		t.Fatal(err)
	}
	if from, err = c.get(t.Context(), f, fetch); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(from); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	from.Close()
	if from, err = c.get(t.Context(), f, fetch); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(from); err != nil || string(got) != content {
		t.Errorf("fetched anew: %d bytes, %v", len(got), err)
	}
	from.Close()
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	c = open(nil)
	if _, err := os.Stat(sealedfolder.SealedDir(c.dir)); !errors.Is(err, fs.ErrNotExist) || len(c.kept) != 0 {
		t.Errorf("what was sealed is left: %v", err)
	}
	c.close()
}
