package applications

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// gitEnv keeps the settings of whoever runs the test out of it.
var gitEnv = []string{
	"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C.UTF-8",
	"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=C", "GIT_COMMITTER_EMAIL=c@example.com",
	"http_proxy=", "HTTP_PROXY=", "all_proxy=", "ALL_PROXY=",
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return strings.TrimSpace(command(t, dir, gitEnv, append([]string{"git"}, args...)...))
}

// gitTraced runs git and returns what it said to the server.
func gitTraced(t *testing.T, dir string, args ...string) string {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	command(t, dir, append([]string{"GIT_TRACE_CURL=" + trace, "GIT_TRACE_CURL_NO_DATA=1"}, gitEnv...), append([]string{"git"}, args...)...)
	said, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ToLower(string(said))
}

// gitCommit commits a file of random octets, which cannot be made shorter.
func gitCommit(t *testing.T, dir, name string, size int64) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	seed := [32]byte{}
	copy(seed[:], name)
	_, err = io.Copy(f, io.LimitReader(rand.NewChaCha8(seed), size))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	git(t, dir, "add", name)
	git(t, dir, "commit", "-q", "-m", "add "+name)
}

// gitObjects are the ids of all that a repository's branches have, checked.
func gitObjects(t *testing.T, dir string) string {
	t.Helper()
	git(t, dir, "fsck", "--connectivity-only")
	ids := strings.Split(git(t, dir, "rev-list", "--objects", "--no-object-names", "--branches", "--remotes"), "\n")
	slices.Sort(ids)
	return fmt.Sprintf("%d objects\n%s", len(ids), strings.Join(slices.Compact(ids), "\n"))
}

// gitProject makes a bare repository, project.git, with some octets in it.
func gitProject(t *testing.T, p place, size int64) (bare string) {
	t.Helper()
	const files = 10
	seed := t.TempDir()
	git(t, seed, "-c", "init.defaultBranch=main", "init", "-q")
	git(t, seed, "config", "core.compression", "0")
	for n := range int64(files) {
		gitCommit(t, seed, fmt.Sprintf("file-%d", n), size/files)
	}
	bare = filepath.Join(p.folder(t, "repositories", false), "project.git")
	git(t, seed, "clone", "-q", "--bare", "--no-local", seed, bare)
	git(t, bare, "config", "http.receivepack", "true")
	p.give(t, "repositories")
	return bare
}

// inRepository reads a bare repository that is another user's.
func inRepository(t *testing.T, bare string, args ...string) string {
	t.Helper()
	return git(t, bare, append([]string{"-c", "safe.directory=" + bare}, args...)...)
}

// TestGit has the real git clone from, fetch from and push to the real git
// http-backend.
func TestGit(t *testing.T) {
	backend := filepath.Join(strings.TrimSpace(command(t, "", nil, "git", "--exec-path")), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		cannotBeHad(t, "git http-backend is not installed (Debian: git): %v", err)
	}
	t.Run("a script in cgi-bin", func(t *testing.T) {
		p := newPlace(t)
		bare := gitProject(t, p, 50<<20)
		p.file(t, "www/cgi-bin/git", "#!/bin/sh\nGIT_PROJECT_ROOT="+filepath.Dir(bare)+" GIT_HTTP_EXPORT_ALL=1\n"+
			"export GIT_PROJECT_ROOT GIT_HTTP_EXPORT_ALL\nexec git http-backend\n", 0o755)
		url, _ := p.serve(t, "serve", filepath.Join(p.dir, "www"), "--cgi", "/cgi-bin")
		useGit(t, bare, url+"/cgi-bin/git/project.git")
	})
	t.Run("itself", func(t *testing.T) {
		p := newPlace(t)
		bare := gitProject(t, p, 5<<20)
		program, err := os.ReadFile(backend)
		if err != nil {
			t.Fatal(err)
		}
		p.file(t, "programs/git", string(program), 0o755)
		url, _ := p.run(t, "", "[[site.route]]\npath = \"/scm/\"\ncgi = \"programs\"\n"+
			"cgi-env = [\"GIT_PROJECT_ROOT="+filepath.Dir(bare)+"\", \"GIT_HTTP_EXPORT_ALL=1\"]\n")
		useGit(t, bare, url+"/scm/git/project.git")
	})
}

// TestGitOfAnother has a repository that is not of the user that programs run
// as: git does not read it, unless it is told that it may; then it cannot be
// pushed to all the same.
func TestGitOfAnother(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files to somebody else")
	}
	p := newPlace(t)
	bare := gitProject(t, p, 100<<10)
	command(t, "", nil, "chown", "-R", "root:root", bare)
	for _, tt := range []struct {
		name, safe string
		fine       bool
	}{{"unsaid", "", false}, {"said", "*", true}} {
		p.file(t, "www-"+tt.name+"/cgi-bin/git", "#!/bin/sh\nexec git http-backend\n", 0o755)
		url, _ := p.serve(t, "serve", filepath.Join(p.dir, "www-"+tt.name), "--cgi", "/cgi-bin",
			"--cgi-env", "GIT_PROJECT_ROOT="+filepath.Dir(bare), "--cgi-env", "GIT_HTTP_EXPORT_ALL=1",
			"--cgi-env", "GIT_CONFIG_COUNT=1", "--cgi-env", "GIT_CONFIG_KEY_0=safe.directory", "--cgi-env", "GIT_CONFIG_VALUE_0="+tt.safe)
		url += "/cgi-bin/git/project.git"
		dir := filepath.Join(t.TempDir(), "clone")
		cmd := exec.CommandContext(t.Context(), "git", "clone", "-q", url, dir)
		cmd.Env = append(os.Environ(), gitEnv...)
		out, err := cmd.CombinedOutput()
		if (err == nil) != tt.fine {
			t.Fatalf("%s: %v: %s", tt.name, err, out)
		}
		if !tt.fine {
			continue
		}
		if got, want := gitObjects(t, dir), inRepositoryObjects(t, bare); got != want {
			t.Errorf("other objects than the server has")
		}
		gitCommit(t, dir, "more", 100)
		cmd = exec.CommandContext(t.Context(), "git", "push", "-q", "origin", "main")
		cmd.Env, cmd.Dir = append(os.Environ(), gitEnv...), dir
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Errorf("nobody pushed to what belongs to root: %s", out)
		}
	}
}

// useGit does what people do with a repository, and compares what they have.
func useGit(t *testing.T, bare, url string) {
	step := func(name string, f func()) {
		begun := time.Now()
		f()
		t.Logf("%-28s %6.2f s", name, time.Since(begun).Seconds())
	}
	same := func(what, dir string) {
		t.Helper()
		if got, want := gitObjects(t, dir), inRepositoryObjects(t, bare); got != want {
			t.Errorf("%s: other objects than the server has: %.20q, want %.20q", what, got, want)
		}
	}
	clone := func(name string, options ...string) string {
		dir := filepath.Join(t.TempDir(), name)
		git(t, "", append(append([]string{"clone", "-q"}, options...), url, dir)...)
		return dir
	}
	var first, second string
	step("clone", func() { first = clone("first"); same("clone", first) })
	step("clone, old protocol", func() { second = clone("second", "-c", "protocol.version=0"); same("old protocol", second) })

	step("push 12 MB, chunked", func() {
		gitCommit(t, first, "large", 12<<20)
		said := gitTraced(t, first, "-c", "http.postBuffer=1048576", "push", "-q", "origin", "main")
		if !strings.Contains(said, "send header: transfer-encoding: chunked") {
			t.Error("the push was not chunked")
		}
		same("push", first)
	})
	step("push 100 KB, of known length", func() {
		gitCommit(t, first, "small", 100<<10)
		said := gitTraced(t, first, "push", "-q", "origin", "main")
		if strings.Contains(said, "send header: transfer-encoding: chunked") {
			t.Error("the push was chunked")
		}
		same("push", first)
	})
	step("push of a branch, and its end", func() {
		git(t, first, "push", "-q", "origin", "main:refs/heads/other")
		if got, want := inRepository(t, bare, "rev-parse", "other"), git(t, first, "rev-parse", "main"); got != want {
			t.Errorf("branch %s, want %s", got, want)
		}
		git(t, first, "push", "-q", "origin", ":other")
	})
	step("fetch, gzip request", func() {
		gitHistory(t, second, 400)
		said := gitTraced(t, second, "fetch", "-q", "origin")
		if !strings.Contains(said, "send header: content-encoding: gzip") {
			t.Error("no request had a body in gzip")
		}
		if got, want := git(t, second, "rev-parse", "origin/main"), inRepository(t, bare, "rev-parse", "main"); got != want {
			t.Errorf("fetched %s, want %s", got, want)
		}
	})
	step("fetch, gzip, new protocol", func() {
		gitCommit(t, first, "more", 10<<10)
		git(t, first, "push", "-q", "origin", "main")
		said := gitTraced(t, second, "-c", "protocol.version=2", "fetch", "-q", "origin")
		if !strings.Contains(said, "send header: content-encoding: gzip") {
			t.Error("no request had a body in gzip")
		}
		if got, want := git(t, second, "rev-parse", "origin/main"), inRepository(t, bare, "rev-parse", "main"); got != want {
			t.Errorf("fetched %s, want %s", got, want)
		}
	})
	step("shallow clone", func() {
		dir := clone("shallow", "--depth", "1")
		if n := git(t, dir, "rev-list", "--count", "HEAD"); n != "1" {
			t.Errorf("%s commits", n)
		}
		git(t, dir, "fetch", "-q", "--unshallow")
		same("unshallow", dir)
	})
	step("four clones at once", func() {
		dirs := make([]string, 4)
		var all sync.WaitGroup
		for n := range dirs {
			dirs[n] = filepath.Join(t.TempDir(), "clone")
			cmd := exec.CommandContext(t.Context(), "git", "clone", "-q", "--bare", url, dirs[n])
			cmd.Env = append(os.Environ(), gitEnv...)
			all.Go(func() {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("clone %d: %v: %s", n, err, out)
				}
			})
		}
		all.Wait()
		for n, dir := range dirs {
			if !t.Failed() {
				same(fmt.Sprintf("clone %d", n), dir)
			}
		}
	})
	step("what is not there", func() {
		cmd := exec.CommandContext(t.Context(), "git", "ls-remote", strings.Replace(url, "project", "other", 1))
		cmd.Env = append(os.Environ(), gitEnv...)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "not found") {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// inRepositoryObjects is gitObjects for a repository of another user.
func inRepositoryObjects(t *testing.T, bare string) string {
	t.Helper()
	ids := strings.Split(inRepository(t, bare, "rev-list", "--objects", "--no-object-names", "--branches"), "\n")
	slices.Sort(ids)
	return fmt.Sprintf("%d objects\n%s", len(ids), strings.Join(slices.Compact(ids), "\n"))
}

// gitHistory gives a clone commits that the server does not have, so that it
// has much to tell of.
func gitHistory(t *testing.T, dir string, commits int) {
	t.Helper()
	var b strings.Builder
	for n := range commits {
		fmt.Fprintf(&b, "commit refs/heads/own\nmark :%d\ncommitter C <c@example.com> %d +0000\ndata 1\nx", n+1, 2_000_000_000+n)
		if n == 0 {
			b.WriteString("\nfrom refs/heads/main")
		} else {
			fmt.Fprintf(&b, "\nfrom :%d", n)
		}
		fmt.Fprintf(&b, "\nM 100644 inline own\ndata %d\n%04d\n\n", 4, n)
	}
	cmd := exec.CommandContext(t.Context(), "git", "fast-import", "--quiet")
	cmd.Env, cmd.Dir = append(os.Environ(), gitEnv...), dir
	cmd.Stdin = strings.NewReader(b.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
