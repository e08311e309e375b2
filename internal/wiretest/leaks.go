package wiretest

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Main runs the tests of a package and fails when they left goroutines or
// descriptors behind; call it from TestMain. What is still ending gets the
// time to end. While fuzzing it does not look: the fuzzer's own signal handler
// is a goroutine that stays.
func Main(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(m.Run())
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	late := time.Now().Add(patience)
	for runtime.NumGoroutine() > goroutines || descriptors() > files {
		if time.Now().After(late) {
			fmt.Fprintf(os.Stderr, "left behind: %d goroutines (%d before), %d descriptors (%d before)\n",
				runtime.NumGoroutine(), goroutines, descriptors(), files)
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = max(code, 1)
			break
		}
		time.Sleep(time.Millisecond)
	}
	os.Exit(code)
}

// descriptors counts the open files of this process, where the system tells;
// those that the runtime's poller opens once and keeps are left out.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	n := 0
	for _, e := range entries {
		link, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && link != "anon_inode:[eventpoll]" && link != "anon_inode:[eventfd]" {
			n++
		}
	}
	return n
}
