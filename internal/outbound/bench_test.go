//go:build unix

package outbound

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// farOrigin starts answerRaw in a process of its own, so that this one's CPU
// time is the client's.
func farOrigin(b *testing.B) (url string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), originEnv+"=1")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return "http://" + strings.TrimSpace(addr) + "/a/b?c=d"
}

func cpu() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// benchmark runs round trips by 1 or by 64 goroutines at a time, and reports
// the CPU time of each besides.
func benchmark(b *testing.B, rt http.RoundTripper, ctx context.Context) {
	url := farOrigin(b)
	trip := func() {
		req, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
		req.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"bench"}, "Accept-Encoding": {"gzip"}, "Via": {"1.1 bench"}}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			b.Error(err)
			return
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != 13 || err != nil {
			b.Error(n, err)
		}
		resp.Body.Close()
	}
	measured := func(name string, f func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			f(b)
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		})
	}
	measured("1", func(b *testing.B) {
		for range b.N {
			trip()
		}
	})
	measured("64", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				trip()
			}
		})
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	tr := &Transport{}
	defer tr.CloseIdleConnections()
	benchmark(b, tr, context.Background())
}

func BenchmarkRoundTripCancellable(b *testing.B) {
	tr := &Transport{}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	benchmark(b, tr, ctx)
}

func BenchmarkRoundTripNetHTTP(b *testing.B) {
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	defer tr.CloseIdleConnections()
	benchmark(b, tr, context.Background())
}
