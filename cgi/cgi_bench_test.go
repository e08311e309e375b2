//go:build unix

package cgi_test

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/internal/child"
)

// tiny is the least program that answers.
const tiny = `#include <unistd.h>
int main(void) { static const char a[] = "Content-Type: text/plain\nContent-Length: 3\n\nok\n"; write(1, a, sizeof a - 1); return 0; }
`

// tinyIn puts that program into a folder, compiled when there is a compiler.
func tinyIn(b *testing.B, dir string) {
	source, program := filepath.Join(dir, "tiny.c.txt"), filepath.Join(dir, "tiny")
	write(b, source, tiny)
	if out, err := exec.Command("cc", "-O2", "-static", "-x", "c", "-o", program, source).CombinedOutput(); err != nil {
		b.Logf("no compiled program: %v %s", err, out)
		write(b, program, sh(`printf 'Content-Type: text/plain\nContent-Length: 3\n\nok\n'`))
	}
	must(b, os.Chmod(program, 0o755))
}

// ownCPU is the processor time that this process has had, without children.
func ownCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// atOnce has f called n times by as many goroutines as keep the processors
// busy: Go's scheduler, left waiting, looks for work for a while, and that would be counted.
func atOnce(b *testing.B, n int, f func()) {
	var left atomic.Int64
	left.Store(int64(n))
	var all sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				f()
			}
		})
	}
	all.Wait()
}

// BenchmarkRequest measures a request beside the least that starting the
// program costs: own-µs/op is the processor time of this process, bare-µs/op
// that of a bare ForkExec with two pipes, ours-µs/op the difference, and
// child-µs/op that part of it that package child has: limits, threads, the
// search for what is left.
func BenchmarkRequest(b *testing.B) {
	dir := folder(b)
	tinyIn(b, dir)
	for _, tt := range []struct {
		name   string
		limits cgi.Limits
	}{
		{"limits", cgi.Limits{}},
		{"no-limits", cgi.Limits{Memory: -1, CPU: -1, Processes: -1, Files: -1, FileSize: -1}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			h := newHandler(b, cgi.Options{Dir: dir, Timeout: 10 * time.Second, Limits: tt.limits})
			r, err := http.NewRequest(http.MethodGet, "http://example.org/tiny/info?x=y", nil)
			must(b, err)
			r.RemoteAddr, r.RequestURI = "192.0.2.1:1234", "/tiny/info?x=y"
			for name, value := range map[string]string{"User-Agent": "bench", "Accept": "*/*", "Accept-Language": "en", "Accept-Encoding": "gzip", "Cookie": "a=b"} {
				r.Header.Set(name, value)
			}
			bare := bareStart(b, filepath.Join(dir, "tiny"))
			b.ReportAllocs()
			b.ResetTimer()
			before := ownCPU(b)
			atOnce(b, b.N, func() {
				w := &sink{header: http.Header{}}
				if h.ServeHTTP(w, r); w.status != 200 || w.n != 3 {
					b.Errorf("%d, %d octets", w.status, w.n)
				}
			})
			own := (ownCPU(b) - before) / time.Duration(b.N)
			b.StopTimer()
			b.ReportMetric(float64(own)/1e3, "own-µs/op")
			b.ReportMetric(float64(bare)/1e3, "bare-µs/op")
			b.ReportMetric(float64(own-bare)/1e3, "ours-µs/op")
			b.ReportMetric(float64(childStart(b, filepath.Join(dir, "tiny"), tt.limits)-bare)/1e3, "child-µs/op")
		})
	}
}

// bareStart measures the processor time of starting a program, reading what it
// prints, and waiting for it.
func bareStart(b *testing.B, program string) time.Duration {
	n := max(min(b.N, 500), 20)
	before := ownCPU(b)
	atOnce(b, n, func() {
		buf := make([]byte, 1<<10)
		var out, errs [2]int
		orPanic(syscall.Pipe(out[:]))
		orPanic(syscall.Pipe(errs[:]))
		pid, err := syscall.ForkExec(program, []string{program}, &syscall.ProcAttr{Files: []uintptr{0, uintptr(out[1]), uintptr(errs[1])}})
		orPanic(err)
		syscall.Close(out[1])
		syscall.Close(errs[1])
		for {
			if n, err := syscall.Read(out[0], buf); n <= 0 || err != nil {
				break
			}
		}
		syscall.Close(out[0])
		syscall.Close(errs[0])
		var status syscall.WaitStatus
		_, err = syscall.Wait4(pid, &status, 0, nil)
		orPanic(err)
	})
	return (ownCPU(b) - before) / time.Duration(n)
}

// childStart measures the same with package child, within the limits that the
// handler has.
func childStart(b *testing.B, program string, limits cgi.Limits) time.Duration {
	o := child.Options{}
	if os.Geteuid() == 0 {
		user, err := child.LookupUser("nobody")
		must(b, err)
		o.User = user
	}
	if limits.Memory == 0 {
		o.Limits = child.Limits{Memory: 1 << 30, CPU: 10 * time.Second, Processes: 256, Files: 256, FileSize: 1 << 30}
	}
	s, err := child.New(o)
	must(b, err)
	defer s.Close()
	n := max(min(b.N, 1000), 20)
	before := ownCPU(b)
	atOnce(b, n, func() {
		buf := make([]byte, 1<<10)
		out, theirs, err := os.Pipe()
		orPanic(err)
		errs, theirErrs, err := os.Pipe()
		orPanic(err)
		p, err := s.Start(&child.Command{Path: program, Env: []string{"UNIQUE_ID=x"}, Files: []*os.File{nil, theirs, theirErrs}, Mark: "x"})
		orPanic(err)
		theirs.Close()
		theirErrs.Close()
		for {
			if _, err := out.Read(buf); err != nil {
				break
			}
		}
		p.Wait()
		out.Close()
		errs.Close()
	})
	return (ownCPU(b) - before) / time.Duration(n)
}

// orPanic is must for goroutines that may not end the benchmark.
func orPanic(err error) {
	if err != nil {
		panic(err)
	}
}

// sink is a writer that counts.
type sink struct {
	header http.Header
	status int
	n      int
}

func (w *sink) Header() http.Header         { return w.header }
func (w *sink) WriteHeader(status int)      { w.status = status }
func (w *sink) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }
func (w *sink) Flush()                      {}

var _ io.Writer = (*sink)(nil)
