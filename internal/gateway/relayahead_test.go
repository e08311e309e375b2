package gateway

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"freshet/internal/rule"
)

// taken is a program that notes what it is told; its output is a pipe.
type taken struct {
	in, out *os.File
	ended   chan *Fault
	says    *Fault // in the stead of what it is told
}

func newTaken(t *testing.T) *taken {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); out.Close() })
	return &taken{in: in, out: out, ended: make(chan *Fault, 2)}
}

func (p *taken) Ended(f *Fault) *Fault {
	p.ended <- f
	if p.says != nil {
		return p.says
	}
	return f
}

func (p *taken) Stop(rule.ID) { p.out.Close() }

// relay relays what the program prints to w, and returns where the end of that
// is told.
func (p *taken) relay(w http.ResponseWriter, o RelayOptions, length int64, typ string) chan *Fault {
	o.Program = p
	done := make(chan *Fault, 1)
	go func() {
		out := NewOutput(p.out)
		defer out.Release()
		h := &Head{Status: 200, Header: http.Header{"Content-Type": {typ}}, Length: length}
		done <- Relay(w, httptest.NewRequest("GET", "/", nil), h, out, o)
	}()
	return done
}

// piped is a writer to somebody who takes what he likes.
type piped struct {
	discarding
	net.Conn
	flushed chan struct{}
}

func newPiped() (*piped, net.Conn) {
	ours, theirs := net.Pipe()
	return &piped{discarding{make(http.Header)}, ours, make(chan struct{}, 1000)}, theirs
}

func (p *piped) Write(b []byte) (int, error) { return p.Conn.Write(b) }
func (p *piped) Flush() {
	select {
	case p.flushed <- struct{}{}:
	default:
	}
}

// slowly reads all with pauses, in portions by chance.
func slowly(c net.Conn, r *rand.Rand, left int64) ([]byte, error) {
	h := sha256.New()
	buf := make([]byte, 200<<10)
	for left > 0 {
		if r.IntN(20) == 0 {
			time.Sleep(2 * lagAfter)
		}
		n, err := c.Read(buf[:1+r.IntN(len(buf))])
		h.Write(buf[:n])
		if left -= int64(n); err != nil {
			return h.Sum(nil), err
		}
	}
	return h.Sum(nil), nil
}

// TestAheadSame has what a slow client gets be what was printed, wherever it was
// kept.
func TestAheadSame(t *testing.T) {
	full := t.TempDir() + "/none"
	for _, tt := range []struct {
		name   string
		o      SpoolOptions
		length bool
	}{
		{"a file", SpoolOptions{}, false},
		{"a file, of known length", SpoolOptions{}, true},
		{"a small file", SpoolOptions{Most: 100 << 10}, false},
		{"a small file, of known length", SpoolOptions{Most: 100 << 10}, true},
		{"a file too small", SpoolOptions{Most: 1}, false},
		{"no file", SpoolOptions{Dir: full}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, 7))
				all := make([]byte, 3<<20+r.IntN(1000))
				for i := range all {
					all[i] = byte(r.Uint32())
				}
				if o := &tt.o; o.Dir == "" {
					o.Dir = t.TempDir()
				}
				tt.o.Files = new(Files)
				p := newTaken(t)
				w, client := newPiped()
				length := int64(-1)
				if tt.length {
					length = int64(len(all))
				}
				done := p.relay(w, RelayOptions{Spool: tt.o}, length, "a/b")
				go func() {
					r := rand.New(rand.NewPCG(seed, 8))
					for rest := all; len(rest) > 0; {
						n, _ := p.in.Write(rest[:min(len(rest), 1+r.IntN(100<<10))])
						rest = rest[n:]
					}
					p.in.Close()
				}()
				got, err := slowly(client, r, int64(len(all)))
				if want := sha256.Sum256(all); err != nil || !bytes.Equal(got, want[:]) {
					t.Errorf("seed %d: not what was printed; %v", seed, err)
				}
				if f := <-done; f != nil || len(p.ended) != 1 {
					t.Errorf("seed %d: %v, the program was told %d times", seed, f, len(p.ended))
				}
				if a := tt.o.Files.Ahead(); a.Begun != 1 || a.Answers != 0 || a.Held != 0 || tt.o.Files.octets.Load() != 0 {
					t.Errorf("seed %d: %+v, %d octets", seed, a, tt.o.Files.octets.Load())
				}
			}
		})
	}
}

// TestAheadEvents has events that were printed while the client was slow come,
// and later ones at once.
func TestAheadEvents(t *testing.T) {
	for _, typ := range []string{"text/event-stream", "text/plain"} {
		p := newTaken(t)
		w, client := newPiped()
		files := new(Files)
		done := p.relay(w, RelayOptions{Spool: SpoolOptions{Files: files, Dir: t.TempDir()}}, -1, typ)
		io.WriteString(p.in, "first.")
		for late := time.Now().Add(time.Minute); files.Ahead().Answers == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				t.Fatal("it is not read ahead")
			}
		}
		io.WriteString(p.in, "second")
		buf := make([]byte, 6)
		for i, want := range []string{"first.", "second", "third.", "fourth"} {
			if i > 1 {
				io.WriteString(p.in, want) // when the one before was taken
			}
			for len(w.flushed) > 0 {
				<-w.flushed
			}
			if _, err := io.ReadFull(client, buf); string(buf) != want || err != nil {
				t.Errorf("%q, %v", buf, err)
			}
			if i > 0 { // nothing follows at once
				<-w.flushed
			}
		}
		p.in.Close()
		if f := <-done; f != nil {
			t.Error(f)
		}
	}
}

// TestAheadClientGone has a client that leaves end the reading ahead, whatever
// that waits for.
func TestAheadClientGone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		prints int
		ends   bool
		want   rule.ID
	}{
		{"while the program is silent", 1000, false, rule.ScriptClientGone},
		{"while the program waits", 1 << 20, false, rule.ScriptClientGone},
		{"when the program is gone", 60_000, true, rule.ScriptClientGone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTaken(t)
			w, client := newPiped()
			files := new(Files)
			done := p.relay(w, RelayOptions{Spool: SpoolOptions{Files: files, Most: 1}}, -1, "a/b")
			written := make(chan struct{})
			go func() {
				defer close(written)
				p.in.Write(make([]byte, tt.prints))
				if tt.ends {
					p.in.Close()
				}
			}()
			waits := func() bool { return files.Ahead().Answers == 1 }
			switch {
			case tt.ends:
				waits = func() bool { return len(p.ended) == 1 }
			case tt.prints > 1<<19:
				waits = func() bool { return files.Ahead().Held == 1 }
			}
			for late := time.Now().Add(time.Minute); !waits(); time.Sleep(time.Millisecond) {
				if time.Now().After(late) {
					t.Fatal("it does not wait")
				}
			}
			client.Close()
			if f := <-done; f == nil || f.Rule != tt.want {
				t.Errorf("%v", f)
			}
			<-written
			if f := <-p.ended; (f == nil) != tt.ends || len(p.ended) != 0 {
				t.Errorf("the program was told %v, and %d times more", f, len(p.ended))
			}
		})
	}
}

// TestAheadFault has what the program says of its end stand for the answer, and
// what came before it be sent.
func TestAheadFault(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    RelayOptions
		len  int64
		says *Fault
		want rule.ID
		gets int64
	}{
		{"too much", RelayOptions{Most: 300_000}, -1, nil, rule.ScriptOutputTooLarge, 200_000},
		{"too little", RelayOptions{}, 500_000, nil, rule.ScriptIncomplete, 400_000},
		{"it died", RelayOptions{}, -1, &Fault{Rule: rule.ScriptDied}, rule.ScriptDied, 400_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTaken(t)
			p.says = tt.says
			w, client := newPiped()
			tt.o.Spool.Dir = t.TempDir()
			done := p.relay(w, tt.o, tt.len, "a/b")
			go func() {
				p.in.Write(make([]byte, 400_000))
				p.in.Close()
			}()
			<-p.ended // while the client has taken nothing
			got := make(chan int64)
			go func() { n, _ := io.Copy(io.Discard, client); got <- n }()
			f := <-done
			w.Conn.Close()
			if n := <-got; f == nil || f.Rule != tt.want || n < tt.gets {
				t.Errorf("%v after %d octets", f, n)
			}
		})
	}
}

// TestAheadDiskFull has a file that cannot be written not be used.
func TestAheadDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	files := new(Files)
	a := &ahead{
		x: &relay{left: -1, opt: RelayOptions{Spool: SpoolOptions{Files: files}}}, most: 1 << 20, tally: &files.ahead,
		mem: new(outputMemory), to: 50 << 10, file: full, room: make(chan struct{}, 1),
	}
	if a.spill() || !a.broken || a.to != 50<<10 || a.end != 0 || files.octets.Load() != 0 {
		t.Errorf("broken: %v; %d octets in memory, %d in the file, %d counted", a.broken, a.to, a.end, files.octets.Load())
	}
	b := make([]byte, outputBuffer)
	if n, over, err := a.next(b); n != 50<<10 || over || err != nil {
		t.Errorf("%d octets, %v, %v", n, over, err)
	}
	a.closeFile()
}

// TestAheadLeavesRoom has answers take half of the room for files, and bodies the
// other.
func TestAheadLeavesRoom(t *testing.T) {
	files := new(Files)
	if !files.take(200, 100, aheadAtOnce) || files.take(1, 100, aheadAtOnce) {
		t.Error("answers have more than their half, or less")
	}
	if !files.take(200, 100, spoolsAtOnce) || files.take(1, 100, spoolsAtOnce) {
		t.Error("bodies have more than is left, or less")
	}
}

// TestAheadPanic has what panics while it is read ahead panic where Relay was
// called.
func TestAheadPanic(t *testing.T) {
	p := newTaken(t)
	w, client := newPiped()
	files := new(Files)
	panicked := make(chan any, 1)
	go func() {
		defer func() { panicked <- recover() }()
		o := NewOutput(p.out)
		defer o.Release()
		Relay(w, httptest.NewRequest("GET", "/", nil), &Head{Status: 200, Header: http.Header{}, Length: -1}, o,
			RelayOptions{Program: panics{p}, Spool: SpoolOptions{Files: files}})
	}()
	io.WriteString(p.in, "some")
	for late := time.Now().Add(time.Minute); files.Ahead().Answers == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("it is not read ahead")
		}
	}
	p.in.Close()
	go io.Copy(io.Discard, client)
	if got := <-panicked; got != errPanics {
		t.Errorf("%v", got)
	}
	client.Close()
}

var errPanics = errors.New("it panics")

type panics struct{ *taken }

func (p panics) Ended(*Fault) *Fault { panic(errPanics) }
