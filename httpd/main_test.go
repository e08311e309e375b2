package httpd_test

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
func TestMain(m *testing.M) {
	goroutines, files := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > goroutines || descriptors() > files {
		if time.Now().After(deadline) {
			fmt.Fprintf(os.Stderr, "left behind: %d goroutines (had %d), %d descriptors (had %d)\n",
				runtime.NumGoroutine(), goroutines, descriptors(), files)
			pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = max(code, 1)
			break
		}
		time.Sleep(time.Millisecond)
	}
	os.Exit(code)
}

// descriptors counts this process's open files; 0 where that cannot be seen.
// The runtime's own poller is opened at first use and stays.
func descriptors() int {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range names {
		switch link, _ := os.Readlink("/proc/self/fd/" + e.Name()); link {
		case "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "":
		default:
			n++
		}
	}
	return n
}
