package applications

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cgit is a program by CGI, written in C, that shows repositories.
const cgit = "/usr/lib/cgit/cgit.cgi"

// cgitRepository makes a repository of some commits, long ago, so that their
// age is the same for a while.
func cgitRepository(t *testing.T, p place) {
	t.Helper()
	seed := t.TempDir()
	git(t, seed, "-c", "init.defaultBranch=main", "init", "-q")
	for n := range 30 {
		dir := filepath.Join(seed, fmt.Sprintf("dir %d", n%3))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, fmt.Sprintf("file+%d.txt", n%7))
		if err := os.WriteFile(name, fmt.Appendf(nil, "<b>&amp; %d\n%s", n, strings.Repeat("a line\n", n)), 0o644); err != nil {
			t.Fatal(err)
		}
		git(t, seed, "add", ".")
		date := fmt.Sprintf("--date=%d +0000", 1_000_000_000+n)
		command(t, seed, append([]string{fmt.Sprintf("GIT_COMMITTER_DATE=%d +0000", 1_000_000_000+n)}, gitEnv...),
			"git", "commit", "-q", "-m", fmt.Sprintf("change %d: <i>ä", n), date)
	}
	git(t, seed, "tag", "v1")
	git(t, seed, "clone", "-q", "--bare", "--no-local", seed, filepath.Join(p.folder(t, "repositories", false), "project.git"))
	p.give(t, "repositories")
}

// TestCgit has cgit's pages, archives and files be the same by freshet as by
// Go's own net/http/cgi, cold and from the cache: cgit says how long they are
// good.
func TestCgit(t *testing.T) {
	if _, err := os.Stat(cgit); err != nil {
		cannotBeHad(t, "cgit is not installed (Debian: cgit): %v", err)
	}
	p := newPlace(t)
	cgitRepository(t, p)
	footer := p.file(t, "footer", "", 0o644) // else it has the time
	config := p.file(t, "cgitrc", "footer="+footer+"\nsnapshots=tar.gz zip\nenable-commit-graph=1\nenable-blame=1\nlogo=\nfavicon=\ncss=\n"+
		"scan-path="+p.dir+"/repositories\n", 0o644)
	wrapper := p.file(t, "programs/cgit", "#!/bin/sh\nGIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'\n"+
		"export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0\nexec "+cgit+"\n", 0o755)
	url, _ := p.run(t, "", "[[site.route]]\npath = \"/cgi/\"\ncgi = \"programs\"\ncgi-env = [\"CGIT_CONFIG="+config+"\"]\n")
	reference := httptest.NewServer(&cgi.Handler{Path: wrapper, Root: "/cgi/cgit", Env: []string{"CGIT_CONFIG=" + config}, Stderr: os.Stderr})
	defer reference.Close()

	plain := func(a *answer, base string) []byte { // pages name the host that they are on
		return bytes.ReplaceAll(a.body, []byte(strings.TrimPrefix(base, "http://")), []byte("host"))
	}
	skip := func(string) bool { return false }
	const archive = "/cgi/cgit/project.git/snapshot/project-v1.tar.gz"
	want := crawl(t, reference.URL, []string{"/cgi/cgit/", "/cgi/cgit/project.git/", "/cgi/cgit/project.git/log/?qt=grep&q=%3Ci%3E", archive}, 150, skip)
	if len(want) < 150 || want["/cgi/cgit/project.git/"].status != http.StatusOK || !bytes.HasPrefix(want[archive].body, []byte("\x1f\x8b")) {
		t.Fatalf("only %d pages; archive: %d", len(want), want[archive].status)
	}
	for _, round := range []string{"cold", "warm"} {
		hits, kept := 0, 0
		for path, w := range want {
			got := get(t, url+path)
			if got.status != w.status || !bytes.Equal(plain(got, url), plain(w, reference.URL)) || got.header.Get("Content-Type") != w.header.Get("Content-Type") ||
				got.header.Get("Content-Disposition") != w.header.Get("Content-Disposition") {
				t.Errorf("%s: %s: %d %v, want %d %v", round, path, got.status, got.header, w.status, w.header)
			}
			if w.header.Get("Expires") != "" && w.status == http.StatusOK {
				kept++
			}
			if got.hit() {
				hits++
			}
		}
		t.Logf("%s: %d answers, %d say how long they are good, %d from the cache", round, len(want), kept, hits)
		if round == "warm" && hits < kept*9/10 {
			t.Errorf("only %d from the cache", hits)
		}
	}
}
