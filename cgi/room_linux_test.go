package cgi_test

import (
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"freshet/cgi"
)

// TestNoRoom: without descriptors there is no program, and afterwards there is
// one again.
func TestNoRoom(t *testing.T) {
	h := newHandler(t, cgi.Options{Dir: folder(t, "hello", hello)})
	ask := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/hello", nil))
		return w.Code
	}
	if code := ask(); code != 200 {
		t.Fatal(code)
	}
	var before syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	free := lowestFree(t)
	for more := range 8 { // at each step of a start
		must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: uint64(free + more), Max: before.Max}))
		code := ask()
		must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before))
		if code != 503 && code != 200 {
			t.Errorf("%d with room for %d descriptors", code, more)
		}
		if more == 0 && code == 200 {
			t.Error("a program ran without any")
		}
	}
	if code := ask(); code != 200 {
		t.Error(code)
	}
	if now := lowestFree(t); now != free {
		t.Errorf("descriptor %d is the first free one, and was %d", now, free)
	}
}

// lowestFree is the number that the next descriptor gets.
func lowestFree(t *testing.T) int {
	f, err := os.Open(os.DevNull)
	must(t, err)
	defer f.Close()
	return int(f.Fd())
}
