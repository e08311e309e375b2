package httpd

import (
	"fmt"
	"log"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// What clients do is said once a minute, with how often it was; what handlers do, at
// once.
func TestH2Log(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards said
		var said []string
		l := &h2Log{say: func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprintf(format, args...))
		}}
		to := log.New(l, "", 0)
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(said, want) {
				t.Errorf("it says %q, want %q", said, want)
			}
			said = nil
		}
		bogus := func(n int) {
			for i := range n {
				to.Printf("http2: server: error reading preface from client %d", i+1)
			}
		}
		of := func(i int) string { return fmt.Sprintf("http2: server: error reading preface from client %d", i) }
		more := func(n, latest int) string {
			return fmt.Sprintf("httpd: %d more connections failed like this one within a minute: %s", n, of(latest))
		}
		bogus(100)
		expect(of(1))
		to.Print("http: superfluous response.WriteHeader call")
		to.Print("http2: panic serving 192.0.2.1: no")
		expect("http: superfluous response.WriteHeader call", "http2: panic serving 192.0.2.1: no")
		time.Sleep(h2LogEvery - 1)
		expect()
		time.Sleep(time.Nanosecond)
		expect(more(99, 100))
		bogus(2) // goes on: the next is in a minute
		expect()
		time.Sleep(h2LogEvery)
		expect(more(2, 2))
		time.Sleep(h2LogEvery)
		expect()
		bogus(1)
		expect(of(1))
		bogus(3)
		l.end()
		expect(more(3, 3))
		bogus(2)
		expect(of(1), of(2))
		l.end()
		time.Sleep(2 * h2LogEvery)
		expect()
	})
}
