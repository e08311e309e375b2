package app

import (
	"encoding/json"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"freshet/jobs"
)

// The words of freshet job, against a server that runs.
func TestJob(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "2", folder(t, "index.html", "hello"))
	p.monitor() // it can be reached
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		status, stdout, stderr := command(t, home, append([]string{"job"}, args...)...)
		if status != want {
			t.Fatalf("%v: exit status %d, want %d\n%s%s", args, status, want, stdout, stderr)
		}
		return stdout, stderr
	}
	id, _ := run(exitOK, "submit", "--array", "1-3", "--owner", "ada", "--name", "three", "--wait", "--", "sh", "-c", "echo frame {frame}")
	id = strings.TrimSpace(id)
	if !regexp.MustCompile(`^[0-9a-z]{9}$`).MatchString(id) {
		t.Fatalf("%q", id)
	}
	list, _ := run(exitOK, "list", "--owner", "ada")
	if !regexp.MustCompile(`(?m)^` + id + ` +succeeded +3/3 +\d+s +ada +three$`).MatchString(list) {
		t.Errorf("%q", list)
	}
	for line := range strings.Lines(list) {
		if len(line) > 80 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	logs, _ := run(exitOK, "logs", id)
	if logs != "== task 1\nframe 1\n== task 2\nframe 2\n== task 3\nframe 3\n" {
		t.Errorf("%q", logs)
	}
	if one, _ := run(exitOK, "logs", "--tasks", "2", id); one != "frame 2\n" {
		t.Errorf("%q", one)
	}

	if third, _ := run(exitOK, "show", "--tasks", "3", "--limit", "1", id); !strings.Contains(third, "\n3     succeeded") {
		t.Errorf("%q", third)
	}

	bad, told := run(exitFault, "submit", "--wait", "--", "sh", "-c", "echo no >&2; exit 3")
	bad = strings.TrimSpace(bad)
	contains(t, told, "job "+bad+": failed", "see freshet job logs "+bad)
	shown, _ := run(exitOK, "show", bad)
	contains(t, shown, "command    sh -c echo no >&2; exit 3", "state      failed", "exit status 3")
	run(exitOK, "retry", bad)
	run(exitFault, "wait", bad)
	again, _ := run(exitOK, "logs", bad)
	if again != "no\n-- run 2\nno\n" {
		t.Errorf("%q", again)
	}

	text, _ := run(exitOK, "list", "--json")
	var page jobs.Page
	if err := json.Unmarshal([]byte(text), &page); err != nil || len(page.Jobs) != 2 || page.By[jobs.Failed] != 1 {
		t.Errorf("%v %s", err, text)
	}

	warm, _ := run(exitOK, "submit", "--wait", "--kind", "warm", p.url(), p.url()+"index.html")
	warmed, _ := run(exitOK, "logs", strings.TrimSpace(warm))
	contains(t, warmed, "2 of 2 URLs: ")

	long, _ := run(exitOK, "submit", "--", "sleep", "1000")
	long = strings.TrimSpace(long)
	run(exitOK, "cancel", long)
	_, told = run(exitFault, "wait", long)
	contains(t, told, "job "+long+": cancelled")
	_, told = run(exitFault, "cancel", "000000000")
	contains(t, told, "no such job")
	_, told = run(exitFault, "submit", "--array", "9-1", "--", "true")
	contains(t, told, "--array")
	p.stop()
	contains(t, p.stderr.String(), "jobs: 2 at a time")
}

// What programs write does not drive the terminal that shows it; colours stay.
func TestTamed(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n\ttext é\n":           "plain\n\ttext é\n",
		"\x1b[1;31mred\x1b[m\n":       "\x1b[1;31mred\x1b[m\n",
		"\x1b]0;title\a\x1b[2Jx":      " ]0;title  [2Jx",
		"\u009b2J\u202e\r\x1b[6n\x7f": " 2J   [6n ",
		"a\x1b[31\x1b[0mb":            "a [31\x1b[0mb",
		"\xff":                        "\ufffd",
	} {
		if got := string(tamed([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A queue in a folder where others could put one of their own is not served.
func TestJobsInAFolderOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	data := t.TempDir()
	if err := os.Chmod(data, 0o777); err != nil {
		t.Fatal(err)
	}
	contains(t, fails(t, exitFault, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--data", data, "--jobs", "1", folder(t, "index.html", "hello")),
		"others than its owner may write to it (mode 0777)")
}

func TestJobUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "say what to do: freshet job submit",
		"submti":                       "did you mean freshet job submit?",
		"submit":                       "say what to run",
		"list x":                       "freshet job list takes no",
		"show":                         "say which job",
		"show a b":                     "one too many",
		"cancel --array 1-3 a":         "--array is for freshet job submit",
		"submit --env X -- true":       "NAME=VALUE",
		"submit --zone UTC -- true":    "--schedule",
		"logs --limit 3 a":             "--limit is for freshet job list or show",
		"submit --state failed true":   "--state is for",
		"submit --schedule x --wait y": "never over",
	} {
		contains(t, fails(t, exitUsage, append([]string{"job"}, strings.Fields(args)...)...), want)
	}
}

// A server without a queue says so.
func TestNoQueue(t *testing.T) {
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", folder(t, "index.html", "hello"))
	p.monitor()
	if status, _, stderr := command(t, home, "job", "list"); status != exitFault || !strings.Contains(stderr, "start it with --jobs N") {
		t.Errorf("%d %q", status, stderr)
	}
	p.stop()
}

// Without a server it is said that one has to be started.
func TestNoServer(t *testing.T) {
	home := t.TempDir()
	for _, args := range [][]string{{"job", "list"}, {"purge", "--all"}, {"why", "/"}} {
		if status, _, stderr := command(t, home, args...); status != exitFault || !strings.Contains(stderr, "no server has its socket in "+home) || !strings.Contains(stderr, "; start one, or name it with --monitor ADDR") {
			t.Errorf("%v: %d %q", args, status, stderr)
		}
	}
}

// From nothing to a job on a second machine: two commands.
func TestWorkerCommand(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--fleet", "127.0.0.1:0", folder(t, "index.html", "hello"))
	token := p.stderr.wait(t, `(?m)^fleet on 127\.0\.0\.1:\d+; on another machine: freshet worker --join (\S+)$`)
	w := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home, "FRESHET_JOIN=" + token} }, "worker", "--tasks", "2", "--label", "gpu=two")
	w.stderr.wait(t, `(?m)^(worker worker-1: 2 at a time)`)
	if status, _, stderr := command(t, home, "job", "submit", "--wait", "--need", "gpu=two", "--", "true"); status != exitOK {
		t.Fatalf("%d %s", status, stderr)
	}
	status, stdout, stderr := command(t, home, "worker", "list")
	if status != exitOK || !regexp.MustCompile(`(?m)^worker-1 +127\.0\.0\.1:\d+ +it is revoked$`).MatchString(stdout) {
		t.Errorf("%d %q %q", status, stdout, stderr)
	}
	if status, stdout, stderr := command(t, home, "worker", "invite", "--for", "1h", "other"); status != exitOK || !strings.HasPrefix(stdout, "freshet-node-1-") {
		t.Errorf("%d %q %q", status, stdout, stderr)
	}
	if status, _, stderr := command(t, home, "worker", "revoke", "worker-1"); status != exitOK {
		t.Errorf("%d %q", status, stderr)
	}
	if status := w.wait(); status != exitFault {
		t.Errorf("a worker whose token was revoked: exit status %d", status)
	}
	contains(t, w.stderr.String(), "the token was revoked")
	p.stop()
	contains(t, fails(t, exitUsage, "worker"), "freshet worker --join TOKEN")
	contains(t, fails(t, exitFault, "worker", "--join", "x"), "this is no token")
	contains(t, fails(t, exitUsage, "worker", "list", "--tasks", "3"), "leave it out")
}
