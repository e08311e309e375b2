package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"freshet/internal/wiretest"
)

func TestMain(m *testing.M) { wiretest.Main(m) }

// purges notes what it is asked for.
type purges struct {
	mu    sync.Mutex
	asked []string
}

func (p *purges) note(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, s)
}

func (p *purges) Purge(q *Request) (*Answer, error) {
	a := &Answer{}
	if q.All {
		p.note(fmt.Sprint("all ", q.Soft))
	}
	for _, url := range q.URLs {
		p.note(fmt.Sprint(url, " ", q.Soft))
		if strings.HasSuffix(url, "bad") {
			a.Faults, a.Purged = append(a.Faults, "bad it is"), append(a.Purged, 0)
			continue
		}
		a.Purged = append(a.Purged, len(url))
	}
	if q.Undo != "" {
		return nil, errors.New("nothing to undo")
	}
	return a, nil
}

func handlerOf(p Purger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /purge", PurgeHandler(p))
	mux.HandleFunc("GET /echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.RawQuery, " ", r.Header.Get("Authorization"))
	})
	mux.HandleFunc("GET /secret", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "who are you?", http.StatusUnauthorized) })
	return mux
}

func open(t *testing.T, dir, name string, p Purger) *Server {
	t.Helper()
	s, err := Open(dir, name, handlerOf(p))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestPurge(t *testing.T) {
	dir, p := filepath.Join(t.TempDir(), "state"), &purges{}
	open(t, dir, "8000", p)
	c, err := Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ask  Request
		want Answer
	}{
		{Request{URLs: []string{"ab", "bad", "c"}}, Answer{Purged: []int{2, 0, 1}, Faults: []string{"bad it is"}}},
		{Request{URLs: []string{"ab"}, Soft: true}, Answer{Purged: []int{2}}},
		{Request{All: true}, Answer{}},
	} {
		a, err := c.Purge(context.Background(), tt.ask)
		if err != nil || !reflect.DeepEqual(*a, tt.want) {
			t.Errorf("%+v: %+v, %v", tt.ask, a, err)
		}
	}
	for _, bad := range []Request{{}, {All: true, Receipts: true}, {Undo: "a", Soft: true}, {Undo: "a"}} {
		if a, err := c.Purge(context.Background(), bad); err == nil {
			t.Errorf("%+v: %+v", bad, a)
		}
	}
	if want := []string{"ab false", "bad false", "c false", "ab true", "all false"}; !reflect.DeepEqual(p.asked, want) {
		t.Errorf("asked for %q", p.asked)
	}
}

// Only the user may look.
func TestModes(t *testing.T) {
	if !hasModes {
		t.Skip("no modes here")
	}
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, dir, "8000", &purges{})
	for path, want := range map[string]os.FileMode{dir: 0o700, socketPath(dir, "8000"): 0o600, tokenPath(dir, "8000"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	open1 := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open1, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open1, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(open1, "8000", handlerOf(&purges{})); err == nil || !strings.Contains(err.Error(), "others than its owner may write to it (mode 0777)") {
		t.Error(err)
	}
}

func TestAuthorized(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, "8000", &purges{})
	text, err := os.ReadFile(tokenPath(dir, "8000"))
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(text))
	if len(token) < 40 {
		t.Errorf("token %q", token)
	}
	for value, want := range map[string]bool{
		"Bearer " + token: true, "bearer  " + token: true,
		"": false, "Bearer": false, "Bearer ": false, "Bearer x": false, "Basic " + token: false, token: false, "Bearer " + token + "x": false,
	} {
		r := &http.Request{Header: http.Header{"Authorization": {value}}}
		if got := s.Authorized(r); got != want {
			t.Errorf("%.12q…: %v", value, got)
		}
		if (*Server)(nil).Authorized(r) {
			t.Error("without a door, somebody is let in")
		}
	}
	s.Close()
	if again := open(t, dir, "8000", &purges{}); again.token == token {
		t.Error("the token of the next server is the same")
	}
}

// What a server that died left behind is replaced; one that runs is not.
func TestOldSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socketPath(dir, "1"))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if _, err := Find(dir, ""); err == nil || !strings.Contains(err.Error(), "no server has its socket in") {
		t.Error(err)
	}
	open(t, dir, "1", &purges{})
	if _, err := Open(dir, "1", handlerOf(&purges{})); err == nil || !strings.Contains(err.Error(), "another server uses it") {
		t.Error(err)
	}
	open(t, dir, "2", &purges{})
	if _, err := Find(dir, ""); err == nil || !strings.Contains(err.Error(), "several servers run (1, 2): say which") {
		t.Error(err)
	}
	if c, err := Find(dir, "2"); err != nil || c.Name() != "2" {
		t.Error(err)
	}
	if _, err := Find(filepath.Join(dir, "none"), ""); err == nil {
		t.Error("found in no folder")
	}
	if _, err := Open(filepath.Join(dir, strings.Repeat("x", 100)), "1", handlerOf(&purges{})); err == nil || !strings.Contains(err.Error(), "too long for a socket") {
		t.Error(err)
	}
	if _, err := Find(dir, "none"); err == nil || !strings.Contains(err.Error(), "no server none has its socket in ") || !strings.HasSuffix(err.Error(), "; there are 1, 2") {
		t.Error(err)
	}
	c, err := Find(dir, "2")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(socketPath(dir, "2")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Purge(context.Background(), Request{All: true}); err == nil || !strings.HasPrefix(err.Error(), "speak to the server 2: ") {
		t.Error(err)
	}
}

// What is no request for a purge is refused.
func TestBadRequests(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	p := &purges{}
	open(t, dir, "1", p)
	for request, want := range map[string]string{
		"GET /purge HTTP/1.1\r\nHost: x\r\n":                                         "405",
		"POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n":                   "404",
		"POST /purge HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n":                   "400",
		"POST /purge HTTP/1.1\r\nHost: x\r\nX: {\"all\":1}\r\nContent-Length: 9\r\n": "400",
	} {
		c, err := net.Dial("unix", socketPath(dir, "1"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, request+"Connection: close\r\n\r\n{\"al\":1} ")
		all, _ := io.ReadAll(c)
		c.Close()
		if !strings.HasPrefix(string(all), "HTTP/1.1 "+want) {
			t.Errorf("%q: %.40q", request, all)
		}
	}
	if len(p.asked) > 0 {
		t.Errorf("asked for %q", p.asked)
	}
}

func TestName(t *testing.T) {
	for addr, want := range map[string]string{
		":8000": "8000", "[::]:8000": "8000", "0.0.0.0:8000": "8000", "127.0.0.1:8000": "127.0.0.1-8000", "localhost:8000": "127.0.0.1-8000",
		"[::1]:80": "__1-80", "a.example:http": "a.example-http", "8000": "8000",
	} {
		if got := Name(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
	if a, b := Name("unix:/run/a.sock"), Name("/run/a.sock"); a != b || !strings.HasPrefix(a, "unix-") || strings.Contains(a, "/") {
		t.Errorf("%s, %s", a, b)
	}
}

// The same is asked for at a door and over the network.
func TestGet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	open(t, dir, "1", &purges{})
	overTCP := httptest.NewServer(handlerOf(&purges{}))
	defer overTCP.Close()
	addr := overTCP.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	for _, tt := range []struct {
		c    *Client
		want string
	}{
		{At(socketPath(dir, "1")), "a=b+c "},
		{Over(addr, ""), "a=b+c "},
		{Over(":"+port, "t"), "a=b+c Bearer t"},
	} {
		text, err := tt.c.Get(t.Context(), "/echo", url.Values{"a": {"b c"}})
		if err != nil || string(text) != tt.want {
			t.Errorf("%s: %q, %v", tt.c.Name(), text, err)
		}
		if _, err := tt.c.Get(t.Context(), "/none", nil); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", tt.c.Name(), err)
		}
		if _, err := tt.c.Get(t.Context(), "/secret", nil); err == nil || !strings.HasSuffix(err.Error(), " says 401 Unauthorized: who are you?; give its token with --token, or the file that has it with --monitor-token") {
			t.Errorf("%s: %v", tt.c.Name(), err)
		}
		if a, err := tt.c.Purge(t.Context(), Request{URLs: []string{"abc"}}); err != nil || a.Purged[0] != 3 {
			t.Errorf("%s: %v, %v", tt.c.Name(), a, err)
		}
	}
	overTCP.Close()
	if _, err := Over(addr, "").Get(t.Context(), "/echo", nil); err == nil || !strings.Contains(err.Error(), "speak to the server "+addr+": dial tcp") {
		t.Error(err)
	}
}

// A door with two names is one server, found by both.
func TestAlsoName(t *testing.T) {
	if !hasModes {
		t.Skip("no links here")
	}
	dir := filepath.Join(t.TempDir(), "s")
	s := open(t, dir, "8000", &purges{})
	for range 2 {
		if err := s.AlsoName("8001"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "8000", "8001"} {
		c, err := Find(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(t.Context(), "/echo", nil); err != nil {
			t.Error(err)
		}
	}
	if names, err := Running(dir); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	other := open(t, dir, "9000", &purges{})
	if err := other.AlsoName("8001"); err != nil { // which is another's
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if c, err := Find(dir, "8001"); err == nil {
		t.Errorf("after its end %s is found", c.Name())
	}
	if err := other.AlsoName("8001"); err != nil {
		t.Error(err)
	}
	if _, err := Find(dir, "8001"); err != nil {
		t.Error(err)
	}
}

// A name that a killed server left behind leads to nobody else.
func TestNamesLeftBehind(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"8001", "8002"} {
		if err := os.Symlink("8000.sock", socketPath(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	first, second := &purges{}, &purges{}
	open(t, dir, "8000", first) // took the address of the one that is gone
	s := open(t, dir, "8001", second)
	if err := s.AlsoName("8002"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"8001", "8002"} {
		c, err := Find(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Purge(context.Background(), Request{All: true}); err != nil {
			t.Error(err)
		}
	}
	if len(first.asked) != 0 || len(second.asked) != 2 {
		t.Errorf("asked: %q and %q", first.asked, second.asked)
	}
}
