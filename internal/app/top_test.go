package app

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTop(t *testing.T) {
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", folder(t, "index.html", "hello"))
	get(t, p.url()+"some%1bpage")
	p.stdout.wait(t, "page")
	run := func(change func(*Env), args ...string) string {
		top := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home}; change(e) }, append([]string{"top", "--every", "100ms"}, args...)...)
		if status := top.wait(); status != exitOK {
			t.Errorf("%v: exit status %d: %s", args, status, top.stderr)
		}
		return top.stdout.String()
	}
	lines := run(func(*Env) {}, "-n", "2")
	if strings.Count(lines, "\n") != 2 || !regexp.MustCompile(`^requests \S+/s  bytes/s .*  hits -  .*  memory `).MatchString(lines) || strings.Contains(lines, "\x1b") {
		t.Errorf("%q", lines)
	}
	columns := 90
	screen := func(e *Env) { e.Screen = func() (int, int, bool) { return columns, 30, true } }
	shown := run(screen, "-n", "1", "--monitor", strings.TrimSuffix(strings.TrimPrefix(p.monitor(), "http://"), "/"))
	for _, part := range []string{"\x1b[?1049h", "\x1b[?25h\x1b[?1049l", "Requests so far", " 404  file ", "/some%1bpage"} {
		if !strings.Contains(shown, part) {
			t.Errorf("no %q in %q", part, shown)
		}
	}
	for line := range strings.SplitSeq(shown, "\x1b[K\r\n") {
		if n := len([]rune(regexp.MustCompile("\x1b\\[[?0-9;]*[a-zA-Z]").ReplaceAllString(line, ""))); n > columns {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	if run(func(e *Env) { screen(e); e.Stdin = strings.NewReader("q\n") }) == "" {
		t.Error("nothing is shown before it ends")
	}
	p.stop()
	contains(t, fails(t, exitUsage, "top", "x"), "top takes no operand")
}

// What clients send is not obeyed by the terminal that shows it.
func TestTopIsPlain(t *testing.T) {
	s := &snapshot{latest: []latestRequest{{Target: "/\x1b]0;title\x07\x9b31m\u202e\xff"}}}
	shown := s.screen("x\x1b", 80, 24)
	if got := strings.Count(shown, "\x1b"); got != strings.Count(shown, "\x1b[") || strings.ContainsAny(shown, "\x07\u009b\u202e") || !utf8.ValidString(shown) {
		t.Errorf("%q", shown)
	}
}
