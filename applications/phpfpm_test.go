package applications

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fpm is php-fpm with a pool of its own, in front of which is freshet.
type fpm struct {
	place
	url     string      // of freshet
	freshet *os.Process // which is in front
	socket  string
	config  string
	program string
}

const fpmWorkers = 4

// asManyAsWorkers is what connections should be; without it there are more.
const asManyAsWorkers = "connections = 4\n"

// startFPM starts php-fpm for the scripts of testdata/php, and freshet with a
// route to it that has more keys.
func startFPM(t *testing.T, server, keys string) *fpm {
	t.Helper()
	programs, _ := filepath.Glob("/usr/sbin/php-fpm*")
	if len(programs) == 0 {
		cannotBeHad(t, "php-fpm is not installed (Debian: php-fpm)")
	}
	f := &fpm{place: newPlace(t), program: programs[len(programs)-1]}
	f.folder(t, "data", true)
	f.folder(t, "sessions", true)
	f.folder(t, "uploads", true)
	scripts, _ := filepath.Glob("testdata/php/*")
	for _, name := range scripts {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f.file(t, "www/"+filepath.Base(name), string(source), 0o644)
	}
	f.socket = filepath.Join(f.dir, "fpm.sock")
	user := ""
	if os.Getuid() == 0 {
		user = "user = nobody\ngroup = nogroup\n"
	}
	f.config = f.file(t, "fpm.conf", fmt.Sprintf(`[global]
pid = %[1]s/fpm.pid
error_log = %[1]s/fpm.log
daemonize = no
process_control_timeout = 10s
[www]
%[2]slisten = %[3]s
listen.mode = 0666
pm = static
pm.max_children = %[4]d
catch_workers_output = yes
php_admin_value[post_max_size] = 2G
php_admin_value[upload_max_filesize] = 2G
php_admin_value[upload_tmp_dir] = %[1]s/uploads
php_admin_value[session.save_path] = %[1]s/sessions
php_admin_value[display_errors] = off
php_admin_value[log_errors] = on
`, f.dir, user, f.socket, fpmWorkers), 0o644)
	f.startBackend(t)
	f.url, f.freshet = f.run(t, server, "[[site.route]]\nfastcgi = \"unix:"+f.socket+"\"\nroot = \"www\"\n"+
		"env = [\"DATA="+f.dir+"/data\"]\n"+keys)
	return f
}

func (f *fpm) startBackend(t *testing.T) *os.Process {
	t.Helper()
	process := start(t, "unix:"+f.socket, []string{"TMPDIR=" + f.tmp}, f.program, "-n", "-F", "-y", f.config)
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(filepath.Join(f.dir, "fpm.log"))
			t.Logf("php-fpm's log: %s", said)
		}
	})
	return process
}

// understood is what form.php says that came.
type understood struct {
	Get, Post, Cookie, Server map[string]any
	Files                     map[string]struct {
		Name, Type, CRC32 string
		Size, Error       int64
	}
	Body int64
}

func decode(t *testing.T, a *answer) (u understood) {
	t.Helper()
	if a.status != 200 {
		t.Fatalf("%d %.300q", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &u); err != nil {
		t.Fatalf("%v: %.300q", err, a.body)
	}
	return u
}

// same compares some of what PHP knows with what it should, pairs of names and
// values; a value of nil means that there is none.
func same(t *testing.T, what string, got map[string]any, want ...any) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		if name := want[i].(string); fmt.Sprint(got[name]) != fmt.Sprint(want[i+1]) {
			t.Errorf("%s: %s is %v, want %v", what, name, got[name], want[i+1])
		}
	}
}

func TestPHP(t *testing.T) {
	f := startFPM(t, "", asManyAsWorkers)
	www := filepath.Join(f.dir, "www")

	t.Run("forms", func(t *testing.T) {
		u := decode(t, request(t, "POST", f.url+"/form.php?x=1&y[]=2", strings.NewReader("a=J%C3%BCrgen+M&b[c]=d"),
			"Content-Type", "application/x-www-form-urlencoded", "Cookie", "k=v", "Proxy", "http://evil/", "X_Forwarded_For", "evil", "X-Forwarded.For", "evil"))
		same(t, "GET", u.Get, "x", "1", "y", "[2]")
		same(t, "POST", u.Post, "a", "Jürgen M", "b", "map[c:d]")
		same(t, "cookie", u.Cookie, "k", "v")
		same(t, "server", u.Server, "REQUEST_METHOD", "POST", "REQUEST_URI", "/form.php?x=1&y[]=2", "SCRIPT_NAME", "/form.php", "SCRIPT_FILENAME", www+"/form.php",
			"DOCUMENT_ROOT", www, "PHP_SELF", "/form.php", "CONTENT_LENGTH", "22", "HTTP_PROXY", nil, "HTTP_X_FORWARDED_FOR", nil, "PATH_INFO", nil)
		if u.Body != 22 {
			t.Errorf("a body of %d octets", u.Body)
		}
		u = decode(t, request(t, "POST", f.url+"/form.php", io.MultiReader(strings.NewReader("a=b")), "Content-Type", "application/x-www-form-urlencoded"))
		same(t, "chunked", u.Post, "a", "b")
		u = decode(t, request(t, "PUT", f.url+"/form.php", bytes.NewReader(make([]byte, 3<<20)), "Authorization", "Basic YW5uOng="))
		same(t, "credentials", u.Server, "PHP_AUTH_USER", "ann")
		if u.Body != 3<<20 {
			t.Errorf("PUT: a body of %d octets", u.Body)
		}
	})

	t.Run("path info", func(t *testing.T) {
		u := decode(t, get(t, f.url+"/form.php/a%20b/c.php?x"))
		same(t, "server", u.Server, "PATH_INFO", "/a b/c.php", "SCRIPT_NAME", "/form.php", "SCRIPT_FILENAME", www+"/form.php",
			"PHP_SELF", "/form.php/a b/c.php", "REQUEST_URI", "/form.php/a%20b/c.php?x")
	})

	t.Run("answers", func(t *testing.T) {
		a := get(t, f.url+"/headers.php")
		wantBody(t, "a status", a, 418, "teapot")
		if a.header.Get("X-One") != "1" || fmt.Sprint(a.header["Set-Cookie"]) != "[a=1 b=2]" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%v", a.header)
		}
		wantBody(t, "a folder", get(t, f.url+"/?n=1"), 200, "index of /index.php 1")
		wantBody(t, "HEAD", request(t, "HEAD", f.url+"/?n=1", nil), 200, "")
	})

	t.Run("redirects", func(t *testing.T) {
		for _, code := range []int{302, 303, 307} {
			a := request(t, "POST", fmt.Sprintf("%s/redirect.php?code=%d", f.url, code), strings.NewReader("a=b"), "Content-Type", "application/x-www-form-urlencoded")
			if a.status != code || a.header.Get("Location") != "/form.php?done" || a.header.Get("Set-Cookie") != "done=1" {
				t.Errorf("%d: %d %v", code, a.status, a.header)
			}
		}
	})

	t.Run("events", func(t *testing.T) {
		resp, err := browser.Get(f.url + "/stream.php")
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
			f.file(t, fmt.Sprintf("data/tick%d", n+1), "", 0o644)
		}
		if rest, err := io.ReadAll(events); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	})

	t.Run("sessions", func(t *testing.T) {
		var all sync.WaitGroup
		for range 3 { // people
			all.Go(func() {
				jar, _ := cookiejar.New(nil)
				c := &http.Client{Jar: jar, Transport: browser.Transport, Timeout: browser.Timeout}
				for n := 1; n <= 10; n++ {
					resp, err := c.Get(f.url + "/session.php")
					if err != nil {
						t.Error(err)
						return
					}
					body, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					if string(body) != fmt.Sprint(n) {
						t.Errorf("visit %d: %q", n, body)
					}
				}
			})
		}
		all.Wait()
	})

	t.Run("files beside scripts", func(t *testing.T) {
		a := get(t, f.url+"/style.css")
		wantBody(t, "a file", a, 200, "body { color: black }\n")
		if a.header.Get("Content-Type") != "text/css; charset=utf-8" {
			t.Errorf("%v", a.header)
		}
		wantBody(t, "again", get(t, f.url+"/style.css", "If-None-Match", a.header.Get("Etag")), 304, "")
		wantBody(t, "a part", get(t, f.url+"/style.css", "Range", "bytes=0-3"), 206, "body")
	})

	t.Run("the source is never sent", func(t *testing.T) {
		f.file(t, "www/upload.jpg", "<?php echo 'executed', 1+1;", 0o644)
		f.file(t, "www/secret.php", "<?php // the secret\n", 0o644)
		f.file(t, "outside.php", "<?php // the secret\necho 'outside', 1+1;", 0o644)
		if err := os.Symlink("../outside.php", filepath.Join(www, "link.php")); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{
			"/secret.php", "/secret.PHP", "/secret.php/", "/secret%2ephp", "/secret.ph%70", "/secret.php%20", "/secret.php%00", "/secret.php%00.jpg", "/secret.php.",
			"//secret.php", "/./secret.php", "/x/../secret.php", "/%2e/secret.php", "/secret.php%2f", "/secret.php;a=b", "/secret.php::$DATA", "/secret.php%5c",
			"/secret.php?x", "/style.css/secret.php", "/upload.jpg/x.php", "/upload.jpg%00.php", "/link.php", "/none.php", "/../outside.php", "/..%2foutside.php",
		} {
			for _, header := range [][]string{nil, {"Range", "bytes=0-20"}, {"Accept-Encoding", "gzip"}, {"Translate", "f"}} {
				a := get(t, f.url+path, header...)
				if bytes.Contains(a.body, []byte("the secret")) || bytes.Contains(a.body, []byte("<?php")) ||
					bytes.Contains(a.body, []byte("executed")) || bytes.Contains(a.body, []byte("outside2")) || a.header.Get("Content-Encoding") != "" && a.status == 200 {
					t.Errorf("%s %v: %d %q", path, header, a.status, a.body)
				}
			}
		}
	})

	t.Run("scripts that end half way", func(t *testing.T) {
		half := strings.Repeat("x", 1000)
		wantBody(t, "exit", get(t, f.url+"/half.php?how=exit"), 200, half)
		for _, query := range []string{"how=kill", "how=exit&length=2000", "how=kill&length=2000"} {
			resp, err := browser.Get(f.url + "/half.php?" + query)
			if err != nil { // a client would ask again
				t.Errorf("%s: nothing of it came: %v", query, err)
				continue
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && resp.StatusCode == 200 {
				t.Errorf("%s: taken for whole: %d octets", query, len(body))
			}
		}
		wantBody(t, "afterwards", get(t, f.url+"/?n=2"), 200, "index of /index.php 2")
	})
}

// TestPHPFrontController has one script answer for all paths that are no files,
// as frameworks have it.
func TestPHPFrontController(t *testing.T) {
	f := startFPM(t, "", asManyAsWorkers+"fallback = \"front.php\"\nindex = [\"front.php\"]\n")
	f.file(t, "www/.env", "SECRET=1\n", 0o644)
	f.file(t, "www/.git/config", "SECRET=1\n", 0o644)
	f.file(t, "www/pictures/a.txt", "a file\n", 0o644)
	for path, want := range map[string]string{
		"/":                       `{"path":"\/","query":[],"script":"\/front.php","self":"\/front.php","info":null,"method":"GET"}`,
		"/blog/2026/a%20b?x=1":    `{"path":"\/blog\/2026\/a%20b","query":{"x":"1"},"script":"\/front.php","self":"\/front.php","info":null,"method":"GET"}`,
		"/blog/":                  `{"path":"\/blog\/","query":[],"script":"\/front.php","self":"\/front.php","info":null,"method":"GET"}`,
		"/none.php":               `{"path":"\/none.php","query":[],"script":"\/front.php","self":"\/front.php","info":null,"method":"GET"}`,
		"/pictures/b.txt":         `{"path":"\/pictures\/b.txt","query":[],"script":"\/front.php","self":"\/front.php","info":null,"method":"GET"}`,
		"/front.php/news?y[]=%C3": `{"path":"\/front.php\/news","query":{"y":["\ufffd"]},"script":"\/front.php","self":"\/front.php\/news","info":"\/news","method":"GET"}`,
		"/pictures/a.txt":         "a file\n",
		"/style.css":              "body { color: black }\n",
	} {
		wantBody(t, path, get(t, f.url+path), 200, want)
	}
	a := request(t, "POST", f.url+"/api/items", strings.NewReader("{}"), "Content-Type", "application/json")
	if a.status != 200 || !bytes.Contains(a.body, []byte(`"path":"\/api\/items"`)) || !bytes.Contains(a.body, []byte(`"method":"POST"`)) {
		t.Errorf("POST: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/.env", "/.git/config", "/%2eenv", "/pictures/../.env", "/front.php/../.env"} {
		if a := get(t, f.url+path); bytes.Contains(a.body, []byte("SECRET")) {
			t.Errorf("%s: %d %q", path, a.status, a.body)
		}
	}
}
