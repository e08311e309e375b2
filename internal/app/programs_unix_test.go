//go:build unix

package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programFolder makes a folder that whoever programs run as may enter; the files
// that begin with #! may be executed.
func programFolder(t *testing.T, files ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(files); i += 2 {
		addProgram(t, filepath.Join(dir, files[i]), files[i+1])
	}
	return dir
}

func addProgram(t *testing.T, path, text string) {
	t.Helper()
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// says is a program that prints a text.
func says(text string, fields ...string) string {
	return "#!/bin/sh\nprintf '%s\\n' 'Content-Type: text/plain' '" + strings.Join(append(fields, ""), "' '") + "'\nprintf '%s' \"" + text + "\"\n"
}

// A folder has programs and files; what programs say about caches is obeyed, and
// can be purged.
func TestServePrograms(t *testing.T) {
	dir := programFolder(t, "index.html", "home", "cgi-bin/count", "#!/bin/sh\nprintf 'Content-Type: text/plain\\nCache-Control: max-age=600\\n\\n'\ndate +%N\n",
		"tool.sh", says("tool $PATH_INFO $QUERY_STRING $A $B"), "d/index.sh", says("index"), "cgi-bin/local", "#!/bin/sh\nprintf 'Location: /index.html\\n\\n'\n")
	p := startWith(t, func(e *Env) { e.Environ = append([]string{"A=from here", "B=not passed", "HOME=" + dir}, noMonitor...) },
		"serve", dir, "--cgi", "/cgi-bin", "--cgi-ext", ".sh", "--cgi-env", "A", "--index", "index.html", "--index", "index.sh", "--listen", "127.0.0.1:0", "--access-log", "off")
	url := p.url()
	p.stderr.wait(t, `programs of `+dir+`: .+`)
	for path, want := range map[string]string{
		"": "home", "tool.sh/a/b?c=d": "tool /a/b c=d from here ", "d/": "index", "cgi-bin/local": "home",
	} {
		if resp, body := get(t, url+path); resp.StatusCode != 200 || body != want {
			t.Errorf("%s: %d %q", path, resp.StatusCode, body)
		}
	}
	_, first := get(t, url+"cgi-bin/count")
	resp, second := get(t, url+"cgi-bin/count")
	if first != second || !strings.Contains(resp.Header.Get("Cache-Status"), "hit") {
		t.Errorf("not from the cache: %q, %q, %v", first, second, resp.Header)
	}
	if status, said, fault := command(t, dir, "purge", url+"cgi-bin/count"); status != exitOK || !strings.Contains(said, "1 answer") {
		t.Errorf("purge: %d %s %s", status, said, fault)
	}
	if _, third := get(t, url+"cgi-bin/count"); third == first {
		t.Error("it is still there after a purge")
	}
	p.stop()
	if n := strings.Count(p.stderr.String(), "programs of "); n != 1 {
		t.Errorf("it is told %d times what programs run as", n)
	}
}

// Whatever trick a path, a link or a flag plays, no octet of a program is sent.
func TestProgramsAreNotServed(t *testing.T) {
	const secret = "the source"
	program := "#!/bin/sh\n# " + secret + "\nprintf 'Content-Type: text/plain\\n\\nran'\n"
	files := []string{"index.html", "home", "cgi-bin/run", program, "cgi-bin/data.txt", secret, "tool.sh", program, "TOOL2.SH", program, "off.sh", secret, "tool.sh.gz", secret,
		"tool.sh~", secret, "tool.sh.bak", secret, ".tool.sh.swp", secret, "d/tool.sh", program, "page.js", strings.Repeat("let a;", 500), "Cgi-Bin/run", program}
	for _, flags := range [][]string{
		{}, {"--follow-symlinks"}, {"--hidden"}, {"--clean-urls"}, {"--spa", "tool.sh"}, {"--spa", "spa.html"}, {"--index", "tool.sh"}, {"--index", "off.sh"},
		{"--compress", "off", "--hidden"}, {"--coherence", "1h", "--follow-symlinks"}, {"--cgi", "/D"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			dir := programFolder(t, files...)
			for name, to := range map[string]string{
				"notes.txt": "tool.sh", "again.txt": "notes.txt", "pub": "cgi-bin", "spa.html": "off.sh", "clean.html": "off.sh", "page.js.gz": "off.sh", "full.txt": filepath.Join(dir, "off.sh"),
				"data.txt": "cgi-bin/data.txt",
			} {
				if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			p := start(t, append([]string{"serve", dir, "--cgi", "/cgi-bin", "--cgi-ext", ".sh", "--listen", "127.0.0.1:0", "--access-log", "off"}, flags...)...)
			url := p.url()
			for _, path := range []string{
				"", "tool.sh", "tool.sh/", "tool.sh/x", "tool%2Esh", "TOOL.SH", "TOOL2.SH", "off.sh", "off.sh.gz", "off.sh?download", "tool.sh.gz", "tool.sh~", "tool.sh.bak", ".tool.sh.swp", "./tool.sh", "d/../off.sh", "d/tool.sh", "D/tool.sh",
				"cgi-bin/run", "cgi-bin/data.txt", "cgi-bin/", "cgi-bin", "CGI-BIN/run", "CGI-BIN/data.txt", "Cgi-Bin/run", "%63gi-bin/data.txt", "/cgi-bin//data.txt", "x/../cgi-bin/data.txt", "cgi-bin%2Fdata.txt", "cgi-bin/./data.txt", "pub/data.txt", "pub/run", "pub/",
				"notes.txt", "again.txt", "full.txt", "data.txt", "spa.html", "clean", "clean.html", "tool", "off", "page.js", "page.js.gz", "nowhere", "d/",
			} {
				for _, fields := range [][]string{{"Accept", "text/html"}, {"Accept-Encoding", "gzip, br"}, {"Range", "bytes=0-20"}} {
					for range 2 {
						resp, body := get(t, url+path, fields...)
						if strings.Contains(body, secret) {
							t.Errorf("%s with %v: %d, the source is sent", path, fields, resp.StatusCode)
						}
					}
				}
			}
			if _, body := get(t, url+"", "Accept", "application/json"); len(flags) == 0 && body != "home" {
				t.Errorf("the page: %q", body)
			}
			p.stop()
		})
	}
}

// What a route with programs has is kept while a change is not about it.
func TestRoutesWithPrograms(t *testing.T) {
	dir := programFolder(t, "tool.sh", says("$SCRIPT_NAME$PATH_INFO"), "a.txt", "file", "bin/x", says("$SCRIPT_NAME $GREETING"), "app.txt", "of the application", "front.php", "<?php")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		fcgi.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			io.WriteString(w, "backend "+r.URL.Path+" "+fcgi.ProcessEnv(r)["GREETING"])
		})) // it ends when the listener does
	}()
	defer func() { l.Close(); <-served }()
	text := `
[server]
listen = "127.0.0.1:0"
[[site]]
[[site.route]]
path = "/mixed"
cgi = "` + dir + `"
cgi-ext = ".sh"
[[site.route]]
path = "/bin"
cgi = "` + dir + `/bin"
cgi-env = "GREETING=hello"
[[site.route]]
path = "/php"
fastcgi = "unix:` + dir + `/nobody"
root = "` + dir + `"
fallback = "front.php"
[[site.route]]
path = "/app"
fastcgi = "` + l.Addr().String() + `"
env = "GREETING=hi"
`
	c := startFile(t, text)
	url := c.url()
	all := func() {
		t.Helper()
		for path, want := range map[string]string{
			"mixed/tool.sh/x": "200 /mixed/tool.sh/x", "mixed/a.txt": "200 file", "mixed/none": "404 ", "mixed/": "403 ", "mixed": "308 ", "php": "308 ", "php/": "502 ", "bin/x": "200 /bin/x hello", "bin/none": "404 ",
			"app/any/path?q": "200 backend /app/any/path hi", "none": "404 ",
		} {
			resp, body := getAs(t, url+path, "a.example")
			status, text, _ := strings.Cut(want, " ")
			if resp.Status[:3] != status || text != "" && body != text {
				t.Errorf("%s: %s %q, want %s", path, resp.Status, body, want)
			}
		}
	}
	all()
	c.change(t, text+"[[site.route]]\npath = '/new'\nredirect = '/bin/x'\n", changed)
	all()
	c.change(t, strings.Replace(text, `"/bin"`, `"/bin2"`, 1), changed)
	if resp, body := getAs(t, url+"bin2/x", "a.example"); resp.StatusCode != 200 || body != "/bin2/x hello" {
		t.Errorf("at another path: %d %q", resp.StatusCode, body)
	}
	c.change(t, strings.Replace(text, dir+`/bin"`, dir+`/none"`, 1), `level=ERROR msg="the configuration stays as it was" err=".*no folder`)
	c.stop()
}

// A program that runs while its route goes is let go on; it ends with the server.
func TestProgramsEndWithTheServer(t *testing.T) {
	dir := programFolder(t, "slow", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s\\n' $$\nexec sleep 600\n")
	const head = "[server]\nlisten = '127.0.0.1:0'\n[[site]]\n"
	c := startFile(t, head+"[[site.route]]\ncgi = '"+dir+"'\n")
	url := c.url()
	resp, err := http.Get(url + "slow")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := bufio.NewReader(resp.Body)
	line, err := answer.ReadString('\n')
	pid, err2 := strconv.Atoi(strings.TrimSpace(line))
	if err != nil || err2 != nil {
		t.Fatal(line, err, err2)
	}
	c.change(t, head+"[[site.route]]\nredirect = '/'\n", changed)
	if err := syscall.Kill(pid, 0); err != nil && err != syscall.EPERM {
		t.Errorf("it ended with its route: %v", err)
	}
	c.signals <- os.Interrupt
	c.stderr.wait(t, `stopping: `)
	c.signals <- os.Interrupt
	c.wait()
	if _, err := answer.ReadString('\n'); err == nil || err == io.EOF {
		t.Errorf("the answer looks whole: %v", err)
	}
	if err := syscall.Kill(pid, 0); err != syscall.ESRCH {
		t.Errorf("it runs after the server has ended: %v", err)
	}
}

// serveWorker is a FastCGI worker that listens at its standard input.
func serveWorker() {
	err := fcgi.Serve(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" {
			os.Exit(3)
		}
		io.WriteString(w, "worker as "+strconv.Itoa(os.Getuid()))
	}))
	if err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// Workers are started, as somebody else than root, and again when they end.
func TestWorkers(t *testing.T) {
	dir := programFolder(t)
	binary := filepath.Join(dir, "worker")
	self, err := os.Executable()
	if err == nil {
		var text []byte
		if text, err = os.ReadFile(self); err == nil {
			err = os.WriteFile(binary, text, 0o755) // where whoever runs it can read it
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\n[[site]]\n[[site.route]]\nfastcgi = 'workers'\nworkers = ['"+binary+"']\nenv = 'APP_TEST_AS_WORKER=1'\nmax-workers = 2\n")
	url := c.url()
	uid := strconv.Itoa(os.Getuid())
	if uid == "0" {
		nobody, err := user.Lookup(unprivileged)
		if err != nil {
			t.Fatal(err)
		}
		uid = nobody.Uid
	}
	if resp, body := getAs(t, url, "a.example"); resp.StatusCode != 200 || body != "worker as "+uid {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
	if resp, body := getAs(t, url+"die", "a.example"); resp.StatusCode != 502 {
		t.Errorf("a worker that ends: %d %q", resp.StatusCode, body)
	}
	for late := time.Now().Add(patience); ; {
		if resp, body := getAs(t, url, "a.example"); resp.StatusCode == 200 {
			break
		} else if time.Now().After(late) {
			t.Fatalf("no worker comes again: %d %q", resp.StatusCode, body)
		}
	}
	c.stop()
}

// Who programs run as must be able to enter their folder: that is said at the
// start, and how.
func TestShutFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs programs as somebody else")
	}
	dir := programFolder(t, "in/cgi-bin/x", says("x"))
	if err := os.Chmod(filepath.Join(dir, "in"), 0o700); err != nil {
		t.Fatal(err)
	}
	said := fails(t, exitFault, "serve", "--cgi", "/cgi-bin", "--listen", "127.0.0.1:0", filepath.Join(dir, "in"))
	contains(t, said, "would run as user nobody", "may not enter "+dir+"/in", "cgi-user", "chmod o+x")
}

// A folder in which others may put programs runs none, which is said at the
// start; so is that a folder is not there.
func TestWritableFolder(t *testing.T) {
	dir := programFolder(t, "cgi-bin/x", says("x"))
	if err := os.Chmod(filepath.Join(dir, "cgi-bin"), 0o775); err != nil { // as a umask of 002 makes it
		t.Fatal(err)
	}
	p := start(t, "serve", "--cgi", "/cgi-bin", "--cgi", "/none", "--listen", "127.0.0.1:0", dir)
	p.stderr.wait(t, `no program in the folder of --cgi will run: .*chmod go-w.*folder=`+dir+`/cgi-bin`)
	p.stderr.wait(t, `the folder of --cgi cannot be read yet" folder=`+dir+`/none`)
	p.stop()
	p = start(t, "serve", "--cgi", "/cgi-bin", "--cgi-allow-writable", "--listen", "127.0.0.1:0", dir)
	p.url()
	p.stop()
	if said := p.stderr.String(); strings.Contains(said, "no program in") {
		t.Error(said)
	}
}

// The words of the file that has them.
func TestExplainPrograms(t *testing.T) {
	dir := programFolder(t, "x", says("x"))
	path := filepath.Join(t.TempDir(), "f.toml")
	if err := os.WriteFile(path, []byte("[[site]]\n[[site.route]]\ncgi = '"+dir+"'\ncgi-max = 3\n[[site.route]]\npath = '/f'\nfastcgi = '127.0.0.1:9000'\nauthorizer = 'unix:/run/a'\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args  []string
		parts []string
	}{
		{[]string{"config", "check", path}, []string{"no fault; sites: 1, routes: 2"}},
		{[]string{"config", "explain", "-c", path}, []string{"/: cgi " + dir, "cgi-max = 3", "/f: fastcgi 127.0.0.1:9000", "authorizer = unix:/run/a"}},
		{[]string{"config", "explain", "-c", path, "http://a/f/x"}, []string{"route /f: fastcgi 127.0.0.1:9000", "cache profile safe", "no prebuilt answers"}},
	} {
		status, said, fault := command(t, t.TempDir(), tt.args...)
		if status != exitOK {
			t.Errorf("%v: %d %s", tt.args, status, fault)
		}
		contains(t, said, tt.parts...)
	}
}
