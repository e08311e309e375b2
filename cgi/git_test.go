//go:build unix

package cgi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/cgi"
)

// TestGit: git's own server program, which is asked with bodies of every kind,
// for a clone and a push.
func TestGit(t *testing.T) {
	at, err := exec.Command("git", "--exec-path").Output()
	backend := filepath.Join(strings.TrimSpace(string(at)), "git-http-backend")
	if _, missing := os.Stat(backend); err != nil || missing != nil {
		t.Skip("git is not installed, or not its http-backend")
	}
	repositories, home := folder(t), t.TempDir()
	git := func(dir string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.org"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git(repositories, "init", "--quiet", "--bare", "--initial-branch=main", "a.git")
	git(filepath.Join(repositories, "a.git"), "config", "http.receivepack", "true")
	must(t, filepath.WalkDir(repositories, func(path string, e os.DirEntry, err error) error {
		if err == nil && os.Geteuid() == 0 { // the program's user is not ours
			err = os.Chmod(path, map[bool]os.FileMode{true: 0o777, false: 0o666}[e.IsDir()])
		}
		return err
	}))
	dir := folder(t, "git", sh(`exec `+backend))
	s, _ := run(t, dir, func(o *cgi.Options) {
		o.Env = []string{"GIT_PROJECT_ROOT=" + repositories, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}
	})
	url, work := "http://"+s.addr+"/git/a.git", t.TempDir()
	git(work, "clone", "--quiet", url, "first")
	first := filepath.Join(work, "first")
	write(t, filepath.Join(first, "large.txt"), strings.Repeat("0123456789abcdef\n", 100_000))
	write(t, filepath.Join(first, "small.txt"), "hello\n")
	git(first, "add", ".")
	git(first, "-c", "core.compression=0", "commit", "--quiet", "-m", "one")
	git(first, "-c", "core.compression=0", "-c", "pack.compression=0", "-c", "http.postBuffer=65536", "push", "--quiet", "origin", "HEAD:refs/heads/main") // more than the buffer is sent in chunks
	git(work, "clone", "--quiet", url, "second")
	if b, err := os.ReadFile(filepath.Join(work, "second", "small.txt")); string(b) != "hello\n" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if one, two := git(first, "rev-parse", "HEAD"), git(filepath.Join(work, "second"), "rev-parse", "HEAD"); one != two {
		t.Errorf("%s and %s", one, two)
	}
}
