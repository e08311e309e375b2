//go:build unix

package fastcgi_test

import (
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/fastcgi"
)

// fpm is a php-fpm that a test started.
type fpm struct {
	t       testing.TB
	program string
	dir     string // its own: configuration, socket, sessions
	root    string // of scripts
	address string
	cmd     *exec.Cmd
}

// newFPM starts php-fpm with two workers and these scripts.
func newFPM(t testing.TB, scripts map[string]string) *fpm {
	t.Helper()
	var program string
	for _, name := range []string{"/usr/sbin/php-fpm8.2", "/usr/sbin/php-fpm8.4", "/usr/sbin/php-fpm8.3", "/usr/sbin/php-fpm"} {
		if _, err := os.Stat(name); err == nil {
			program = name
			break
		}
	}
	if program == "" {
		t.Skip("php-fpm is not installed")
	}
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &fpm{t: t, program: program, dir: dir, root: dir + "/www", address: "unix:" + dir + "/s"}
	write(t, p.root, scripts)
	for _, name := range []string{"sessions", "uploads"} {
		if err := os.Mkdir(dir+"/"+name, 0o777); err != nil {
			t.Fatal(err)
		}
		os.Chmod(dir+"/"+name, 0o777)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user = www-data\ngroup = www-data\n"
	}
	conf := fmt.Sprintf(`[global]
error_log = %[1]s/log
daemonize = no
process_control_timeout = 2s
[www]
%[2]slisten = %[1]s/s
listen.mode = 0666
pm = static
pm.max_children = 2
php_admin_value[upload_max_filesize] = 3G
php_admin_value[post_max_size] = 3G
php_admin_value[upload_tmp_dir] = %[1]s/uploads
php_admin_value[session.save_path] = %[1]s/sessions
php_admin_flag[log_errors] = on
php_admin_flag[display_errors] = off
`, dir, user)
	write(t, dir, map[string]string{"conf": conf})
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *fpm) start() {
	p.cmd = exec.Command(p.program, "-F", "-n", "-y", p.dir+"/conf")
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "php-fpm listens", func() bool {
		c, err := dialBackend(p.address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (p *fpm) stop() {
	if p.cmd != nil {
		p.cmd.Process.Signal(syscall.SIGTERM)
		p.cmd.Wait()
		p.cmd = nil
	}
}

func (p *fpm) serve(t testing.TB, o fastcgi.Options) (url string, h *fastcgi.Handler, recs *records) {
	o.Address, o.Root = p.address, p.root
	if o.Conns == 0 {
		o.Conns = 2
	}
	h = newHandler(t, o)
	url, recs = serve(t, h)
	return url, h, recs
}

func TestPHP(t *testing.T) {
	p := newFPM(t, map[string]string{
		"hello.php":     `<?php echo "hello from ", PHP_SAPI;`,
		"form.php":      `<?php echo $_SERVER['REQUEST_METHOD'], ' ', $_GET['a'] ?? '', ' ', $_POST['name'] ?? '', ' ', $_SERVER['CONTENT_LENGTH'] ?? '';`,
		"raw.php":       `<?php $b = file_get_contents('php://input'); echo strlen($b), ' ', md5($b);`,
		"info.php":      `<?php echo $_SERVER['SCRIPT_NAME'], '|', $_SERVER['PATH_INFO'] ?? '', '|', $_SERVER['PHP_SELF'], '|', $_SERVER['REQUEST_URI'], '|', __FILE__;`,
		"session.php":   `<?php session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; echo $_SESSION['n'];`,
		"exit.php":      `<?php header('X-Half: yes'); echo 'half'; exit(3); echo 'not this';`,
		"error.php":     `<?php error_log('told the log'); echo 'before'; undefined_function();`,
		"status.php":    `<?php header('Location: /elsewhere'); header('Set-Cookie: a=1'); header('Set-Cookie: b=2', false); echo 'moved';`,
		"long.php":      `<?php for ($i = 0; $i < 200; $i++) { echo str_repeat("0123456789", 1000); if ($i % 50 == 0) flush(); }`,
		"flush.php":     `<?php echo "first\n"; flush(); ob_flush(); flush(); usleep(300000); echo "second\n";`,
		"sub/index.php": `<?php echo 'front ', $_SERVER['REQUEST_URI'];`,
		"auth.php":      `<?php echo $_SERVER['PHP_AUTH_USER'] ?? 'nobody', ' ', $_SERVER['HTTP_X_OWN'] ?? '', ' ', isset($_SERVER['HTTP_PROXY']) ? 'proxy' : 'safe';`,
		"upload.jpg":    `<?php echo "pwned";`,
	})
	var log safeBuffer
	u, h, recs := p.serve(t, fastcgi.Options{ErrorLog: slog.New(slog.NewTextHandler(&log, nil))})
	jar, _ := cookiejar.New(nil)
	c := newClient(t)
	c.Jar = jar
	ask := func(want, path string) {
		t.Helper()
		if _, body := get(t, c, u+path); body != want {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
	ask("hello from fpm-fcgi", "/hello.php")
	ask("/info.php|/more|/info.php/more|/info.php/more?q|"+p.root+"/info.php", "/info.php/more?q")
	ask("1", "/session.php")
	ask("2", "/session.php")
	ask("3", "/session.php")
	ask("half", "/exit.php")
	ask("front /sub/?x=1", "/sub/?x=1")
	ask("GET 1  ", "/form.php?a=1")
	resp, err := c.PostForm(u+"/form.php?a=2", url.Values{"name": {"Ann"}})
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(resp.Body); string(b) != "POST 2 Ann 8" {
		t.Errorf("%q", b)
	}
	resp.Body.Close()

	// A body without a length gets one.
	req, _ := http.NewRequest("POST", u+"/raw.php", io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000))))
	if status, body, _ := exchange(t, c, req); status != 200 || !strings.HasPrefix(body, "100000 ") {
		t.Errorf("%d %q", status, body)
	}

	for _, path := range []string{"/upload.jpg/x.php", "/upload.jpg/.php", "/upload.jpg%00.php", "/none.php"} {
		resp, body := get(t, c, u+path)
		if resp.StatusCode/100 != 4 || strings.Contains(body, "pwned") {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}

	if resp, body := get(t, c, u+"/status.php"); resp.StatusCode != 302 || len(resp.Header["Set-Cookie"]) != 2 || body != "moved" {
		t.Errorf("%s %v %q", resp.Status, resp.Header, body)
	}
	if _, body := get(t, c, u+"/long.php"); body != strings.Repeat("0123456789", 200_000) {
		t.Errorf("%d octets of 2000000", len(body))
	}
	resp, err = c.Get(u + "/flush.php")
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 6)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first\n" {
		t.Errorf("%q %v", first, err)
	}
	resp.Body.Close()

	req, _ = http.NewRequest("GET", u+"/auth.php", nil)
	req.SetBasicAuth("ann", "secret")
	req.Header.Set("Proxy", "http://evil")
	req.Header.Set("X-Own", "own")
	if _, body, _ := exchange(t, c, req); body != "ann own safe" {
		t.Errorf("%q", body)
	}

	resp, _ = get(t, c, u+"/error.php")
	if resp.StatusCode != 500 && resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	rec := recs.next(t)
	for !strings.HasSuffix(rec.Target, "/error.php") { // those of requests before
		rec = recs.next(t)
	}
	if rec.Rule.String() != "script-answered" {
		t.Error(rec.Rule)
	}
	for _, want := range []string{"told the log", "undefined_function", "error.php", "request="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not have %q: %s", want, log.String())
		}
	}
	if p := h.Pool(); p.Dials > 4 {
		t.Errorf("%+v: connections were not kept", p)
	}
}

// A long upload arrives whole, and costs us no memory.
func TestPHPUpload(t *testing.T) {
	if testing.Short() {
		t.Skip("an upload of 200 MB")
	}
	size := int64(200 << 20)
	if s, err := strconv.Atoi(os.Getenv("FASTCGI_TEST_UPLOAD_MB")); err == nil {
		size = int64(s) << 20
	}
	p := newFPM(t, map[string]string{"upload.php": `<?php $f = $_FILES['file']; echo $f['error'], ' ', filesize($f['tmp_name']), ' ', $_POST['after'];`})
	u, _, _ := p.serve(t, fastcgi.Options{Timeout: 2 * time.Minute})
	body, w := io.Pipe()
	m := multipart.NewWriter(w)
	go func() {
		part, _ := m.CreateFormFile("file", "big.bin")
		block := make([]byte, 1<<20)
		for n := int64(0); n < size; n += int64(len(block)) {
			if _, err := part.Write(block); err != nil {
				return
			}
		}
		m.WriteField("after", "the end")
		m.Close()
		w.Close()
	}()
	var sample strings.Builder // the same form with nothing in it, for its length
	empty := multipart.NewWriter(&sample)
	empty.SetBoundary(m.Boundary())
	empty.CreateFormFile("file", "big.bin")
	empty.WriteField("after", "the end")
	empty.Close()
	req, _ := http.NewRequest("POST", u+"/upload.php", body)
	req.ContentLength = int64(sample.Len()) + size
	req.Header.Set("Content-Type", m.FormDataContentType())

	runtime.GC()
	before := resident(t)
	var peak atomic.Int64
	stop, done := make(chan bool), make(chan bool)
	go func() {
		defer close(done)
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				peak.Store(max(peak.Load(), resident(t)))
			}
		}
	}()
	c := newClient(t)
	c.Timeout = 5 * time.Minute
	status, answer, _ := exchange(t, c, req)
	close(stop)
	<-done
	if want := fmt.Sprintf("0 %d the end", size); status != 200 || answer != want {
		t.Errorf("%d %q, want %q", status, answer, want)
	}
	grown := peak.Load() - before
	t.Logf("%d MB uploaded, %d kB more resident", size>>20, grown>>10)
	if grown > 48<<20 && !raceEnabled {
		t.Errorf("%d MB more are resident", grown>>20)
	}
}

// resident is how much memory of this process is.
func resident(t testing.TB) int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// When all workers are busy requests wait, and beyond the queue there is 503.
func TestPHPBusy(t *testing.T) {
	p := newFPM(t, map[string]string{"wait.php": `<?php while (!file_exists(__DIR__ . '/go')) { usleep(2000); clearstatcache(); } echo 'done';`})
	u, h, _ := p.serve(t, fastcgi.Options{Queue: 2})
	var all sync.WaitGroup
	for n := 1; n <= 4; n++ {
		all.Go(func() {
			resp, err := newClient(t).Get(u + "/wait.php")
			if err != nil {
				t.Error(err)
				return
			}
			b, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(b) != "done" {
				t.Errorf("%s %q", resp.Status, b)
			}
		})
		eventually(t, "it is there", func() bool { running, waiting := h.Load(); return running+waiting == n })
	}
	if resp, _ := get(t, newClient(t), u+"/wait.php"); resp.StatusCode != 503 {
		t.Error(resp.Status)
	}
	write(t, p.root, map[string]string{"go": ""})
	all.Wait()
}

// More connections than workers: nobody starves.
func TestPHPFewWorkers(t *testing.T) {
	p := newFPM(t, map[string]string{"a.php": `<?php usleep(5000); echo str_repeat('a', 1000);`})
	u, h, _ := p.serve(t, fastcgi.Options{Conns: 16, Timeout: patience})
	load(t, u+"/a.php", 12, 10, func(status int, body string, cut bool) bool {
		return status == 200 && len(body) == 1000 && !cut
	})
	t.Logf("%+v", h.Pool())
}

// load asks n times on each of so many clients, and says what is not as it
// should be.
func load(t testing.TB, u string, clients, n int, good func(status int, body string, cut bool) bool) {
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			c := newClient(t)
			for range n {
				req, _ := http.NewRequest("GET", u, nil)
				if status, body, cut := exchange(t, c, req); !good(status, body, cut) {
					t.Errorf("%d, %d octets, cut %v: %.100q", status, len(body), cut, body)
				}
			}
		})
	}
	all.Wait()
}

// While php-fpm is restarted, reloaded and killed under load, each answer is
// whole or says that it is not.
func TestPHPRestart(t *testing.T) {
	p := newFPM(t, map[string]string{"a.php": `<?php usleep(rand(0, 3000)); echo str_repeat('0123456789', 5000), 'END';`})
	u, h, _ := p.serve(t, fastcgi.Options{Timeout: 5 * time.Second})
	want := strings.Repeat("0123456789", 5000) + "END"
	var good, refused, cuts atomic.Int32
	var over atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			c := newClient(t)
			for !over.Load() {
				req, _ := http.NewRequest("GET", u+"/a.php", nil)
				status, body, cut := exchange(t, c, req)
				switch {
				case status == 200 && !cut && body == want:
					good.Add(1)
				case status == 502 || status == 503:
					refused.Add(1)
				case cut:
					cuts.Add(1)
				default:
					t.Errorf("%d, %d octets: it looks whole and is not", status, len(body))
				}
			}
		})
	}
	enough := func(n int32) { eventually(t, "answers come", func() bool { return good.Load() > n }) }
	for i := range 4 {
		enough(good.Load() + 10 + rand.Int32N(10))
		switch i {
		case 0, 2: // reload
			p.cmd.Process.Signal(syscall.SIGUSR2)
		case 1:
			p.stop()
			p.start()
		case 3:
			for _, pid := range p.workers() {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	enough(good.Load() + 20)
	over.Store(true)
	all.Wait()
	t.Logf("%d whole, %d refused, %d cut; %+v", good.Load(), refused.Load(), cuts.Load(), h.Pool())
}

// workers are the processes of php-fpm's workers.
func (p *fpm) workers() (pids []int) {
	n := strconv.Itoa(p.cmd.Process.Pid)
	b, err := os.ReadFile("/proc/" + n + "/task/" + n + "/children")
	if err != nil {
		p.t.Log(err)
	}
	for _, s := range strings.Fields(string(b)) {
		pid, _ := strconv.Atoi(s)
		pids = append(pids, pid)
	}
	return pids
}
