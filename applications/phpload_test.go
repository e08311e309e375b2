package applications

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestPHPUpload uploads a gigabyte, and neither freshet nor PHP needs memory
// for it.
func TestPHPUpload(t *testing.T) {
	f := startFPM(t, `max-body-bytes = "2GiB"`, "timeout = \"120s\"\n")
	piece := make([]byte, 1<<20)
	for i := range piece {
		piece[i] = byte(i * i >> 7)
	}
	upload := func(pieces int) {
		t.Helper()
		var frame bytes.Buffer
		w := multipart.NewWriter(&frame)
		w.WriteField("comment", "large")
		if _, err := w.CreateFormFile("file", "large.bin"); err != nil {
			t.Fatal(err)
		}
		from := frame.Len()
		w.Close()
		parts, sum := []io.Reader{bytes.NewReader(frame.Bytes()[:from])}, crc32.NewIEEE()
		for range pieces {
			parts = append(parts, bytes.NewReader(piece))
			sum.Write(piece)
		}
		parts = append(parts, bytes.NewReader(frame.Bytes()[from:]))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "POST", f.url+"/form.php", io.MultiReader(parts...))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = int64(frame.Len()) + int64(pieces)<<20
		r.Header.Set("Content-Type", w.FormDataContentType())
		resp, err := (&http.Client{Transport: browser.Transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		u := decode(t, &answer{resp.StatusCode, resp.Header, body})
		if file := u.Files["file"]; file.Size != int64(pieces)<<20 || file.CRC32 != fmt.Sprintf("%08x", sum.Sum32()) || file.Error != 0 {
			t.Errorf("the file came as %+v", file)
		}
		same(t, "the field beside it", u.Post, "comment", "large")
	}
	upload(1)
	before, begun := memory(t, f.freshet, "VmRSS"), time.Now()
	upload(1024)
	most, after := memory(t, f.freshet, "VmHWM"), memory(t, f.freshet, "VmRSS")
	t.Logf("upload of 1 GiB: %.1f s; freshet had %d MiB before, at most %d, then %d", time.Since(begun).Seconds(), before>>20, most>>20, after>>20)
	if most > before+64<<20 {
		t.Errorf("memory grew from %d to %d MiB", before>>20, most>>20)
	}
	resp, err := browser.Get(f.url + "/large.php?n=512")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if n != 512<<20 || err != nil {
		t.Errorf("an answer of 512 MiB: %d octets, %v", n, err)
	}
	if most := memory(t, f.freshet, "VmHWM"); most > before+64<<20 {
		t.Errorf("memory grew from %d to %d MiB for an answer", before>>20, most>>20)
	}
	if names, _ := filepath.Glob(filepath.Join(f.dir, "uploads", "*")); len(names) > 0 {
		t.Errorf("left behind: %v", names)
	}
}

// TestPHPBrokenUpload has clients who break bodies off keep no worker busy.
func TestPHPBrokenUpload(t *testing.T) {
	f := startFPM(t, "", asManyAsWorkers)
	for range 2 * fpmWorkers {
		for _, framing := range brokenUploads {
			breakOff(t, f.url+"/form.php", framing)
		}
	}
	var all sync.WaitGroup
	for n := range fpmWorkers {
		all.Go(func() {
			resp, err := browser.Get(fmt.Sprintf("%s/?n=%d", f.url, n))
			if err != nil {
				t.Error(err)
				return
			}
			if resp.Body.Close(); resp.StatusCode != 200 {
				t.Errorf("afterwards: %d", resp.StatusCode)
			}
		})
	}
	all.Wait()
	eventually(t, "what PHP kept is gone", func() bool {
		names, _ := filepath.Glob(filepath.Join(f.dir, "uploads", "*"))
		return len(names) == 0
	})
}

// TestPHPExhausted has more requests than workers: as many run as there are
// workers, as many wait as may, and the others are told to come again.
func TestPHPExhausted(t *testing.T) {
	f := startFPM(t, "", asManyAsWorkers+"queue = 2\nqueue-time = \"60s\"\n")
	const all, queue = 12, 2
	answers := make(chan *answer, all)
	for n := range all {
		go func() {
			resp, err := browser.Get(fmt.Sprintf("%s/hold.php?%d", f.url, n))
			if err != nil {
				answers <- &answer{body: []byte(err.Error())}
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answers <- &answer{resp.StatusCode, resp.Header, body}
		}()
	}
	for range all - fpmWorkers - queue {
		if a := <-answers; a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("too many: %d %v %.300q", a.status, a.header, a.body)
		}
	}
	eventually(t, "all workers have begun", func() bool {
		begun, _ := filepath.Glob(filepath.Join(f.dir, "data", "begun-*"))
		return len(begun) == fpmWorkers
	})
	wantBody(t, "files do not wait", get(t, f.url+"/style.css"), 200, "body { color: black }\n")
	f.file(t, "data/go", "", 0o644)
	for range fpmWorkers + queue {
		wantBody(t, "in its turn", <-answers, 200, "held")
	}
}

// TestPHPRestart has php-fpm be told to load its configuration anew, which
// nobody must notice, and be stopped and started, while it is used.
func TestPHPRestart(t *testing.T) {
	t.Run("as many connections as workers", func(t *testing.T) { restart(t, asManyAsWorkers) })
	t.Run("more", func(t *testing.T) { restart(t, "") })
}

func restart(t *testing.T, keys string) {
	f := startFPM(t, "", keys)
	var fine, failed, wrong atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for who := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", who, n)
				resp, err := browser.Get(f.url + "/?n=" + id)
				if err != nil {
					t.Errorf("the connection was cut: %v", err)
					wrong.Add(1)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				switch {
				case resp.StatusCode == 200 && err == nil && string(body) == "index of /index.php "+id:
					fine.Add(1)
				case resp.StatusCode == 502 || resp.StatusCode == 503 || resp.StatusCode == 504:
					failed.Add(1)
					time.Sleep(5 * time.Millisecond)
				default:
					wrong.Add(1)
					t.Errorf("%s: %d %q, %v", id, resp.StatusCode, body, err)
				}
			}
		})
	}
	progress := func(what string) {
		t.Helper()
		from := fine.Load()
		eventually(t, what, func() bool { return fine.Load() > from+200 || wrong.Load() > 0 })
	}
	progress("requests are answered")
	for n := range 2 {
		f.signal(t, syscall.SIGUSR2)
		eventually(t, "php-fpm has loaded its configuration anew", func() bool {
			said, _ := os.ReadFile(filepath.Join(f.dir, "fpm.log"))
			return bytes.Count(said, []byte("ready to handle connections")) > n+1
		})
		progress("requests are answered after it was loaded anew")
	}
	if n := failed.Load(); n > 0 {
		t.Errorf("%d requests failed while the configuration was loaded anew", n)
	}
	for range 2 * fpmWorkers {
		if resp, err := browser.Get(f.url + "/half.php?how=kill"); err == nil {
			resp.Body.Close()
		}
	}
	progress("requests are answered after workers were killed")
	killed := failed.Load()
	f.signal(t, syscall.SIGQUIT)
	from := failed.Load()
	eventually(t, "requests fail while it does not run", func() bool { return failed.Load() > from+20 })
	os.Remove(f.socket)
	f.startBackend(t)
	progress("requests are answered after a new start")
	after := failed.Load()
	progress("no more requests fail")
	if failed.Load() != after {
		t.Error("requests fail although it runs again")
	}
	close(stop)
	all.Wait()
	t.Logf("php-fpm loaded anew twice, its workers killed, stopped and started: %d answered, %d told to come again (%d of them for killed workers), %d wrong",
		fine.Load(), failed.Load(), killed, wrong.Load())
}

// signal sends php-fpm's master a signal; with QUIT it waits for its end.
func (f *fpm) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	var pid int
	text, err := os.ReadFile(filepath.Join(f.dir, "fpm.pid"))
	if err == nil {
		_, err = fmt.Sscan(string(text), &pid)
	}
	if err != nil || pid <= 1 {
		t.Fatalf("php-fpm's process: %q, %v", text, err)
	}
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatal(err)
	}
	if s == syscall.SIGQUIT {
		eventually(t, "php-fpm ends", func() bool {
			c, err := net.Dial("unix", f.socket)
			if err == nil {
				c.Close()
			}
			return err != nil
		})
	}
}
