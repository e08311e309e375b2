package cache

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/httpd"
)

// purgeKillDir is the variable by which TestPurgeKill's child knows its folder.
const purgeKillDir = "FRESHET_TEST_PURGE_KILL_DIR"

// servePurges is the child: a server of which every answer is of the version that
// the client asks its origin for, and which purges by its own address /purge.
func servePurges(dir string) {
	s, err := newStore(StoreOptions{Dir: dir, Memory: 4 << 20, Disk: 64 << 20, ErrorLog: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var version atomic.Int64
	h, err := New(Options{Store: s, Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Header().Set("Cache-Tag", fmt.Sprint("n", n%10))
		w.Header().Set("X-Version", strconv.FormatInt(version.Load(), 10))
		w.Write(make([]byte, n%3*20_000)) // in the metadata, and in a file
	})})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("POST /version", func(w http.ResponseWriter, r *http.Request) {
		v, _ := strconv.ParseInt(r.URL.RawQuery, 10, 64)
		version.Store(v)
	})
	mux.HandleFunc("POST /purge", func(w http.ResponseWriter, r *http.Request) {
		var what Selector
		var err error
		switch by, value, _ := strings.Cut(r.URL.RawQuery, "="); by {
		case "tag":
			what, err = ByTag(value)
		case "prefix":
			what, err = ByPrefix("http://example.org/" + value)
		default:
			_, err = h.Purge("http://example.org/"+value, false)
		}
		if err == nil && what.kind != selectAll {
			_, err = s.PurgeBy(Purge{What: []Selector{what}})
		}
		if err != nil {
			http.Error(w, err.Error(), 500)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("serving", l.Addr())
	srv := &httpd.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(srv.Serve(l))
}

// TestPurgeKill kills a server between the acknowledgement of a purge and its
// sweep: what was purged is not served by the next one.
func TestPurgeKill(t *testing.T) {
	dir := t.TempDir()
	const objects = 60
	least := make([]int64, objects) // of which version an answer may be
	var survived int
	tr := &http.Transport{DisableCompression: true}
	for round := range int64(*killRounds) + 2 {
		child := exec.Command(os.Args[0], "-test.run=^$")
		child.Env = append(os.Environ(), purgeKillDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		ended := func() {
			child.Process.Kill()
			child.Wait()
		}
		t.Cleanup(ended)
		ask := func(method, path string) *http.Response {
			t.Helper()
			return purgeAsk(t, tr, method, path)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		addr, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
		if err != nil || !ok {
			t.Fatalf("round %d: %q %v", round, line, err)
		}
		at := "http://" + addr
		ask("POST", at+"/version?"+strconv.FormatInt(round, 10))
		for n := range objects {
			v, err := strconv.ParseInt(ask("GET", at+"/"+strconv.Itoa(n)).Header.Get("X-Version"), 10, 64)
			if err != nil || v < least[n] {
				t.Errorf("round %d: %d is of version %d (%v), though %d was purged", round, n, v, err, least[n]-1)
			}
			if v < round {
				survived++
			}
		}
		for _, what := range []string{fmt.Sprint("tag=n", round%10), fmt.Sprint("prefix=", 1+round%5), fmt.Sprint("url=", 7*round%objects)} {
			ask("POST", at+"/purge?"+what)
			by, value, _ := strings.Cut(what, "=")
			for n := range objects {
				if by == "tag" && value == fmt.Sprint("n", n%10) || by == "prefix" && strings.HasPrefix(strconv.Itoa(n), value) || by == "url" && value == strconv.Itoa(n) {
					least[n] = round + 1
				}
			}
		}
		ended()
		tr.CloseIdleConnections()
	}
	if survived == 0 {
		t.Error("nothing that was stored survived")
	}
}

func purgeAsk(t *testing.T, tr *http.Transport, method, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "example.org"
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s %s: %d %.100s %v", method, url, resp.StatusCode, text, err)
	}
	return resp
}
