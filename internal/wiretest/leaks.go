package wiretest

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Abandoned is a goroutine that a library is known to leave behind, for a
// reason that is said where it is named, and how many files it keeps open.
type Abandoned struct {
	Function string // that it is in, with the path of its package
	Files    int
}

// Main runs the tests of a package and fails when they left goroutines or
// descriptors behind, but for those that are known; call it from TestMain. What
// is still ending gets the time to end. While fuzzing it does not look: the
// fuzzer's own signal handler is a goroutine that stays.
func Main(m *testing.M, known ...Abandoned) {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(m.Run())
	}
	goroutines, files := runtime.NumGoroutine(), descriptors()
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	for late := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		more, open := runtime.NumGoroutine()-goroutines, descriptors()-files
		if more <= 0 && open <= 0 {
			break
		}
		kept, held := countAbandoned(known)
		if more <= kept && open <= held {
			break
		}
		if time.Now().After(late) {
			fmt.Fprintf(os.Stderr, "left behind: %d goroutines and %d descriptors, of which %d and %d are known\n", more, open, kept, held)
			_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
			code = max(code, 1)
			break
		}
	}
	os.Exit(code)
}

// countAbandoned counts goroutines that are known, and the files that they may keep open.
func countAbandoned(known []Abandoned) (goroutines, files int) {
	if len(known) == 0 {
		return 0, 0
	}
	text := make([]byte, 1<<20)
	n := runtime.Stack(text, true)
	for n == len(text) {
		text = make([]byte, 2*n)
		n = runtime.Stack(text, true)
	}
	for stack := range bytes.SplitSeq(text[:n], []byte("\n\n")) {
		for _, k := range known {
			if bytes.Contains(stack, []byte("\n"+k.Function+"(")) {
				goroutines++
				files += k.Files
				break
			}
		}
	}
	return goroutines, files
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
