package cache

import (
	"bufio"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/httpd"
)

var killRounds = flag.Int("kill.rounds", 3, "how often TestKill kills the server")

// killDir is the variable by which TestKill's child knows its folder.
const killDir = "FRESHET_TEST_KILL_DIR"

// contentOf is the body of an address: each has bytes of its own.
func contentOf(path string, n int) []byte {
	h := fnv.New64a()
	io.WriteString(h, path)
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(h.Sum64(), 0))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

var killSizes = [...]int{0, 100, 20_000, 70_000, 300_000, 1_500_000}

// serveUntilKilled is the child: a server whose origin says in X-Life which
// process has answered.
func serveUntilKilled(dir string) {
	s, err := newStore(StoreOptions{Dir: dir, Memory: 4 << 20, Disk: 64 << 20, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	life := strconv.Itoa(os.Getpid())
	h, err := New(Options{Store: s, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, last, _ := strings.Cut(r.URL.Path[1:], "/")
		n, _ := strconv.Atoi(last)
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Header().Set("X-Life", life)
		b := contentOf(r.URL.Path, n)
		for len(b) > 0 {
			k := min(len(b), 32<<10)
			w.Write(b[:k])
			b = b[k:]
		}
	})})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("serving", l.Addr(), life)
	srv := &httpd.Server{Handler: h, Hot: h, ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(srv.Serve(l))
}

// TestKill kills a server again and again while clients verify every byte, and
// starts it again on what is left.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var survived, verified atomic.Int64
	for round := range *killRounds {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), killDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		addr, life, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "serving "), " ")
		if err != nil || !ok {
			t.Fatalf("round %d: %q %v", round, line, err)
		}
		var clients sync.WaitGroup
		stop := make(chan struct{})
		tr := &http.Transport{DisableCompression: true}
		enough := make(chan struct{})
		var answers atomic.Int64
		for range 4 {
			clients.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					path := fmt.Sprintf("/%d/%d", rand.IntN(60), killSizes[rand.IntN(len(killSizes))])
					old, whole := verify(t, tr, addr, path, life)
					if old {
						survived.Add(1)
					}
					if whole {
						verified.Add(1)
						if answers.Add(1) == 100 {
							close(enough)
						}
					}
				}
			})
		}
		select {
		case <-enough: // and then at any moment
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		case <-time.After(time.Minute): // hung, not slow: other programs may be busy
			t.Errorf("round %d: %d answers only", round, answers.Load())
		}
		child.Process.Kill()
		child.Wait()
		close(stop)
		clients.Wait()
		tr.CloseIdleConnections()
		if t.Failed() {
			return
		}
	}
	t.Logf("%d bodies verified, %d from an earlier life", verified.Load(), survived.Load())
	if *killRounds > 1 && survived.Load() == 0 {
		t.Error("nothing that was stored survived")
	}
}

// verify gets an address. An answer that the kill has cut is none; whole says
// that there was one, old that a process before this one had fetched it.
func verify(t *testing.T, tr *http.Transport, addr, path, life string) (old, whole bool) {
	req, err := http.NewRequest("GET", "http://"+addr+path, nil)
	if err != nil {
		t.Error(err)
		return false, false
	}
	req.Host = "example.org"
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return false, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	_, last, _ := strings.Cut(path[1:], "/")
	n, _ := strconv.Atoi(last)
	want := contentOf(path, n)
	switch {
	case len(body) > n || string(body) != string(want[:len(body)]):
		t.Errorf("%s: wrong bytes", path)
	case err != nil:
		return false, false
	case resp.StatusCode != 200 || len(body) != n:
		t.Errorf("%s: %d with %d bytes", path, resp.StatusCode, len(body))
	}
	return resp.Header.Get("X-Life") != life, true
}
