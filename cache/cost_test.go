package cache

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"freshet/httpd"
)

// What is kept in memory is weighed as it weighs: the budget is one of bytes
// that the process really has.
func TestCostIsHonest(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector needs memory of its own")
	}
	for _, size := range []int{0, 100, 1024, 20_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			body := strings.Repeat("x", size)
			w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				for i, name := range []string{"Cache-Control", "Content-Type", "Date", "Etag", "Last-Modified", "Server", "Via", "X-Request-Id"} {
					h.Set(name, fmt.Sprint("max-age=1000, ", i, r.URL.Path))
				}
				h.Set("Content-Length", fmt.Sprint(size))
				h.Set("Date", "Tue, 14 Nov 2023 22:13:20 GMT")
				w.Write([]byte(body))
			})
			n := min(20_000, 100_000_000/(size+1000))
			before := heap()
			for i := range n {
				if rec := w.do(fmt.Sprintf("GET http://example.org/a/path/of/some/length/%d", i)); !strings.Contains(rec.Header().Get("Cache-Status"), "stored") {
					t.Fatal(rec.Header())
				}
			}
			for i := range n { // prepared heads count, too
				head := parse(t, fmt.Sprintf("GET /a/path/of/some/length/%d HTTP/1.1\r\nHost: example.org\r\n\r\n", i))
				w.ServeHot(head, &httpd.Answer{})
			}
			real, weight := int64(heap()-before)/int64(n), int64(w.store.memory.WeightedSize())/int64(n)
			t.Logf("an object takes %d bytes, and is weighed %d", real, weight)
			if real > weight*11/10 || real < weight*6/10 {
				t.Errorf("an object takes %d bytes, and is weighed %d", real, weight)
			}
			runtime.KeepAlive(w)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
