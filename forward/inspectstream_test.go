package forward_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"freshet/cache"
	"freshet/forward"
)

// streams is a world whose server sends as many bytes as the query says, and
// answers an upload with its length.
func streams(t testing.TB) *world {
	store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := newWorld(t, func(o *forward.Options) { o.Store = store })
	piece := bytes.Repeat([]byte("0123456789abcdef"), 4<<10)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(rw, n, err)
			return
		}
		size, _ := strconv.ParseInt(r.URL.RawQuery, 10, 64)
		rw.Header().Set("Cache-Control", "max-age=60") // which is no reason to hold it
		if r.URL.Path == "/sized" {
			rw.Header().Set("Content-Length", r.URL.RawQuery)
		}
		for ; size > 0; size -= int64(len(piece)) {
			if _, err := rw.Write(piece[:min(size, int64(len(piece)))]); err != nil {
				return
			}
		}
	}))
	return w
}

// peak is a writer that looks at the heap while something large passes.
type peak struct {
	passed, next int64
	most         uint64
}

func (p *peak) Write(b []byte) (int, error) {
	if p.passed += int64(len(b)); p.passed >= p.next {
		p.next += 32 << 20
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.most = max(p.most, m.HeapInuse+m.StackInuse)
	}
	return len(b), nil
}

const mostMemory = 150 << 20

// What is large, up to a gibibyte, passes in constant memory, of which the client
// and the server have their part here, over HTTP/1.1 and HTTP/2, with a length
// and without.
func TestInspectStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	some := int64(96 << 20)
	if raceEnabled {
		some = 16 << 20
	}
	w := streams(t)
	for _, h2 := range []bool{false, true} {
		for _, path := range []string{"/sized", "/chunked"} {
			size := some
			if !h2 && path == "/chunked" && !raceEnabled {
				size = 1 << 30
			}
			resp, err := w.client(h2).Get(fmt.Sprintf("https://www.test%s?%d", path, size))
			if err != nil {
				t.Fatal(err)
			}
			p := &peak{}
			n, err := io.Copy(p, resp.Body)
			resp.Body.Close()
			if n != size || err != nil || p.most > mostMemory {
				t.Errorf("HTTP/2 %v, %s: %d bytes, %v, with %d MiB", h2, path, n, err, p.most>>20)
			}
		}
		up := some
		p := &peak{}
		resp, err := w.client(h2).Post("https://www.test/", "application/octet-stream", io.TeeReader(io.LimitReader(zeros{}, up), p))
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(answer) != fmt.Sprintf("%d <nil>", up) || p.most > mostMemory {
			t.Errorf("HTTP/2 %v: the server got %s, with %d MiB", h2, answer, p.most>>20)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// What a server sends comes out as it was.
func TestInspectContent(t *testing.T) {
	w := streams(t)
	want := sha256.Sum256(bytes.Repeat([]byte("0123456789abcdef"), 3<<16))
	for _, h2 := range []bool{false, true} {
		for _, path := range []string{"/sized", "/chunked", "/sized"} {
			resp, err := w.client(h2).Get(fmt.Sprintf("https://www.test%s?%d", path, 3<<20))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.New()
			n, err := io.Copy(sum, resp.Body)
			resp.Body.Close()
			if err != nil || [32]byte(sum.Sum(nil)) != want {
				t.Errorf("HTTP/2 %v, %s: %d bytes, %v", h2, path, n, err)
			}
		}
	}
}

// BenchmarkInspectStream has 64 MiB pass for each turn, all in one answer: with
// -benchtime 160x that is one of 10 GiB. It fails when the process, of which the
// client and the server are a part, takes more than 150 MiB.
func BenchmarkInspectStream(b *testing.B) {
	for _, h2 := range []bool{false, true} {
		b.Run(map[bool]string{false: "h1", true: "h2"}[h2], func(b *testing.B) {
			w := streams(b)
			const each = 64 << 20
			b.SetBytes(each)
			b.ResetTimer()
			resp, err := w.client(h2).Get(fmt.Sprintf("https://www.test/chunked?%d", int64(b.N)*each))
			if err != nil {
				b.Fatal(err)
			}
			var p peak
			n, err := io.Copy(&p, resp.Body)
			resp.Body.Close()
			b.StopTimer()
			if n != int64(b.N)*each || err != nil {
				b.Fatalf("%d bytes, %v", n, err)
			}
			b.ReportMetric(float64(p.most>>20), "MiB-heap")
			if rss, ok := resident(); ok {
				b.ReportMetric(float64(rss>>20), "MiB-RSS")
				if rss > mostMemory {
					b.Errorf("the process takes %d MiB", rss>>20)
				}
			}
		})
	}
}

// resident is the most memory that this process has had, where that is known.
func resident() (bytes int64, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, rest, ok := strings.Cut(string(status), "VmHWM:")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return n << 10, err == nil
}
