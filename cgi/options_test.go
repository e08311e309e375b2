//go:build unix

package cgi_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"freshet/cgi"
)

func itoa(n int) string { return strconv.Itoa(n) }

func optionsOf(dir string) cgi.Options { return cgi.Options{Dir: dir} }

// TestOptions: New says all that is wrong, at once, and what to do.
func TestOptions(t *testing.T) {
	dir := folder(t, "file", hello)
	for _, tt := range []struct {
		name string
		o    cgi.Options
		want []string // parts of the error
	}{
		{"no folder", cgi.Options{}, []string{"name a folder as Dir"}},
		{"absent", cgi.Options{Dir: dir + "/none"}, []string{"Dir: stat"}},
		{"a file", cgi.Options{Dir: dir + "/file"}, []string{"is not a folder"}},
		{"all at once", cgi.Options{Dir: dir, Prefix: "cgi-bin/", Folders: []string{"../x"}, Extensions: []string{"py", ".p/y"}, Index: []string{".x"},
			Env: []string{"HTTP_PROXY", "http_proxy=x", "HTTP_COOKIE=a", "REMOTE_USER=me", "=x", "A\x00=b"}, Writable: []string{dir}, Timeout: -1, Grace: -1,
			Running: 1 << 20, MaxHead: 1 << 20, User: "no-such-user-here"},
			[]string{"prefix", "folder", `"py"`, `".p/y"`, `".x"`, "HTTP_PROXY", "HTTP_COOKIE", "REMOTE_USER", `"=x"`, "Writable", "Grace", "running", "MaxHead", "no-such-user-here"}},
		{"root", cgi.Options{Dir: dir, User: "root"}, []string{"root"}},
		{"root by number", cgi.Options{Dir: dir, User: "0"}, []string{"root"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := cgi.New(tt.o)
			if err == nil {
				h.Close()
				t.Fatal("it was taken")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v\ndoes not mention %s", err, part)
				}
			}
		})
	}
}

// TestLimits: what programs may use is bounded.
func TestLimits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has limits")
	}
	dir := folder(t, "limits", sh(`printf 'Content-Type: text/plain\n\n'`, `ulimit -v; ulimit -t; ulimit -n; ulimit -f; ulimit -c`))
	h := newHandler(t, cgi.Options{Dir: dir, Timeout: 90 * time.Second, Limits: cgi.Limits{Memory: 1 << 29, Files: 100, FileSize: 1 << 20}})
	if a := serve(t, h).get("/limits"); a.body != "524288\n90\n100\n2048\n0\n" {
		t.Errorf("%q", a.body)
	}
	for _, part := range []string{"nobody"} {
		if d := h.Describe(); os.Geteuid() == 0 && !strings.Contains(d, part) {
			t.Errorf("%q does not mention %s", d, part)
		}
	}
	h = newHandler(t, cgi.Options{Dir: dir, Timeout: -1, Limits: cgi.Limits{Memory: -1, Files: -1, FileSize: -1}})
	if a := serve(t, h).get("/limits"); !strings.HasPrefix(a.body, "unlimited\nunlimited\n") {
		t.Errorf("%q", a.body)
	}
}

// TestSandbox: with Landlock programs read what they are made of and what they
// are for, and write where they may.
func TestSandbox(t *testing.T) {
	secret := folder(t, "secret.txt", "secret")
	writable := folder(t)
	must(t, os.Chmod(writable, 0o777))
	dir := folder(t, "try", sh(`printf 'Content-Type: text/plain\n\n'`,
		`cat "$QUERY_STRING/secret.txt" 2>/dev/null || echo kept`,
		`cat own.txt`, `(echo x > $TMPDIR/made) 2>/dev/null && echo wrote`, `(echo x > /tmp/cgi-test-made) 2>/dev/null || echo refused`), "own.txt", "own\n")
	h, err := cgi.New(cgi.Options{Dir: dir, Landlock: true, Writable: []string{writable}, NoNetwork: true, ErrorLog: quiet})
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { must(t, h.Close()) })
	if a := serve(t, h).get("/try?" + secret); a.body != "kept\nown\nwrote\nrefused\n" {
		t.Errorf("%q", a.body)
	}
}
