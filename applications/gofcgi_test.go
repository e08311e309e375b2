package applications

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// goApplication is an application as Go programs are: it gets every path.
func goApplication(tick <-chan struct{}) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/app/hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		fmt.Fprintf(w, "hello %s from %s by %s, %s\n", r.PathValue("name"), r.Host, r.Method, r.URL.RawQuery)
	})
	mux.HandleFunc("/app/form", func(w http.ResponseWriter, r *http.Request) {
		r.ParseMultipartForm(1 << 20)
		fmt.Fprintf(w, "%v\n", r.Form)
	})
	mux.HandleFunc("/app/sum", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		fmt.Fprintf(w, "%d %x %v\n", n, sum.Sum(nil), err)
	})
	mux.HandleFunc("/app/large", func(w http.ResponseWriter, r *http.Request) {
		for range 64 {
			w.Write(make([]byte, 1<<20))
		}
	})
	mux.HandleFunc("/app/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", n)
			w.(http.Flusher).Flush()
			<-tick
		}
	})
	mux.HandleFunc("/app/kept", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintln(w, time.Now().UnixNano())
	})
	return mux
}

// worker is the variable that makes the test's own program an application that
// gets a socket as its standard input.
const worker = "FRESHET_TEST_WORKER"

// TestGoFCGI has net/http/fcgi behind freshet: by a Unix socket, by TCP, and as
// workers that freshet starts.
func TestGoFCGI(t *testing.T) {
	listen := func(t *testing.T, network, addr string) (tick chan struct{}, at string) {
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		tick = make(chan struct{})
		served := make(chan error, 1)
		go func() { served <- fcgi.Serve(l, goApplication(tick)) }()
		t.Cleanup(func() {
			l.Close()
			<-served
		})
		return tick, l.Addr().String()
	}
	route := func(address string) string {
		return "[[site.route]]\npath = \"/app/\"\nfastcgi = \"" + address + "\"\n"
	}
	t.Run("Unix socket", func(t *testing.T) {
		p := newPlace(t)
		tick, at := listen(t, "unix", filepath.Join(p.dir, "app.sock"))
		url, _ := p.run(t, "", route("unix:"+at))
		useApplication(t, url)
		useEvents(t, url, tick)
	})
	t.Run("TCP", func(t *testing.T) {
		p := newPlace(t)
		tick, at := listen(t, "tcp", "127.0.0.1:0")
		url, _ := p.run(t, "", route(at))
		useApplication(t, url)
		useEvents(t, url, tick)
	})
	t.Run("workers", func(t *testing.T) {
		p := newPlace(t)
		self, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		program := p.file(t, "application", string(self), 0o755)
		url, server := p.run(t, "", route("workers")+"workers = [\""+program+"\"]\nenv = [\""+worker+"=1\"]\nmin-workers = 1\nmax-workers = 3\n")
		useApplication(t, url)
		if !p.running(program) {
			t.Error("no worker runs")
		}
		server.Kill()
		eventually(t, "no worker of a server that was killed runs", func() bool { return len(p.processes()) == 0 })
		sockets, _ := filepath.Glob(filepath.Join(p.tmp, "freshet-fastcgi-*"))
		for _, dir := range sockets { // nobody was there to remove them
			os.RemoveAll(dir)
		}
	})
}

// useApplication asks for all that goApplication has.
func useApplication(t *testing.T, url string) {
	t.Helper()
	a := get(t, url+"/app/hello/J%C3%BCrgen?x=1", "Host", "ignored")
	wantBody(t, "hello", a, 200, fmt.Sprintf("hello Jürgen from %s by GET, x=1\n", strings.TrimPrefix(url, "http://")))
	if len(a.header["Set-Cookie"]) != 1 {
		t.Errorf("%v", a.header)
	}
	wantBody(t, "HEAD", request(t, "HEAD", url+"/app/hello/x", nil), 200, "")
	wantBody(t, "none", get(t, url+"/app/none"), 404, "404 page not found\n")
	wantBody(t, "form", request(t, "POST", url+"/app/form?c=3", strings.NewReader("a=1&b=2"), "Content-Type", "application/x-www-form-urlencoded"), 200,
		"map[a:[1] b:[2] c:[3]]\n")

	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	want := fmt.Sprintf("%d %x %v\n", len(body), sha256.Sum256(body), error(nil))
	wantBody(t, "a body of known length", request(t, "POST", url+"/app/sum", bytes.NewReader(body)), 200, want)
	wantBody(t, "a body of unknown length", request(t, "POST", url+"/app/sum", io.MultiReader(bytes.NewReader(body))), 200, want)
	if a := get(t, url+"/app/large"); a.status != 200 || len(a.body) != 64<<20 {
		t.Errorf("large: %d, %d octets", a.status, len(a.body))
	}
	if first, again := get(t, url+"/app/kept"), get(t, url+"/app/kept"); first.status != 200 || !bytes.Equal(first.body, again.body) {
		t.Errorf("what may be kept: %d %q, then %q", first.status, first.body, again.body)
	}
	var all sync.WaitGroup
	for n := range 40 {
		all.Go(func() {
			resp, err := browser.Get(fmt.Sprintf("%s/app/hello/%d", url, n))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || !strings.HasPrefix(string(body), fmt.Sprintf("hello %d ", n)) {
				t.Errorf("at once: %d %q, %v", resp.StatusCode, body, err)
			}
		})
	}
	all.Wait()
}

// useEvents has each event come before the next is made.
func useEvents(t *testing.T, url string, tick chan<- struct{}) {
	t.Helper()
	resp, err := browser.Get(url + "/app/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewReader(resp.Body)
	for n := range 3 {
		if line, err := events.ReadString('\n'); line != fmt.Sprintf("data: %d\n", n) || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		events.ReadString('\n')
		tick <- struct{}{}
	}
	if rest, err := io.ReadAll(events); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}
