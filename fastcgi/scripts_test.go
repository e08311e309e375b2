package fastcgi_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/fastcgi"
)

// told is a backend that answers with the parameters that say which script it is.
func told(t testing.TB) (address string) {
	return fake(t, "unix", func(s *session) {
		for {
			a, err := s.request()
			if err != nil {
				return
			}
			var b strings.Builder
			for _, name := range []string{"SCRIPT_NAME", "SCRIPT_FILENAME", "PATH_INFO", "PATH_TRANSLATED", "DOCUMENT_ROOT", "REDIRECT_STATUS", "DOCUMENT_URI"} {
				if v, ok := a.vars[name]; ok {
					fmt.Fprintf(&b, "%s=%s\n", name, v)
				}
			}
			io.WriteString(s, whole(b.String()))
		}
	})
}

// site makes a folder with scripts, and returns it.
func site(t testing.TB) string {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"www/index.php":         "<?php",
		"www/a.php":             "<?php",
		"www/upper.PHP":         "<?php",
		"www/upload.jpg":        "<?php not a picture",
		"www/style.css":         "body{}",
		"www/dir.php/inner.php": "<?php",
		"www/dir.php/text.txt":  "text",
		"www/admin/index.php":   "<?php",
		"www/html/index.html":   "<p>",
		"www/empty/":            "",
		"www/a b/c d.php":       "<?php",
		"outside/secret.php":    "<?php",
		"outside/x.txt":         "text",
	})
	for link, to := range map[string]string{
		"out.php":    "../outside/secret.php",
		"outdir":     "../outside",
		"inside.php": "a.php",
	} {
		if err := os.Symlink(to, filepath.Join(dir, "www", link)); err != nil {
			t.Skip(err)
		}
	}
	return filepath.Join(dir, "www")
}

var files = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "FILE "+r.URL.Path) })

func TestWhichScript(t *testing.T) {
	root := site(t)
	address := told(t)
	plain := fastcgi.Options{Root: root, Files: files}
	fallback := fastcgi.Options{Root: root, Files: files, Fallback: "/index.php"}
	below := fastcgi.Options{Root: root, Files: files, Prefix: "/app/"}
	alone := fastcgi.Options{Root: root}
	script := func(name, info string) string {
		s := "SCRIPT_NAME=" + name + "\nSCRIPT_FILENAME=" + root + strings.TrimPrefix(name, "/app") + "\n"
		if info != "" {
			s += "PATH_INFO=" + info + "\nPATH_TRANSLATED=" + root + info + "\n"
		}
		return s + "DOCUMENT_ROOT=" + root + "\nREDIRECT_STATUS=200\nDOCUMENT_URI=" + name + info + "\n"
	}
	for _, tt := range []struct {
		o      fastcgi.Options
		path   string
		status int
		want   string // of the body, how it begins
	}{
		{plain, "/a.php", 200, script("/a.php", "")},
		{plain, "/a.php?x=/b.php", 200, script("/a.php", "")},
		{plain, "/a.php/more/info", 200, script("/a.php", "/more/info")},
		{plain, "/a.php/", 200, script("/a.php", "/")},
		{plain, "/a.php/x.php", 200, script("/a.php", "/x.php")},
		{plain, "//a.php", 200, script("/a.php", "")},
		{plain, "/%61.php", 200, script("/a.php", "")},
		{plain, "/a%20b/c%20d.php/e%20f", 200, script("/a b/c d.php", "/e f")},
		{plain, "/admin/../a.php", 200, script("/a.php", "")},
		{plain, "/upper.PHP", 200, script("/upper.PHP", "")},
		{plain, "/inside.php", 200, script("/inside.php", "")},
		{plain, "/dir.php/inner.php/i", 200, script("/dir.php/inner.php", "/i")},
		{plain, "/dir.php/text.txt", 200, "FILE /dir.php/text.txt"},
		{plain, "/", 200, script("/index.php", "")},
		{plain, "/admin/", 200, script("/admin/index.php", "")},
		{plain, "/admin", 301, ""},
		{plain, "/html/", 200, "FILE /html/"},
		{plain, "/empty/", 200, "FILE /empty/"},
		{plain, "/style.css", 200, "FILE /style.css"},
		{plain, "/none.css", 200, "FILE /none.css"}, // the files' handler says 404

		// No file that is not a script becomes one, and no source is served.
		{plain, "/upload.jpg/x.php", 404, ""},
		{plain, "/upload.jpg/.php", 404, ""},
		{plain, "/none.php", 404, ""},
		{plain, "/none.php/x", 200, "FILE /none.php/x"},
		{plain, "/a.php.", 404, ""},
		{plain, "/a.php%20", 404, ""},
		{plain, "/a.php..%20.", 404, ""},
		{plain, "/a.php::$DATA", 404, ""},
		{plain, "/a.php%00", 400, ""},
		{plain, "/upload.jpg%00.php", 400, ""},
		{plain, "/admin%2findex.php", 400, ""},
		{plain, "/admin%5cindex.php", 400, ""},
		{plain, "/../outside/secret.php", 400, ""},
		{plain, "/%2e%2e/outside/secret.php", 400, ""},
		{plain, "/out.php", 404, ""},
		{plain, "/out.php/info", 200, "FILE /out.php/info"},
		{plain, "/outdir/secret.php", 404, ""},

		{fallback, "/some/page", 200, script("/index.php", "")},
		{fallback, "/none.php", 200, script("/index.php", "")},
		{fallback, "/upload.jpg/x.php", 200, script("/index.php", "")},
		{fallback, "/style.css", 200, "FILE /style.css"},
		{fallback, "/empty/", 200, script("/index.php", "")},
		{fallback, "/html/", 200, "FILE /html/"},
		{fallback, "/a.php.", 404, ""},

		{below, "/app/a.php/i", 200, script("/app/a.php", "/i")},
		{below, "/%61pp/", 200, script("/app/index.php", "")},
		{below, "/app", 200, script("/app/index.php", "")},
		{below, "/apple/a.php", 404, ""},
		{below, "/a.php", 404, ""},

		{alone, "/style.css", 404, ""},
		{alone, "/empty/", 404, ""},
		{alone, "/a.php", 200, script("/a.php", "")},
	} {
		o := tt.o
		o.Address = address
		h := newHandler(t, o)
		url, _ := serve(t, h)
		req, err := http.NewRequest("GET", url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(tt.path, "?")
		req.URL.Opaque = "//" + req.Host + path
		req.URL.RawQuery = query
		resp, err := newClient(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.status || !strings.HasPrefix(string(b), tt.want) {
			t.Errorf("%s (prefix %q, fallback %q): %s\n%s\nwant %d\n%s", tt.path, o.Prefix, o.Fallback, resp.Status, b, tt.status, tt.want)
		}
		if is := h.Is(path); is != strings.HasPrefix(tt.want, "SCRIPT_NAME") {
			t.Errorf("%s: Is says %v", tt.path, is)
		} else if _, found := h.Find(&http.Request{URL: req.URL}); found != h.Is(req.URL.EscapedPath()) {
			t.Errorf("%s: Find says %v", tt.path, found)
		}
		h.Close()
	}
}

// An index without a slash is redirected to, and nowhere else.
func TestFolderRedirect(t *testing.T) {
	root := site(t)
	u, recs := serve(t, newHandler(t, fastcgi.Options{Address: "127.0.0.1:1", Root: root}))
	for path, want := range map[string]string{
		"/admin":     "/admin/",
		"/admin?a=b": "/admin/?a=b",
		"//admin":    "/admin/",
	} {
		req, _ := http.NewRequest("GET", u, nil)
		p, query, _ := strings.Cut(path, "?")
		req.URL.Opaque, req.URL.RawQuery = "//"+req.Host+p, query
		resp, err := newClient(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Location"); resp.StatusCode != 301 || got != want {
			t.Errorf("%s: %s, Location %q, want %q", path, resp.Status, got, want)
		}
		if got := recs.rule(t); got != "static-redirect" {
			t.Errorf("%s: rule %s", path, got)
		}
	}
}

// An application gets all paths.
func TestApplication(t *testing.T) {
	address := told(t)
	for _, tt := range []struct{ prefix, path, name, info string }{
		{"", "/", "", "/"},
		{"", "/a/b/", "", "/a/b/"},
		{"/app/", "/app", "/app", ""},
		{"/app", "/app/", "/app", "/"},
		{"/app", "/app/x%20y", "/app", "/x y"},
	} {
		h := newHandler(t, fastcgi.Options{Address: address, Prefix: tt.prefix})
		url, _ := serve(t, h)
		_, body := get(t, newClient(t), url+tt.path)
		want := "SCRIPT_NAME=" + tt.name + "\n"
		if tt.info != "" {
			want += "PATH_INFO=" + tt.info + "\n"
		}
		if !strings.HasPrefix(body, want) || strings.Contains(body, "SCRIPT_FILENAME") {
			t.Errorf("%s below %q:\n%s\nwant\n%s", tt.path, tt.prefix, body, want)
		}
	}
}
