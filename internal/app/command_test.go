package app

import (
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"freshet/internal/config"
)

func TestCommands(t *testing.T) {
	tests := []struct {
		args   string
		status int
		stdout string // a part of it; "" for nothing
		stderr string
	}{
		{"", exitUsage, "", "freshet serve [flags] [DIR]"},
		{"help", exitOK, "freshet serve [flags] [DIR]", ""},
		{"--help", exitOK, "freshet serve [flags] [DIR]", ""},
		{"help serve", exitOK, "--listen ADDR", ""},
		{"serve --help", exitOK, "--listen ADDR", ""},
		{"serve -h", exitOK, "--listen ADDR", ""},
		{"help version", exitOK, "Usage: freshet version", ""},
		{"version", exitOK, "freshet ", ""},
		{"--version", exitOK, "freshet ", ""},
		{"version now", exitUsage, "", `freshet: freshet version takes no "now"; leave it out`},
		{"help serve more", exitUsage, "", "freshet: freshet help takes one command; there are more"},
		{"help sreve", exitUsage, "", `freshet: unknown command "sreve"; did you mean serve?`},
		{"srve .", exitUsage, "", `freshet: unknown command "srve"; did you mean serve?`},
		{"cache", exitUsage, "", `freshet: unknown command "cache"; there are serve, proxy, filter, run, config, purge, why, top, check, tls, smime, get, sign, seal, user, job, worker, servers, alert, help, version`},
		{"serve --lisen :1", exitUsage, "", "freshet: unknown flag --lisen; did you mean --listen?"},
		{"serve --lisen :1 --memory much", exitUsage, "", "did you mean --listen?\nfreshet: bad value \"much\" for --memory: "},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			p := start(t, strings.Fields(tt.args)...)
			if status := p.wait(); status != tt.status {
				t.Errorf("exit status %d, want %d", status, tt.status)
			}
			for _, o := range []struct{ name, got, want string }{
				{"standard output", p.stdout.String(), tt.stdout}, {"standard error", p.stderr.String(), tt.stderr},
			} {
				if !strings.Contains(o.got, o.want) || (o.want == "") != (o.got == "") {
					t.Errorf("%s is %q, want %q", o.name, o.got, o.want)
				}
			}
		})
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.1", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	contains(t, describe(info), "freshet (devel), go1.26.1 ", ", revision 0123456789ab of 2026-01-02T03:04:05Z, modified")
	contains(t, describe(&debug.BuildInfo{GoVersion: "go1.26.1", Main: debug.Module{Version: "v1.2.3"}}), "freshet v1.2.3, go1.26.1 ")
}

func TestFaults(t *testing.T) {
	dir := folder(t, "index.html", "hello", "not.pem", "no certificate", "bad.html", "{{.Nonsense}}")
	in := func(name string) string { return filepath.Join(dir, name) }
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"port for a folder", []string{"8123"}, []string{`no folder "8123"`, "--listen 8123"}},
		{"missing folder", []string{in("none")}, []string{"no folder ", "none", "; name one that exists"}},
		{"file for a folder", []string{in("index.html")}, []string{"is not a folder; name the folder that it is in"}},
		{"taken port", []string{"--listen", addr, dir}, []string{"listen on " + addr + ": ", "address already in use; another program uses it; stop that, or choose another with --listen"}},
		{"taken port for TLS", []string{"--tls-listen", addr, "--tls-cert", in("not.pem"), "--tls-key", in("not.pem"), dir}, []string{"certificate ", "not.pem", "; give a PEM chain and its key"}},
		{"second address taken", []string{"--listen", "127.0.0.1:0", "--listen", addr, dir}, []string{"address already in use"}},
		{"address of another machine", []string{"--listen", "192.0.2.1:0", dir}, []string{"listen on 192.0.2.1:0: ", "this machine does not have that address"}},
		{"missing certificate", []string{"--tls-listen", "127.0.0.1:0", "--tls-cert", in("none.pem"), "--tls-key", in("none.pem"), dir}, []string{"none.pem: no such file or directory; give a PEM chain"}},
		{"missing template", []string{"--error-template", in("none.html"), dir}, []string{"--error-template ", "no such file or directory; name one that exists"}},
		{"bad template", []string{"--error-template", in("bad.html"), dir}, []string{"--error-template ", "Nonsense", "; name another file"}},
		{"access log in no folder", []string{"--access-log", in("none/a.log"), dir}, []string{"--access-log ", "no such file or directory; make its folder first"}},
		{"error log in no folder", []string{"--error-log", in("none/e.log"), dir}, []string{"--error-log ", "no such file or directory; make its folder first"}},
		{"socket in no folder", []string{"--listen", "unix:" + in("none/s"), dir}, []string{"listen on unix:", "no such file or directory; make its folder first"}},
		{"socket that nobody handed over", []string{"--listen", "systemd:http", dir}, []string{"listen on systemd:http: this process was not handed any socket (LISTEN_FDS); start it by its socket unit"}},
		{"descriptor that is none", []string{"--listen", "fd:1023", dir}, []string{"listen on fd:1023: ", "; start it by a program that hands over a socket"}},
		{"socket path taken by a file", []string{"--listen", "unix:" + in("index.html"), dir}, []string{"listen on unix:", "not a socket"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			contains(t, fails(t, exitFault, append([]string{"serve"}, tt.args...)...), tt.want...)
		})
	}
	if _, err := os.Stat(in("index.html")); err != nil {
		t.Error(err)
	}
}

func TestPrivilegedPort(t *testing.T) {
	err := listenFault(":80", "--listen", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", os.ErrPermission)})
	contains(t, err.Error(), "listen on :80: permission denied; port 80 is privileged; choose one from 1024 up with --listen")
	err = listenFault("unix:/run/f", "--listen", &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", os.ErrPermission)})
	contains(t, err.Error(), "listen on unix:/run/f: permission denied; choose a folder that this user may write to")
}

func TestEngineTakesEveryLimit(t *testing.T) {
	c, err := config.ParseServe([]string{
		"--max-connections=1", "--max-connections-per-client=2", "--queue-connections", "--max-requests-per-connection=3",
		"--max-head-bytes=4k", "--max-fields=5", "--max-target-bytes=6k", "--max-body-bytes=7", "--head-timeout=8s",
		"--body-timeout=9s", "--min-body-rate=10", "--idle-timeout=11s", "--send-timeout=off", "--http09", "--lenient=lf,fold", "--server-header=off",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newEngine(&c.Server, nil, discard())
	got := []int64{
		int64(s.MaxConns), int64(s.MaxConnsPerClient), int64(s.MaxRequestsPerConn), int64(s.MaxHeaderBytes), int64(s.MaxFields),
		int64(s.MaxTargetBytes), s.MaxBodyBytes, int64(s.ReadHeaderTimeout.Seconds()), int64(s.BodyTimeout.Seconds()),
		int64(s.MinBodyRate), int64(s.IdleTimeout.Seconds()), int64(s.SendTimeout),
	}
	want := []int64{1, 2, 3, 4096, 5, 6144, 7, 8, 9, 10, 11, -1}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("limit %d is %d, want %d", i, got[i], want[i])
		}
	}
	if !s.QueueConns || !s.AllowHTTP09 || !s.LenientLF || !s.LenientFold || s.ServerName != "-" {
		t.Errorf("switches: %+v", c)
	}
}
