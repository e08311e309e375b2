package app

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestHostileProgram: a program gets three descriptors, nothing of the server's
// environment, and, when it runs as another user, no way to the server's
// memory, signals, or door.
func TestHostileProgram(t *testing.T) {
	const secret = "the-token-of-the-monitor"
	dir := programFolder(t,
		"cgi-bin/fds", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec ls /proc/self/fd\n",
		"cgi-bin/env", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec env\n",
		"cgi-bin/reach", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nid -u\n"+
			"cat /proc/$PPID/environ >/dev/null 2>&1 && echo environment\nls /proc/$PPID/fd >/dev/null 2>&1 && echo descriptors\n"+
			"kill -0 $PPID 2>/dev/null && echo signals\nls \"$HOME_OF_SERVER/.local/state/freshet\" >/dev/null 2>&1 && echo door\nexit 0\n")
	home := t.TempDir()
	p := startWith(t, func(e *Env) {
		e.Environ = []string{"HOME=" + home, "FRESHET_MONITOR_TOKEN=" + secret, "SECRET=" + secret}
	}, "serve", dir, "--cgi", "/cgi-bin", "--cgi-env", "HOME_OF_SERVER="+home, "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", "off")
	body := func(path string) string {
		_, text := get(t, p.url()+path)
		return text
	}
	if fds := strings.Fields(body("cgi-bin/fds")); !slices.Equal(fds, []string{"0", "1", "2", "3"}) { // 3 is the folder that ls reads
		t.Errorf("descriptors: %q", fds)
	}
	if env := body("cgi-bin/env"); !strings.Contains(env, "GATEWAY_INTERFACE=CGI/1.1") || strings.Contains(env, secret) {
		t.Errorf("environment: %s", env)
	}
	if os.Geteuid() != 0 {
		t.Skip("programs run as the server's user: the rest is theirs")
	}
	if reach := strings.Fields(body("cgi-bin/reach")); len(reach) != 1 || reach[0] == "0" {
		t.Errorf("it reaches %q", reach)
	}
}
