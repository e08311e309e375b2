package applications

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hgEnv keeps the settings of whoever runs the test out of it.
var hgEnv = []string{"HGRCPATH=", "HGPLAIN=1", "HGUSER=Somebody <somebody@example.com>", "LC_ALL=C.UTF-8"}

func hg(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(command(t, dir, hgEnv, append([]string{"hg"}, args...)...))
}

// commit changes some files and commits.
func commit(t *testing.T, dir string, n int) {
	t.Helper()
	big := make([]byte, 200_000)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range big {
		big[i] = byte(r.Uint32())
	}
	for name, body := range map[string][]byte{
		"readme.txt":               fmt.Appendf(nil, "what it is\nas of change %d\n", n),
		fmt.Sprintf("src/%d.c", n): fmt.Appendf(nil, "int f%d(void) { return %d; }\n", n, n),
		"image.bin":                big,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hg(t, dir, "commit", "-q", "-A", "-m", fmt.Sprintf("change %d", n), "-d", fmt.Sprintf("%d 0", 1_000_000_000+n))
}

// startMercurial serves a repository of some changes, to which anybody may push.
func startMercurial(t *testing.T) (url string) {
	t.Helper()
	if _, err := exec.LookPath("hg"); err != nil {
		cannotBeHad(t, "Mercurial is not installed (Debian: mercurial)")
	}
	repo := filepath.Join(t.TempDir(), "repo")
	hg(t, t.TempDir(), "init", repo)
	for n := range 5 {
		commit(t, repo, n)
	}
	addr := freeAddr(t)
	host, port, _ := strings.Cut(addr, ":")
	start(t, addr, hgEnv, "hg", "-R", repo, "serve", "-a", host, "-p", port, "-n", "repo",
		"--config", "web.allow_push=*", "--config", "web.push_ssl=false")
	return "http://" + addr
}

// laterThan waits until the second of what hgweb takes for its entity-tags, the
// time of the last change, is over: a change within it would have the same tag.
func laterThan(t *testing.T, second int64) {
	t.Helper()
	for time.Now().Unix() <= second {
		time.Sleep(time.Until(time.Unix(second+1, 0)))
	}
}

// TestMercurialPages browses a repository, directly and through the proxy. Its
// pages have entity-tags and say nothing of how long they are good: they are
// stored, and validated at each use.
func TestMercurialPages(t *testing.T) {
	origin := startMercurial(t)
	proxy := startProxy(t, origin)
	skip := func(string) bool { return false }
	before := crawl(t, origin, []string{"/", "/atom-log", "/raw-file/tip/image.bin"}, 60, skip)
	if len(before) < 60 {
		t.Fatalf("only %d pages", len(before))
	}
	if p := walk(t, "cold", proxy, before); p.hits != 0 {
		t.Errorf("%d pages from the cache, for which nothing says how long they are good", p.hits)
	}
	if p := walk(t, "warm", proxy, before); p.hits != 0 || p.validated < p.all/2 {
		t.Errorf("%d of %d pages from the cache, %d validated", p.hits, p.all, p.validated)
	}
	// A change shows on every page.
	laterThan(t, time.Now().Unix())
	clone := filepath.Join(t.TempDir(), "clone")
	hg(t, t.TempDir(), "clone", "-q", proxy, clone)
	commit(t, clone, 5)
	hg(t, clone, "push", "-q", proxy)
	after := crawl(t, origin, []string{"/", "/atom-log", "/raw-file/tip/image.bin"}, 60, skip)
	if bytes.Equal(after["/"].body, before["/"].body) {
		t.Fatal("the page of changes is as before")
	}
	walk(t, "after a push", proxy, after)
	walk(t, "after a push, again", proxy, after)
}

// TestMercurialClones clones, pulls and pushes through the proxy, and compares
// with what is there.
func TestMercurialClones(t *testing.T) {
	origin := startMercurial(t)
	proxy := startProxy(t, origin)
	state := func(dir string) string {
		hg(t, dir, "verify", "-q")
		return hg(t, dir, "log", "-T", "{rev} {node} {desc}\\n") + "\n" + hg(t, dir, "status", "-A") + "\n" + hg(t, dir, "manifest", "--debug")
	}
	clone := func(name, url string) (dir string) {
		dir = filepath.Join(t.TempDir(), name)
		hg(t, t.TempDir(), "clone", "-q", url, dir)
		return dir
	}
	want := state(clone("direct", origin))
	cold := clone("cold", proxy)
	if got := state(cold); got != want {
		t.Fatalf("cold: cloned\n%s\nwant\n%s", got, want)
	}
	warm := clone("warm", proxy)
	if got := state(warm); got != want {
		t.Fatalf("warm: cloned\n%s\nwant\n%s", got, want)
	}
	// Push through the proxy, and directly: both are seen through it at once.
	for n, via := range []string{proxy, origin} {
		writer := clone(fmt.Sprint("writer-", n), proxy)
		commit(t, writer, 10+n)
		hg(t, writer, "push", "-q", via)
		want := state(clone(fmt.Sprint("direct-", n), origin))
		if !strings.Contains(want, fmt.Sprintf("change %d", 10+n)) {
			t.Fatalf("the push by %s did not arrive: %s", via, want)
		}
		for _, dir := range []string{cold, warm} {
			hg(t, dir, "pull", "-q", "-u")
			if got := state(dir); got != want {
				t.Fatalf("pulled\n%s\nwant\n%s", got, want)
			}
		}
		if got := state(clone(fmt.Sprint("again-", n), proxy)); got != want {
			t.Fatalf("cloned\n%s\nwant\n%s", got, want)
		}
	}
}
