package app

import (
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/fastcgi"
	"freshet/internal/config"
)

// What a command line says about programs reaches package cgi, all of it.
func TestProgramOptions(t *testing.T) {
	c, err := config.ParseServe(strings.Fields("--cgi /a --cgi-ext .py,.sh --cgi-user www --cgi-allow-writable --cgi-env A=1 --cgi-env B --cgi-env C --cgi-authorization --cgi-max 3 --cgi-queue off --cgi-queue-time 4s "+
		"--cgi-timeout 5s --cgi-memory off --cgi-cpu 6s --cgi-processes 7 --cgi-output 8KiB --cgi-spool 9KiB --cgi-no-network --cgi-landlock --cgi-writable /w --cgi-cgroup auto"), nil)
	if err != nil {
		t.Fatal(err)
	}
	log := discard()
	got := cgiOptions(&c.Programs, &within{log: log, environ: []string{"B=two", "D=4"}})
	want := cgi.Options{Extensions: []string{".py", ".sh"}, User: "www", AllowWritable: true, Env: []string{"A=1", "B=two"}, PassAuthorization: true, Running: 3, Queue: -1, QueueTime: 4 * time.Second,
		Timeout: 5 * time.Second, Limits: cgi.Limits{Memory: -1, CPU: 6 * time.Second, Processes: 7}, MaxOutput: 8 << 10, MaxSpool: 9 << 10, NoNetwork: true, Landlock: true,
		Writable: []string{"/w"}, Cgroup: "auto", ErrorLog: log}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// What a route says about its backend reaches package fastcgi.
func TestBackendOptions(t *testing.T) {
	f, err := config.ParseFile("f.toml", []byte(`
[[site]]
[[site.route]]
fastcgi = "unix:/run/a"
root = "/srv"
split = [".php", ".inc"]
index = ["a.php", "b.html"]
fallback = "x/front.php"
connections = 3
queue = "off"
queue-time = "4s"
connect-timeout = "5s"
timeout = "off"
pause = "7s"
idle-timeout = "off"
output = "8KiB"
sendfile = ["/files"]
env = ["A=1", "B"]
hide-authorization = true
`))
	if err != nil {
		t.Fatal(err)
	}
	var log *slog.Logger
	got, err := fastcgiOptions(&f.Sites[0].Routes[0].FastCGI, &within{log: log, environ: []string{"B=two"}})
	want := fastcgi.Options{Address: "unix:/run/a", Root: absoluteOf("/srv"), Split: []string{".php", ".inc"}, Index: []string{"a.php", "b.html"}, Fallback: "/x/front.php", Conns: 3, Queue: -1,
		QueueTime: 4 * time.Second, ConnectTimeout: 5 * time.Second, Timeout: -1, Pause: 7 * time.Second, Idle: -1, MaxOutput: 8 << 10, Sendfile: []string{absoluteOf("/files")},
		Env: []string{"A=1", "B=two"}, HideAuthorization: true}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}

// Names of programs are told apart from those of other files as file systems do
// that do not count the case of letters, or what names end in.
func TestIsProgram(t *testing.T) {
	is := isProgram([]string{"/cgi-bin", "/a/b/"}, []string{".py"})
	for name, want := range map[string]bool{
		"cgi-bin": true, "cgi-bin/x": true, "CGI-bin/X": true, "a/b/c": true, "A/B": true, "x.py": true, "d/x.PY": true, "x.py.": true, "x.py ": true, ".py": true,
		"": false, "cgi-binx": false, "cgi": false, "a": false, "a/bc": false, "x.pyc": false, "x.py/y": false, "x.py.txt": false, "py": false,
	} {
		if got := is(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
	if all := isProgram([]string{"/"}, nil); !all("x") || !all("") {
		t.Error("the whole folder is not")
	}
}
