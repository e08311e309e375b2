package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/internal/control"
)

// Everything that freshet purge can name is forgotten, softly or not; receipts
// tell of it, and soft purges can be undone.
func TestPurgeByCommand(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		h := w.Header()
		h.Set("Cache-Control", "max-age=600")
		h.Set("Surrogate-Key", "news front")
		h.Set("Content-Type", "text/html")
		h.Set("Etag", `"a"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, "kept")
	}))
	t.Cleanup(origin.Close)
	home := t.TempDir()
	p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL)
	url := p.url()
	host := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	purge := func(want int, says string, args ...string) string {
		t.Helper()
		status, stdout, stderr := command(t, home, append([]string{"purge"}, args...)...)
		if status != want || !strings.Contains(stdout+stderr, says) {
			t.Errorf("%q: %d, %q, %q; want %q", args, status, stdout, stderr, says)
		}
		return stdout
	}
	purged := func(is bool) {
		t.Helper()
		before := asked.Load()
		get(t, url+"a")
		if got := asked.Load() > before; got != is {
			t.Errorf("the origin was asked: %v", got)
		}
	}
	get(t, url+"a")
	purge(exitOK, "nothing was purged yet\n", "--receipts")
	for _, args := range [][]string{
		{"--tag", "front"}, {"--tag", "none", "--tag", "news"}, {"--prefix", url}, {"--host", host}, {"--where", "type=text/html size<1KB"}, {"--everything"},
	} {
		purge(exitOK, "would purge ", append(args, "--dry-run")...)
		purged(false)
		purge(exitOK, "(hard, ", args...)
		purged(true)
		soft := purge(exitOK, "(soft, ", append(args, "--soft")...)
		id := regexp.MustCompile(`receipt (\w+): `).FindStringSubmatch(soft)
		if id == nil {
			t.Fatalf("no receipt: %q", soft)
		}
		purge(exitOK, ", undone ", "--undo", id[1])
		purged(false)
		purge(exitFault, "is undone already", "--undo", id[1])
		purge(exitOK, "(soft, ", append(args, "--soft")...)
		purged(true)
		purge(exitOK, "receipt "+id[1]+": ", "--receipt", id[1])
	}
	purge(exitOK, "receipt deploy-1: tag front (hard, ", "--tag", "front", "--id", "deploy-1")
	purged(true)
	purge(exitOK, "receipt deploy-1: tag front (hard, ", "--tag", "front", "--id", "deploy-1", "--here")
	purged(false)
	var a control.Answer
	if text := purge(exitOK, "", "--json", "--receipt", "deploy-1"); json.Unmarshal([]byte(text), &a) != nil || a.Receipt == nil || a.Receipt.Objects != 1 || fmt.Sprint(a.Receipt.What) != "[tag front]" {
		t.Errorf("%q", text)
	}
	if text := purge(exitOK, "", "--json", url+"a"); json.Unmarshal([]byte(text), &a) != nil || len(a.Purged) != 1 || a.Purged[0] != 1 || a.Receipt.Objects != 1 {
		t.Errorf("%q", text)
	}
	if text := purge(exitOK, "", "--receipts"); strings.Count(text, "\n") < 20 {
		t.Errorf("%q", text)
	}
	purge(exitFault, "no such receipt", "--receipt", "nothing")
	purge(exitFault, "no such receipt", "--undo", "nothing")
	purge(exitFault, "condition, position 8: ", "--where", "age>1h colour=red")
	purge(exitFault, "was not a soft one", "--undo", "deploy-1")
	purge(exitUsage, "is no address", "--prefix", "example.org")
	purge(exitUsage, "purge nothing", "--receipts", "--tag", "a")
	purge(exitUsage, "give one of", "--receipts", "--undo", "a")
	purge(exitUsage, "--everything is for all answers", "--everything", "--tag", "a")
	p.stop()
}

// A PURGE request with tags purges what has one of them.
func TestPurgeMethodByTag(t *testing.T) {
	h := http.Header{"Surrogate-Key": {"a b"}, "Cache-Tag": {"c d, e"}}
	if got := fmt.Sprintf("%q", tagsAsked(h)); got != `["a" "b" "c d" "e"]` {
		t.Error(got)
	}
}
