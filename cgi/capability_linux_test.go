package cgi_test

import (
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"freshet/cgi"
	"freshet/internal/child"
)

// TestWithoutTheCapability: root that may not limit the programs of others, as
// in a container, runs them without the limits that are the default, says so
// once, and refuses those that were asked for.
func TestWithoutTheCapability(t *testing.T) {
	const without = "CGI_TEST_WITHOUT_CAPABILITY"
	if os.Geteuid() != 0 {
		t.Skip("only root runs programs as another user")
	}
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
		t.Skip("here programs set their limits themselves")
	}
	if os.Getenv(without) == "" {
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			t.Skip(err)
		}
		program, err := os.Executable()
		must(t, err)
		cmd := exec.Command(setpriv, "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", program, "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), without+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	dir := folder(t, "prog", sh(`printf 'Content-Type: text/plain\n\n'`, `ulimit -v`))
	h, err := cgi.New(cgi.Options{Dir: dir, Limits: cgi.Limits{Memory: 1 << 30}, ErrorLog: quiet})
	if !errors.Is(err, child.ErrLimits) {
		t.Errorf("%v, %v", h, err)
	}
	var log lines
	h, err = cgi.New(cgi.Options{Dir: dir, ErrorLog: slog.New(slog.NewJSONHandler(&log, nil))})
	must(t, err)
	defer h.Close()
	said := log.all(t)
	if len(said) != 1 || !strings.Contains(said[0]["error"].(string), "cannot be set") {
		t.Errorf("%v", said)
	}
	if !strings.Contains(h.Describe(), "no limits") {
		t.Error(h.Describe())
	}
	if a := serve(t, h).get("/prog"); a.body != "unlimited\n" {
		t.Errorf("%q", a.body)
	}
}
