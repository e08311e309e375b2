package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// counting is an origin that says how often it was asked.
func counting(t *testing.T) (origin *httptest.Server, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	origin = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		w.Header().Set("Etag", `"a"`)
		asked.Add(1)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "kept")
	}))
	t.Cleanup(origin.Close)
	return origin, asked
}

// command runs a command to its end.
func command(t *testing.T, home string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, args...)
	status = p.wait()
	return status, p.stdout.String(), p.stderr.String()
}

func TestPurgeCommand(t *testing.T) {
	origin, asked := counting(t)
	for _, way := range []string{"proxy", "run"} {
		t.Run(way, func(t *testing.T) {
			asked.Store(0)
			home := t.TempDir()
			args := []string{"proxy", "--listen", "127.0.0.1:0", "--to", origin.URL}
			if way == "run" {
				file := filepath.Join(home, "f.toml")
				text := "[server]\nlisten = '127.0.0.1:0'\n[[site]]\n[[site.route]]\nproxy = '" + origin.URL + "'\n[[site.route]]\npath = '/s'\nstatic = '.'\n"
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
				args = []string{"run", "-c", file}
			}
			p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, args...)
			url := p.url()
			askTwice := func(want int64) {
				t.Helper()
				get(t, url)
				get(t, url)
				if n := asked.Load(); n != want {
					t.Errorf("the origin was asked %d times, want %d", n, want)
				}
			}
			askTwice(1)
			purge := func(want int, says string, args ...string) {
				t.Helper()
				status, stdout, stderr := command(t, home, append([]string{"purge"}, args...)...)
				if status != want || !strings.Contains(stdout+stderr, says) {
					t.Errorf("%v: %d, %q, %q", args, status, stdout, stderr)
				}
			}
			purge(exitOK, strings.TrimSuffix(url, "/")+": 1 answer\n", strings.TrimSuffix(url, "/"))
			askTwice(2)
			purge(exitOK, url+": 1 answer\n"+url+"other: 0 answers\n", "--soft", url, url+"other")
			askTwice(3)
			purge(exitOK, "all answers\n", "--all")
			askTwice(4)
			purge(exitOK, "all answers\n", "--all", "--soft")
			askTwice(5)
			if way == "run" {
				purge(exitFault, "/s/x: no route with a cache has that path", url+"s/x")
			}
			purge(exitOK, "all answers\n", "--all", "--monitor", strings.TrimPrefix(strings.TrimSuffix(url, "/"), "http://"))
			purge(exitFault, "speak to the server 127.0.0.1:1: dial tcp 127.0.0.1:1: ", "--all", "--monitor", "127.0.0.1:1")
			purge(exitFault, "no server has its socket in ", "--all", "--data", filepath.Join(home, "none"))
			purge(exitUsage, "say what to forget")
			purge(exitUsage, `"x" is no address`, "x")
			p.stop()
			purge(exitFault, "no server has its socket in ", "--all")
		})
	}
}

func TestPurgeMethod(t *testing.T) {
	origin, asked := counting(t)
	data := t.TempDir()
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--data", data)
	url := p.url()
	get(t, url)
	files, err := filepath.Glob(filepath.Join(data, "*.token"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSuffix(string(text), "\n")
	purge := func(token string, soft bool) (int, string, http.Header) {
		t.Helper()
		req, err := http.NewRequest("PURGE", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if soft {
			req.Header.Set("Soft-Purge", "1")
		}
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), resp.Header
	}
	for _, wrong := range []string{"", "x", token[:len(token)-1]} {
		if status, _, header := purge(wrong, false); status != 401 || header.Get("Www-Authenticate") != `Bearer realm="freshet"` {
			t.Errorf("with the token %q: %d, %v", wrong, status, header)
		}
	}
	get(t, url)
	if asked.Load() != 1 {
		t.Error("something was purged without the token")
	}
	if status, body, _ := purge(token, true); status != 200 || body != "1 answer\n" {
		t.Errorf("%d %q", status, body)
	}
	get(t, url)
	get(t, url)
	if asked.Load() != 2 {
		t.Errorf("the origin was asked %d times after a soft purge", asked.Load())
	}
	if status, body, _ := purge(token, false); status != 200 || body != "1 answer\n" {
		t.Errorf("%d %q", status, body)
	}
	if status, body, _ := purge(token, false); status != 200 || body != "0 answers\n" {
		t.Errorf("%d %q", status, body)
	}
	get(t, url)
	if asked.Load() != 3 {
		t.Errorf("the origin was asked %d times", asked.Load())
	}
	p.stop()
	if left, _ := filepath.Glob(filepath.Join(data, "*.token")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestDoorFolder(t *testing.T) {
	for _, tt := range []struct {
		data    string
		environ []string
		want    string
	}{
		{"/d", []string{"HOME=/h"}, "/d"},
		{"", []string{"HOME=/h"}, "/h/.local/state/freshet"},
		{"", []string{"HOME=/h", "XDG_STATE_HOME=/s"}, "/s/freshet"},
		{"", []string{"HOME=/h", "XDG_STATE_HOME=s"}, "/h/.local/state/freshet"},
		{"", nil, ""},
	} {
		if got, err := doorFolder(tt.data, tt.environ); filepath.ToSlash(got) != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%+v: %s, %v", tt, got, err)
		}
	}
}

// A server that cannot open its door serves all the same, and says so.
func TestNoDoor(t *testing.T) {
	origin, _ := counting(t)
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL)
	url := p.url()
	p.stderr.wait(t, `level=WARN msg="freshet purge cannot reach this server" err="there is no folder for it`)
	if _, body := get(t, url); body != "kept" {
		t.Errorf("%q", body)
	}
	p.stop()
}

func TestPurgeWithoutACache(t *testing.T) {
	home := t.TempDir()
	p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", folder(t, "a.txt", "a"))
	if status, _, stderr := command(t, home, "purge", p.url()+"a.txt"); status != exitFault || !strings.Contains(stderr, " has no cache\n") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}
