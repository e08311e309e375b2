package diskstore

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

var killRounds = flag.Int("kill.rounds", 3, "how often TestKill kills a process that is writing")

const killDirVar = "DISKSTORE_KILL_DIR"

// hasStored is what the process that is killed says when it has put some objects.
const hasStored = "stored\n"

// TestKill kills a process that is writing, at any moment, and looks at what
// is left: each object that can be read is one that was put, and whole.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killDirVar); dir != "" {
		writeUntilKilled(t, dir)
		return
	}
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 6))
	total := 0
	for round := range *killRounds {
		child := exec.Command(os.Args[0], "-test.run=^TestKill$")
		child.Env = append(os.Environ(), killDirVar+"="+dir)
		told, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		child.Stderr = child.Stdout
		stays, err := child.StdinPipe() // closed with the child; keeps it from outliving us
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		says := bufio.NewReader(told)
		var line string
		if round == 0 { // something has to be there in the end
			line, _ = says.ReadString('\n')
		}
		// Not to wait for something: any moment will do, and they should differ.
		time.Sleep(time.Duration(20+r.IntN(200)) * time.Millisecond)
		_ = child.Process.Kill()
		rest, _ := io.ReadAll(says)
		_ = child.Wait()
		stays.Close()
		if said := line + string(rest); said != hasStored && said != "" || line == "" && round == 0 {
			t.Fatalf("round %d: %q", round, said)
		}
		total += inspectKilled(t, dir)
	}
	t.Logf("%d objects were whole after %d kills", total, *killRounds)
	if total == 0 {
		t.Error("nothing survived; was anything written?")
	}
}

var killOptions = Options{MaxBytes: 32 << 20, MaxEntries: 300, ScrubRate: -1}

// writeUntilKilled stores objects whose metadata tells what is in them.
func writeUntilKilled(t *testing.T, dir string) {
	o := killOptions
	o.Dir = dir
	s, err := openStore(o)
	if err != nil {
		t.Fatal(err)
	}
	for worker := range 4 {
		go func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), uint64(worker)))
			for {
				writeOne(s, r)
			}
		}()
	}
	go func() {
		for s.Stats().Entries < 3 {
			time.Sleep(time.Millisecond)
		}
		fmt.Print(hasStored)
	}()
	_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
}

func writeOne(s *Store, r *rand.Rand) {
	k, seed := key(r.IntN(400)), r.IntN(1<<20)
	switch r.IntN(20) {
	case 0:
		_ = s.Delete(k)
		return
	case 1:
		if r.IntN(50) == 0 {
			_ = s.Clear()
		}
		return
	case 2, 3: // more of a body with a hole at its start
		addOne(s, r, k)
		return
	case 4, 5, 6: // new metadata
		if o, err := s.Get(k); err == nil {
			rec := o.Record()
			_ = s.Put(k, &Record{Meta: append(rec.Meta[:len(rec.Meta):len(rec.Meta)], '+'), Bodies: rec.Bodies})
			o.Release()
		}
		return
	}
	size := []int{r.IntN(3000), r.IntN(50_000), r.IntN(400_000)}[r.IntN(3)]
	data := content(seed, size)
	start := 0
	w, err := (*Writer)(nil), error(nil)
	if r.IntN(4) == 0 {
		if w, err = s.OpenSparse(int64(size)); err != nil {
			return
		}
		start = r.IntN(size + 1)
		_, _ = w.WriteAt(data[start:], int64(start))
	} else {
		if w, err = s.Create(int64(size)); err != nil {
			return
		}
		for len(data) > 0 {
			n := min(len(data), 1+r.IntN(100_000))
			_, _ = w.Write(data[:n])
			data = data[n:]
		}
	}
	defer w.Abort()
	if b, err := w.Finish(); err == nil {
		_ = s.Put(k, &Record{Meta: fmt.Appendf(nil, "%x %d %d %d ", k[:], seed, size, start), Bodies: []Body{b}})
	}
}

// addOne fills a part of the hole at the start of a sparse body.
func addOne(s *Store, r *rand.Rand, k Key) {
	o, err := s.Get(k)
	if err != nil {
		return
	}
	defer o.Release()
	var name string
	var seed, size, start int
	_, err = fmt.Sscanf(string(o.Record().Meta), "%s %d %d %d", &name, &seed, &size, &start)
	if err != nil || start == 0 || start == size {
		return
	}
	w, err := s.AddTo(k, o.Record().Bodies[0].ID)
	if err != nil {
		return
	}
	defer w.Abort()
	from := r.IntN(start)
	_, _ = w.WriteAt(content(seed, size)[from:start], int64(from))
	if b, err := w.Finish(); err == nil && b.Has(int64(from), int64(size-from)) {
		_ = s.Put(k, &Record{Meta: fmt.Appendf(nil, "%s %d %d %d ", name, seed, size, from), Bodies: []Body{b}})
	}
}

// inspectKilled opens what a killed process has left and returns how many
// objects there are.
func inspectKilled(t *testing.T, dir string) (n int) {
	t.Helper()
	o := killOptions
	o.Dir = dir
	s, err := openStore(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 400 {
		n += inspectKey(t, s, key(i))
	}
	balanced(t, s)
	if st := s.Stats(); st.Bytes > o.MaxBytes || st.Entries > o.MaxEntries || st.Entries != int64(n) {
		t.Errorf("%d objects, %+v", n, st)
	}
	if s.Stats().Corrupt > 0 {
		t.Errorf("%+v: a kill loses nothing that was written", s.Stats())
	}
	return n
}

func inspectKey(t *testing.T, s *Store, k Key) int {
	o, err := s.Get(k)
	if errors.Is(err, ErrNotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer o.Release()
	var name string
	var seed, size, start int
	if _, err := fmt.Sscanf(string(o.Record().Meta), "%s %d %d %d", &name, &seed, &size, &start); err != nil || name != fmt.Sprintf("%x", k[:]) {
		t.Fatalf("metadata %q: %v", o.Record().Meta, err)
	}
	f, err := o.OpenBody(0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	got := make([]byte, size-start)
	if f.Body().Size != int64(size) {
		t.Fatalf("%d bytes, want %d", f.Body().Size, size)
	}
	if err := f.Verify(int64(start), int64(len(got))); err != nil {
		t.Fatalf("%q: %v", o.Record().Meta, err)
	}
	if n, err := f.ReadAt(got, int64(start)); n < len(got) || string(got) != string(content(seed, size)[start:]) {
		t.Fatalf("%q: other bytes, %v", o.Record().Meta, err)
	}
	return 1
}
