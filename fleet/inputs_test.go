package fleet

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// fileOf is a file of a job with some content.
func fileOf(name, content string) jobs.File {
	sum := sha256.Sum256([]byte(content))
	return jobs.File{Name: name, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content))}
}

// inputsAt opens what a folder keeps, with a clock that the test moves.
func inputsAt(t *testing.T, dir string, o InputOptions) (i *Inputs, now *time.Time) {
	t.Helper()
	now = new(time.Time)
	*now = time.Now()
	o.Now = func() time.Time { return *now }
	i, err := OpenInputs(dir, o, testRing(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { i.Close() })
	return i, now
}

// give puts a whole content.
func (i *Inputs) give(t *testing.T, content string) jobs.File {
	t.Helper()
	f := fileOf("f", content)
	if _, whole, err := i.put(f.SHA256, f.Size, 0, []byte(content)); err != nil || !whole {
		t.Fatalf("put: whole %v, %v", whole, err)
	}
	return f
}

func (i *Inputs) text(f jobs.File) (string, error) {
	from, err := i.Open(context.Background(), f)
	if err != nil {
		return "", err
	}
	defer from.Close()
	text, err := io.ReadAll(from)
	return string(text), err
}

// names are what is in a folder.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "sealed" { // which says that a folder is
			list = append(list, e.Name())
		}
	}
	return list
}

func TestInputsInPieces(t *testing.T) {
	plainOnly(t)
	dir := t.TempDir()
	i, _ := inputsAt(t, dir, InputOptions{MaxFile: 100, MaxAll: 150})
	const content = "the content of a file"
	f := fileOf("a", content)
	put := func(offset int64, piece string) (int64, bool, error) {
		return i.put(f.SHA256, f.Size, offset, []byte(piece))
	}
	for _, x := range []struct {
		offset int64
		piece  string
		have   int64
		whole  bool
	}{
		{5, content[5:], 0, false}, // its beginning is not here
		{0, content[:4], 4, false},
		{0, content[:9], 4, false}, // another one who sends the same
		{4, content[4:9], 9, false},
		{9, content[9:], f.Size, true},
		{f.Size, "", f.Size, true}, // told again
		{0, content, f.Size, true},
	} {
		if have, whole, err := put(x.offset, x.piece); have != x.have || whole != x.whole || err != nil {
			t.Errorf("%d %q: %d, %v, %v", x.offset, x.piece, have, whole, err)
		}
		if lacks, err := i.lacks([]jobs.File{f, f}); err != nil || (len(lacks) == 0) != x.whole || !x.whole && lacks[0] != (Lacking{f.SHA256, x.have}) {
			t.Errorf("it lacks %v, %v", lacks, err)
		}
	}
	if text, err := i.text(f); text != content || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if list := names(t, dir); len(list) != 1 || list[0] != f.SHA256 {
		t.Errorf("%q", list)
	}
	if empty := i.give(t, ""); len(names(t, dir)) != 2 || empty.Size != 0 {
		t.Errorf("%q", names(t, dir))
	}

	// What is wrong with a request, or with what was sent.
	for name, x := range map[string]struct {
		digest       string
		size, offset int64
		piece        string
		want         error
	}{
		"another content":  {fileOf("", "b").SHA256, 1, 0, "c", errBad},
		"another size":     {f.SHA256, 4, 0, content[:4], errBad},
		"no digest":        {"../../etc/passwd", 1, 0, "c", errBad},
		"of another case":  {strings.ToUpper(f.SHA256), f.Size, 0, content, errBad},
		"less than nought": {f.SHA256, -1, 0, "", errBad},
		"before it":        {f.SHA256, f.Size, -1, "a", errBad},
		"beyond it":        {fileOf("", "b").SHA256, 1, 0, "bb", errBad},
		"too long":         {fileOf("", "c").SHA256, 101, 0, "c", jobs.ErrFull},
	} {
		if _, whole, err := i.put(x.digest, x.size, x.offset, []byte(x.piece)); !errors.Is(err, x.want) || whole {
			t.Errorf("%s: %v, %v", name, whole, err)
		}
	}
	if i.give(t, "b"); len(names(t, dir)) != 3 {
		t.Errorf("%q", names(t, dir))
	}
	if i.size != f.Size+1 {
		t.Errorf("%d bytes are counted, want %d", i.size, f.Size+1)
	}
}

// All files together are bounded, those on their way too.
func TestInputsAreBounded(t *testing.T) {
	i, now := inputsAt(t, t.TempDir(), InputOptions{MaxFile: 100, MaxAll: 150})
	first, second := fileOf("a", strings.Repeat("a", 100)), fileOf("b", strings.Repeat("b", 60))
	i.put(first.SHA256, first.Size, 0, []byte("aaaa"))
	if _, err := i.lacks([]jobs.File{first}); err != nil {
		t.Error(err)
	}
	if _, err := i.lacks([]jobs.File{first, second}); !errors.Is(err, jobs.ErrFull) || !strings.Contains(err.Error(), "at most 150 are kept") {
		t.Error(err)
	}
	if _, _, err := i.put(second.SHA256, second.Size, 0, nil); !errors.Is(err, jobs.ErrFull) {
		t.Error(err)
	}
	// What does not go on is forgotten.
	*now = now.Add(2 * inputSettle)
	if err := i.forget(nil); err != nil {
		t.Error(err)
	}
	if i.give(t, strings.Repeat("b", 60)); i.size != 60 || len(names(t, i.dir)) != 1 {
		t.Errorf("%d bytes, %q", i.size, names(t, i.dir))
	}
}

// A file stays while a job needs it, and an hour in which one may be submitted.
func TestInputsAreForgotten(t *testing.T) {
	plainOnly(t)
	i, now := inputsAt(t, t.TempDir(), InputOptions{})
	needed, other, asked := i.give(t, "needed"), i.give(t, "other"), i.give(t, "asked for")
	jobsNeed := func(needs func(string)) error { needs(needed.SHA256); return nil }
	step := func(d time.Duration, want int) {
		t.Helper()
		*now = now.Add(d)
		if err := i.forget(jobsNeed); err != nil {
			t.Fatal(err)
		}
		if got := len(names(t, i.dir)); got != want || len(i.there) != want {
			t.Errorf("%d files, want %d", got, want)
		}
	}
	step(59*time.Minute, 3)
	if lacks, err := i.lacks([]jobs.File{asked}); len(lacks) != 0 || err != nil {
		t.Errorf("%v, %v", lacks, err)
	}
	step(2*time.Minute, 2)
	if _, err := i.Open(t.Context(), other); !errors.Is(err, worker.ErrInput) {
		t.Error(err)
	}
	if err := i.check([]jobs.Spec{{Files: []jobs.File{needed}}, {Files: []jobs.File{other}}}); !errors.Is(err, jobs.ErrSpec) || !strings.Contains(err.Error(), "not here") {
		t.Error(err)
	}
	step(time.Hour, 1)
	broken := errors.New("broken")
	if err := i.forget(func(func(string)) error { return broken }); err != nil {
		t.Error(err) // what is needed was just asked for
	}
	*now = now.Add(2 * time.Hour)
	if err := i.forget(func(func(string)) error { return broken }); !errors.Is(err, broken) || len(names(t, i.dir)) != 1 {
		t.Errorf("%v, %q", err, names(t, i.dir))
	}
	// They outlive the process, and one that is not what it was does not.
	again, _ := inputsAt(t, i.dir, InputOptions{})
	file, err := again.Open(t.Context(), needed)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if file.Wrong(); len(names(t, i.dir)) != 0 || again.size != 0 {
		t.Errorf("%q", names(t, i.dir))
	}
}

// Of a content that had not come whole when the process was killed nothing is
// left.
func TestInputsAfterAKill(t *testing.T) {
	plainOnly(t)
	i, _ := inputsAt(t, t.TempDir(), InputOptions{})
	whole, half := i.give(t, "whole"), fileOf("b", "half")
	if _, _, err := i.put(half.SHA256, half.Size, 0, []byte("ha")); err != nil {
		t.Fatal(err)
	}
	if n := len(names(t, i.dir)); n != 2 {
		t.Fatalf("%d files", n)
	}
	again, _ := inputsAt(t, i.dir, InputOptions{})
	if list := names(t, i.dir); len(list) != 1 || list[0] != whole.SHA256 || again.size != whole.Size {
		t.Errorf("%q", list)
	}
	if text, err := again.text(whole); text != "whole" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if lacks, err := again.lacks([]jobs.File{whole, half}); err != nil || len(lacks) != 1 || lacks[0] != (Lacking{SHA256: half.SHA256}) {
		t.Errorf("%v, %v", lacks, err)
	}
}

// Several send the same at once: it is there once, and whole.
func TestInputsAtOnce(t *testing.T) {
	i, _ := inputsAt(t, t.TempDir(), InputOptions{})
	content := bytes.Repeat([]byte("0123456789"), 5000)
	f := fileOf("a", string(content))
	var sending sync.WaitGroup
	for range 4 {
		sending.Go(func() {
			for at, whole := int64(0), false; !whole; {
				var err error
				if at, whole, err = i.put(f.SHA256, f.Size, at, content[at:min(at+1000, f.Size)]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	sending.Wait()
	if text, err := i.text(f); text != string(content) || err != nil || i.size != f.Size {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// A full disk, or a folder that is gone, is told, and nothing half is left.
func TestInputsInAFolderThatIsGone(t *testing.T) {
	plainOnly(t)
	dir := filepath.Join(t.TempDir(), "inputs")
	i, _ := inputsAt(t, dir, InputOptions{})
	f := fileOf("a", "content")
	if _, _, err := i.put(f.SHA256, f.Size, 0, []byte("con")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, whole, err := i.put(f.SHA256, f.Size, 3, []byte("tent")); err == nil || whole {
		t.Errorf("%v, %v", whole, err)
	}
	if i.size != 0 || len(i.parts) != 0 || len(i.there) != 0 {
		t.Errorf("%d bytes are counted", i.size)
	}
}
