package child_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/child"
)

// nobody is a user for programs: as root that one; else nil, who we are.
func nobody(t testing.TB) *child.User {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := child.LookupUser("nobody")
	if err != nil {
		t.Skip(err)
	}
	return u
}

func TestUser(t *testing.T) {
	u := nobody(t)
	if u == nil {
		t.Skip("only root can choose a user")
	}
	s := spawner(t, child.Options{User: u})
	text, _ := start(t, s, "id -u; id -g; id -G; grep NoNewPrivs /proc/$$/status").rest(t)
	want := fmt.Sprintf("%d\n%d\n%d\nNoNewPrivs:\t1\n", u.UID, u.GID, u.GID)
	if text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	more := *u
	more.Groups = []uint32{12, 34}
	text, _ = start(t, spawner(t, child.Options{User: &more}), "id -G").rest(t)
	if want := fmt.Sprintf("%d 12 34\n", u.GID); text != want {
		t.Errorf("groups: got %q, want %q", text, want)
	}
	if !strings.HasPrefix(s.Describe(), fmt.Sprintf("user nobody (%d)", u.UID)) {
		t.Error(s.Describe())
	}
}

func TestRootIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		_, err := child.New(child.Options{User: &child.User{UID: uint32(os.Geteuid()) + 1, Name: "other"}})
		if err == nil || !strings.Contains(err.Error(), "only root") {
			t.Errorf("another user: %v", err)
		}
		return
	}
	for _, u := range []*child.User{nil, {UID: 0, GID: 1, Name: "root"}} {
		if _, err := child.New(child.Options{User: u}); !errors.Is(err, child.ErrRoot) {
			t.Errorf("%+v: %v", u, err)
		}
	}
	s, err := child.New(child.Options{AllowRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if text, _ := start(t, s, "id -u; grep NoNewPrivs /proc/$$/status").rest(t); text != "0\nNoNewPrivs:\t0\n" {
		t.Errorf("as root: %q", text)
	}
}

func TestLookupUser(t *testing.T) {
	byName, err := child.LookupUser("root")
	if err != nil {
		t.Skip(err)
	}
	byNumber, err := child.LookupUser("0")
	if err != nil || byNumber.Name != "root" || byName.UID != 0 || byName.Home == "" {
		t.Errorf("%+v %+v %v", byName, byNumber, err)
	}
	for _, name := range []string{"", "no such user", "-1", "4000000000"} {
		if u, err := child.LookupUser(name); err == nil {
			t.Errorf("%q: %+v", name, u)
		}
	}
}

// limited makes a Spawner with limits, or skips where a program cannot be
// held.
func limited(t *testing.T, l child.Limits) *child.Spawner {
	t.Helper()
	return spawner(t, child.Options{User: limitable(t), Limits: l})
}

// limitable is another user if limits of its programs can be set, else nil.
func limitable(t testing.TB) *child.User {
	u := nobody(t)
	s, err := child.New(child.Options{User: u, Limits: child.Limits{Files: 64}})
	if errors.Is(err, child.ErrLimits) {
		return nil
	}
	if err == nil {
		_ = s.Close()
	}
	return u
}

// TestLimitsNeedNoCapability: root that may not limit the programs of others, as
// in a container, has each program limit itself.
func TestLimitsNeedNoCapability(t *testing.T) {
	const without = "CHILD_TEST_WITHOUT_CAPABILITY"
	if os.Geteuid() != 0 {
		t.Skip("only root has other users")
	}
	if os.Getenv(without) == "" {
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			t.Skip(err)
		}
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(setpriv, "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", program, "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), without+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	for _, o := range []child.Options{{User: nobody(t), Limits: child.Limits{Files: 64}}, {AllowRoot: true, Limits: child.Limits{Files: 64}}} {
		if text, r := start(t, spawner(t, o), "ulimit -n").rest(t); text != "64\n" {
			t.Errorf("%q, %v", text, r)
		}
	}
}

// TestLimitsAreThereAtOnce: the first program sees them.
func TestLimitsAreThereAtOnce(t *testing.T) {
	s := limited(t, child.Limits{Memory: 512 << 20, CPU: 1500 * time.Millisecond, Processes: 3000, Files: 64, FileSize: 1 << 20})
	p, err := os.MkdirTemp("", "child")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(p) }()
	// Not a shell: what is executed first reads its own limits.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Start(&child.Command{Path: "/bin/cat", Args: []string{"cat", "/proc/self/limits"}, Files: []*os.File{nil, w, w}})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	text := readAll(t, r)
	wait(t, c)
	for _, want := range []string{
		"Max address space 536870912 536870912 bytes",
		"Max cpu time 2 3 seconds",
		"Max processes 3000 3000 processes",
		"Max open files 64 64 files",
		"Max file size 1048576 1048576 bytes",
		"Max core file size 0 0 bytes",
	} {
		if !strings.Contains(squeeze(text), want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	const want = "memory 512 MiB, CPU 2 s, 3000 processes, 64 open files, files of up to 1 MiB (prlimit)"
	if !strings.Contains(s.Describe(), want) {
		t.Errorf("%q is not in %q", want, s.Describe())
	}
}

// squeeze makes one blank of several.
func squeeze(text string) string { return strings.Join(strings.Fields(text), " ") }

func readAll(t *testing.T, f *os.File) string {
	t.Helper()
	defer func() { _ = f.Close() }()
	var b strings.Builder
	if _, err := f.WriteTo(&b); err != nil {
		t.Error(err)
	}
	return b.String()
}

func TestMemoryLimit(t *testing.T) {
	s := limited(t, child.Limits{Memory: 64 << 20})
	// A block of 128 MiB is refused; one of 1 MiB is not.
	text, r := start(t, s, "dd if=/dev/zero of=/dev/null bs=1M count=1 2>/dev/null && echo small; dd if=/dev/zero of=/dev/null bs=128M count=1 2>/dev/null || echo refused").rest(t)
	if text != "small\nrefused\n" {
		t.Errorf("%q %v", text, r)
	}
}

func TestCPULimit(t *testing.T) {
	s := limited(t, child.Limits{CPU: time.Second})
	_, r := start(t, s, "while :; do :; done").rest(t)
	if r.Exit != -1 || r.Signal.String() != "CPU time limit exceeded" {
		t.Errorf("a program that spins: %v", r)
	}
	if r.User+r.System > 5*time.Second {
		t.Errorf("it had %v", r.User+r.System)
	}
}

func TestFileLimits(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	s := limited(t, child.Limits{FileSize: 10 << 10, Files: 16})
	text, _ := startIn(t, s, dir, "dd if=/dev/zero of=f bs=1k count=100 2>/dev/null; echo $?; ulimit -n").rest(t)
	if !strings.HasSuffix(text, "16\n") || strings.HasPrefix(text, "0\n") {
		t.Errorf("%q", text)
	}
	info, err := os.Stat(filepath.Join(dir, "f"))
	if err != nil || info.Size() != 10<<10 {
		t.Errorf("a file of %d bytes, %v", info.Size(), err)
	}
}

// open lets every user write into a directory of a test, and reach it.
func open(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for up := filepath.Dir(dir); up != os.TempDir() && up != "/"; up = filepath.Dir(up) {
		if err := os.Chmod(up, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProcessLimit: forks are refused beyond it. The bomb stops by itself at
// 100 processes.
func TestProcessLimit(t *testing.T) {
	u := limitable(t)
	if u == nil {
		t.Skip("the limit counts all processes of our own user")
	}
	s := limited(t, child.Limits{Processes: 20})
	text, r := start(t, s, "i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i+1)); echo forked; done; echo all").rest(t)
	forks := strings.Count(text, "forked\n")
	if strings.Contains(text, "all\n") || forks >= 20 {
		t.Errorf("%d forks; %v", forks, r)
	}
}

func TestNoNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	s, err := child.New(child.Options{User: nobody(t), NoNetwork: true})
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = s.Close() }()
	connect := "exec 3<>/dev/tcp/127.0.0.1/" + fmt.Sprint(listener.Addr().(*net.TCPAddr).Port) + " && echo connected || echo refused"
	script := "bash -c '" + connect + "' 2>/dev/null"
	// Several times: each thread is confined for itself.
	for range 8 {
		if text, r := start(t, s, script).rest(t); !strings.HasSuffix(text, "refused\n") && r.Exit == 0 {
			t.Errorf("%s: %q %v", s.Describe(), text, r)
		}
	}
	if strings.Contains(s.Describe(), "no network (namespace)") {
		if text, _ := start(t, s, "cat /proc/net/dev").rest(t); strings.Count(text, "\n") > 3 || strings.Contains(text, "eth") {
			t.Errorf("interfaces: %s", text)
		}
	}
	if conn, err := net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Errorf("our own network: %v", err)
	} else {
		_ = conn.Close()
	}
}

// TestNoTCP: the way without privilege.
func TestNoTCP(t *testing.T) {
	defer child.WithoutNamespaces()()
	if child.LandlockABI() < 4 {
		_, err := child.New(child.Options{User: nobody(t), NoNetwork: true})
		if err == nil {
			t.Error("without namespaces and rules for TCP: no error")
		}
		return
	}
	TestNoNetwork(t)
}

func TestLandlock(t *testing.T) {
	if child.LandlockABI() < 1 {
		_, err := child.New(child.Options{AllowRoot: true, Landlock: &child.Landlock{}})
		if err == nil {
			t.Error("a kernel without Landlock: no error")
		}
		return
	}
	dir := t.TempDir()
	read, write, other := filepath.Join(dir, "read"), filepath.Join(dir, "write"), filepath.Join(dir, "other")
	for _, d := range []string{read, write, other} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
		open(t, d)
		if err := os.WriteFile(filepath.Join(d, "file"), []byte(filepath.Base(d)+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(d, "file"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	rules := &child.Landlock{Read: []string{read}, Write: []string{write}}
	for _, d := range []string{"/bin", "/lib", "/lib64", "/usr", "/etc"} {
		if _, err := os.Stat(d); err == nil {
			rules.Read = append(rules.Read, d)
		}
	}
	s := spawner(t, child.Options{User: limitable(t), Landlock: rules, Limits: child.Limits{CPU: time.Minute}})
	text, _ := start(t, s, `exec 2>/dev/null
cat "$1/read/file"; cat "$1/write/file"; cat "$1/other/file" || echo no other
echo >"$1/read/file" || echo no write; echo more >>"$1/write/file" && echo >"$1/write/new" && rm "$1/write/new" && echo written
echo >"$1/other/new" || echo no new; ls "$1/other" || echo no list
echo >/dev/null && dd if=/dev/urandom of=/dev/null count=1 && echo devices`, dir).rest(t)
	want := "read\nwrite\nno other\nno write\nwritten\nno new\nno list\ndevices\n"
	if text != want {
		t.Errorf("got %q, want %q", text, want)
	}
	// What it says of us: nothing has changed.
	if _, err := os.ReadFile(filepath.Join(other, "file")); err != nil {
		t.Error(err)
	}
	if _, err := child.New(child.Options{AllowRoot: true, Landlock: &child.Landlock{Read: []string{filepath.Join(dir, "none")}}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a path that does not exist: %v", err)
	}
	if !strings.Contains(s.Describe(), "landlock") {
		t.Error(s.Describe())
	}
}

func TestCgroupPath(t *testing.T) {
	if _, err := child.New(child.Options{AllowRoot: true, Cgroup: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "not a cgroup v2") {
		t.Errorf("a plain directory: %v", err)
	}
	own := child.OwnCgroup()
	if own == "" {
		t.Skip("no cgroup v2 here")
	}
	leftover := filepath.Join(own, fmt.Sprintf("freshet-%d-1", 1<<30))
	if err := os.MkdirAll(filepath.Join(leftover, "0"), 0o755); err != nil {
		t.Skip(err)
	}
	s := spawner(t, child.Options{Cgroup: own})
	if _, err := os.Stat(leftover); err == nil {
		t.Error("what a dead server left is still there")
	}
	text, _ := start(t, s, "cat /proc/$$/cgroup").rest(t)
	if !strings.Contains(text, fmt.Sprintf("/freshet-%d-", os.Getpid())) {
		t.Errorf("cgroup: %q", text)
	}
	_, base, _ := strings.Cut(s.Describe(), "cgroup ")
	base, _, _ = strings.Cut(base, ",")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(base); err == nil {
		t.Errorf("%s is still there", base)
	}
}
