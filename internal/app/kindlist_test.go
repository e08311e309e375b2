package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// A job has a proxy look at its lists, says what has become of each, and fails
// when one cannot be read.
func TestListUpdateJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	var text atomic.Pointer[string]
	publish := func(s string) { text.Store(&s) }
	publish("||a.example^\n")
	lists := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s := *text.Load(); s != "" {
			io.WriteString(w, s)
			return
		}
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}))
	t.Cleanup(lists.Close)
	mine := filepath.Join(t.TempDir(), "mine.txt")
	if err := os.WriteFile(mine, []byte("||m.example^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, home := monitored(t, "filter", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", "--allow-private", "--list", "ads="+lists.URL, "--list", "mine="+mine)
	p.monitor() // it can be reached
	update := func(status int, reason, want string) {
		t.Helper()
		got, stdout, stderr := command(t, home, "job", "submit", "--wait", "--kind", "list-update")
		_, log, _ := command(t, home, "job", "logs", strings.TrimSpace(stdout))
		if got != status || !strings.Contains(stderr, reason) || log != want {
			t.Errorf("%d, %q, %q; want %d, %q, %q", got, stderr, log, status, reason, want)
		}
	}
	update(exitOK, "", "ads: unchanged, 1 rule\nmine: unchanged, 1 rule\n")
	publish("||a.example^\n||b.example^\n||c.example^\n")
	update(exitOK, "", "ads: updated: 1 → 3 rules\nmine: unchanged, 1 rule\n")
	publish("")
	update(exitFault, "1 of 2 lists could not be updated: ads", "ads: failed: the answer is 503 Service Unavailable; the edition before stays, 3 rules\nmine: unchanged, 1 rule\n1 of 2 lists could not be updated: ads\n")
	publish("||a.example^\n")
	update(exitOK, "", "ads: updated: 3 → 1 rule\nmine: unchanged, 1 rule\n")

	for _, args := range [][]string{{"--param", "force=yes"}, {"http://lists.example/"}} {
		got, _, stderr := command(t, home, append([]string{"job", "submit", "--kind", "list-update"}, args...)...)
		if got != exitFault || !strings.Contains(stderr, "there is no parameter") {
			t.Errorf("%q: %d, %q", args, got, stderr)
		}
	}
}

// A server takes no job that only a server like it could do, and that it cannot.
func TestOwnKindsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the worker of this test is not there")
	}
	p, home := monitored(t, "filter", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", "--cache=false")
	p.monitor() // it can be reached
	for kind, want := range map[string]string{
		"list-update": "kind list-update: this server filters by no lists",
		"purge":       "kind purge: this server keeps no answers",
		"precompress": "kind precompress: this server serves no folder",
		"scrub":       "kind scrub: this server has no cache on disk",
	} {
		if got, stdout, stderr := command(t, home, "job", "submit", "--kind", kind); got != exitFault || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: %d, %q, %q", kind, got, stdout, stderr)
		}
	}
	// What any worker may have is accepted, and waits.
	if got, _, stderr := command(t, home, "job", "submit", "--kind", "anything"); got != exitOK {
		t.Errorf("%d, %q", got, stderr)
	}
}
