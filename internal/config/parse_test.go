package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDefaults(t *testing.T) {
	s, err := ParseServe(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Serve{Dir: "."}
	want.Files = Files{Memory: 256 << 20, Index: []string{"index.html"}, Listing: true, Compress: true}
	want.Programs = Programs{
		Max: 32, Queue: 128, QueueTime: 10 * time.Second, Timeout: time.Minute, Output: 1 << 30, Spool: 256 << 20, Cgroup: "off",
	}
	want.Server = Server{
		Auto:   Auto{NewNames: 60},
		Listen: []string{":8000"}, Monitor: "127.0.0.1:8001", RequestID: "errors", ServerHeader: "freshet",
		Jobs:      JobQueue{Tasks: -1, Keep: 7 * 24 * time.Hour, NATS: NATS{Replicas: 1}, Inputs: 64 << 30, Outputs: 64 << 30},
		Alerts:    Alerts{Remind: 24 * time.Hour, Queue: 100, TLS: "auto"},
		AccessLog: "-", LogFormat: "combined", ErrorLog: "-",
		MaxConnections: 65536, MaxRequestsPerConnection: 1 << 20,
		MaxHeadBytes: 32 << 10, MaxFields: 128, MaxTargetBytes: 8 << 10, MaxBodyBytes: 256 << 20,
		HeadTimeout: 10 * time.Second, BodyTimeout: 30 * time.Second, MinBodyRate: 256,
		IdleTimeout: 75 * time.Second, SendTimeout: time.Minute, ShutdownTimeout: 10 * time.Second,
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func TestParseServe(t *testing.T) {
	tests := []struct {
		name string
		args string // with spaces between
		env  []string
		want func(*Serve) // changes the defaults to what is expected
	}{
		{"folder", "site", nil, func(s *Serve) { s.Dir = "site" }},
		{"flags before", "--hidden --spa=app.html site", nil, func(s *Serve) { s.Dir, s.Hidden, s.SPA = "site", true, "app.html" }},
		{"flags after", "site --spa app.html --hidden", nil, func(s *Serve) { s.Dir, s.Hidden, s.SPA = "site", true, "app.html" }},
		{"one dash", "-hidden -spa app.html", nil, func(s *Serve) { s.Hidden, s.SPA = true, "app.html" }},
		{"end of flags", "--hidden -- --spa", nil, func(s *Serve) { s.Hidden, s.Dir = true, "--spa" }},
		{"a dash is an operand", "-", nil, func(s *Serve) { s.Dir = "-" }},
		{"value with =", "--mime=.x=text/x", nil, func(s *Serve) { s.MIME = map[string]string{".x": "text/x"} }},
		{"switch with value", "--hidden=off --clean-urls=on", nil, func(s *Serve) { s.CleanURLs = true }},
		{"a switch takes no operand", "--hidden off", nil, func(s *Serve) { s.Hidden, s.Dir = true, "off" }},
		{"on and off", "--listing off --compress off", nil, func(s *Serve) { s.Listing, s.Compress = false, false }},
		{"addresses", "--listen 9000 --listen unix:/run/f.sock --listen=[::1]:80 --listen systemd:http --listen fd:3 --listen unix:@f --listen a.example:0 --listen :1", nil,
			func(s *Serve) {
				s.Listen = []string{":9000", "unix:/run/f.sock", "[::1]:80", "systemd:http", "fd:3", "unix:@f", "a.example:0", ":1"}
			}},
		{"TLS alone", "--tls-listen 8443 --tls-cert c.pem --tls-key k.pem", nil,
			func(s *Serve) { s.Listen, s.TLSListen, s.TLSCert, s.TLSKey = nil, []string{":8443"}, "c.pem", "k.pem" }},
		{"TLS beside", "--tls-listen 8443 --tls-cert c.pem --tls-key k.pem --listen :80", nil,
			func(s *Serve) {
				s.Listen, s.TLSListen, s.TLSCert, s.TLSKey = []string{":80"}, []string{":8443"}, "c.pem", "k.pem"
			}},
		{"page inside the folder", "--spa ./app//index.html", nil, func(s *Serve) { s.SPA = "app/index.html" }},
		{"sizes", "--memory 1GB --max-head-bytes 64k --max-target-bytes 512 --max-body-bytes 2MiB", nil,
			func(s *Serve) {
				s.Memory, s.MaxHeadBytes, s.MaxTargetBytes, s.MaxBodyBytes = 1e9, 65536, 512, 2<<20
			}},
		{"durations", "--coherence 1s --idle-timeout 1d --head-timeout 1m30s", nil,
			func(s *Serve) {
				s.Coherence, s.IdleTimeout, s.HeadTimeout = time.Second, 24*time.Hour, 90*time.Second
			}},
		{"no limits", "--max-connections off --idle-timeout off --max-body-bytes off --min-body-rate off", nil,
			func(s *Serve) { s.MaxConnections, s.IdleTimeout, s.MaxBodyBytes, s.MinBodyRate = -1, -1, -1, -1 }},
		{"programs", "--cgi /cgi-bin/ --cgi /b --cgi-ext .PY,.sh --cgi-ext .pl --cgi-env A --cgi-env B=c=d --cgi-cpu off --cgi-timeout 5s", nil,
			func(s *Serve) {
				s.CGI, s.Programs.Extensions, s.Programs.Env = []string{"/cgi-bin", "/b"}, []string{".py", ".sh", ".pl"}, []string{"A", "B=c=d"}
				s.Programs.CPU, s.Programs.Timeout = -1, 5*time.Second
			}},
		{"programs from the environment", "--cgi=/", []string{"FRESHET_CGI_EXT=.py,.sh", "FRESHET_CGI_USER=www"},
			func(s *Serve) {
				s.CGI, s.Programs.Extensions, s.Programs.User = []string{"/"}, []string{".py", ".sh"}, "www"
			}},
		{"cache off", "--cache off", nil, func(s *Serve) { s.Cache = Cache{Mode: CacheOff} }},
		{"cache auto", "--cache auto", nil, func(s *Serve) { s.Cache = Cache{Mode: CacheAuto} }},
		{"cache for", "--cache 10m", nil, func(s *Serve) { s.Cache = Cache{Mode: CacheFor, For: 10 * time.Minute} }},
		{"lenient", "--lenient fold", nil, func(s *Serve) { s.LenientFold = true }},
		{"lenient both", "--lenient fold,lf", nil, func(s *Serve) { s.LenientFold, s.LenientLF = true, true }},
		{"lists replace defaults", "--index a.html --index b.html", nil, func(s *Serve) { s.Index = []string{"a.html", "b.html"} }},
		{"types", "--mime .X=text/x --mime .y=text/y", nil, func(s *Serve) { s.MIME = map[string]string{".x": "text/x", ".y": "text/y"} }},
		{"environment", "", []string{"FRESHET_HIDDEN=1", "FRESHET_LISTEN=:1,:2", "FRESHET_LOG_FORMAT=json", "HOME=/", "FRESHET_SPA="},
			func(s *Serve) { s.Hidden, s.Listen, s.LogFormat = true, []string{":1", ":2"}, "json" }},
		{"flag beats environment", "--listen :3 --log-format common --hidden=off", []string{"FRESHET_HIDDEN=1", "FRESHET_LISTEN=:1,:2", "FRESHET_LOG_FORMAT=nonsense"},
			func(s *Serve) { s.Listen, s.LogFormat = []string{":3"}, "common" }},
		{"variables of others", "", []string{"FRESHET_PORT=tcp://10.0.0.1:80", "FRESHET_SERVICE_HOST=10.0.0.1"}, func(*Serve) {}},
		{"monitor", "--monitor off --data /var/lib/freshet", nil, func(s *Serve) { s.Monitor, s.MonitorAsked, s.Data = "off", true, "/var/lib/freshet" }},
		{"monitor's address", "--monitor 127.0.0.1:8001", nil, func(s *Serve) { s.MonitorAsked = true }},
		{"monitor's port", "--monitor localhost:9001", nil, func(s *Serve) { s.Monitor, s.MonitorAsked = "localhost:9001", true }},
		{"monitor of others", "--monitor :9001 --monitor-token t", nil, func(s *Serve) { s.Monitor, s.MonitorAsked, s.MonitorToken.File = ":9001", true, "t" }},
		{"monitor with a password", "--monitor :9001", []string{"FRESHET_MONITOR_TOKEN=a,b"}, func(s *Serve) { s.Monitor, s.MonitorAsked, s.MonitorToken.Text = ":9001", true, "a,b" }},
		{"monitor at a socket", "--monitor unix:/m --request-id always", nil, func(s *Serve) { s.Monitor, s.MonitorAsked, s.RequestID = "unix:/m", true, "always" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := ParseServe(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			tt.want(want)
			got, err := ParseServe(strings.Fields(tt.args), tt.env)
			if err != nil {
				t.Fatal(err)
			}
			got.Given, want.Given = nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		args string
		env  []string
		want string
	}{
		{"--lisen :1", nil, `unknown flag --lisen; did you mean --listen?`},
		{"--acces_log=x", nil, `unknown flag --acces_log; did you mean --access-log?`},
		{"-max-conn 5", nil, `unknown flag -max-conn; did you mean --max-connections?`},
		{"--cgi-user www", nil, `--cgi-user is about programs, and there are none; give --cgi PATH or --cgi-ext .EXT, too`},
		{"--cgi cgi-bin", nil, `bad value "cgi-bin" for --cgi: it does not begin with a slash`},
		{"--cgi-ext py", nil, `bad value "py" for --cgi-ext: give extensions with a dot, such as .py, and commas between several`},
		{"--cgi / --cgi-env HTTP_A=b", nil, `bad value "HTTP_A=b" for --cgi-env: variables whose names begin with HTTP_ are fields of requests; give it another name`},
		{"--cgi / --cgi-writable /tmp", nil, `--cgi-writable means something with --cgi-landlock only; give that, too`},
		{"--port 80", nil, `unknown flag --port; here it is --listen`},
		{"-b=::1", nil, `unknown flag -b; here it is --listen`},
		{"--upstream http://x", nil, `unknown flag --upstream; run "freshet help serve" for the list`},
		{"--memory 12Q", nil, `bad value "12Q" for --memory: give a size such as 64k, 256MiB or 1GB, at least 1MiB`},
		{"--memory 9999999T", nil, `bad value "9999999T" for --memory: give a size such as 64k, 256MiB or 1GB, at least 1MiB`},
		{"--max-fields 0", nil, `bad value "0" for --max-fields: give a number of fields from 1 to 65535`},
		{"--max-connections -5", nil, `bad value "-5" for --max-connections: give a number of connections from 1 to 10000000, or off for no limit`},
		{"--idle-timeout 10", nil, `bad value "10" for --idle-timeout: give a duration such as 500ms, 10s, 5m or 2h from 100ms to 1d, or off for no limit`},
		{"--cache never", nil, `bad value "never" for --cache: give no-cache, auto, off or a duration such as 500ms, 10s, 5m or 2h from 1s to 365d`},
		{"--cache 1ns", nil, `bad value "1ns" for --cache: give no-cache, auto, off or a duration such as 500ms, 10s, 5m or 2h from 1s to 365d`},
		{"--listen localhost", nil, `bad value "localhost" for --listen: give :port, host:port, a port, unix:/path, unix:@name, fd:N or systemd:NAME`},
		{"--listen :99999", nil, `bad value ":99999" for --listen: the port is not a number from 0 to 65535; give :port, host:port, a port, unix:/path, unix:@name, fd:N or systemd:NAME`},
		{"--listen unix:", nil, `bad value "unix:" for --listen: give :port, host:port, a port, unix:/path, unix:@name, fd:N or systemd:NAME`},
		{"--listen systemd:", nil, `bad value "systemd:" for --listen: systemd: is followed by the name of a socket, which FileDescriptorName= of its unit says, such as systemd:http`},
		{"--listen systemd:a:b", nil, `bad value "systemd:a:b" for --listen: systemd: is followed by the name of a socket, which FileDescriptorName= of its unit says, such as systemd:http`},
		{"--listen fd:stdin", nil, `bad value "fd:stdin" for --listen: fd: is followed by the number of a descriptor, such as fd:3`},
		{"--monitor systemd:monitor", nil, `--monitor systemd:monitor can be reached from other machines; give --monitor-token FILE, whose first line is a token, or listen on 127.0.0.1`},
		{"--monitor fd:3", nil, `--monitor fd:3 can be reached from other machines; give --monitor-token FILE, whose first line is a token, or listen on 127.0.0.1`},
		{"--monitor :8001", nil, `--monitor :8001 can be reached from other machines; give --monitor-token FILE, whose first line is a token, or listen on 127.0.0.1`},
		{"--monitor 192.0.2.1:8001", nil, `--monitor 192.0.2.1:8001 can be reached from other machines; give --monitor-token FILE, whose first line is a token, or listen on 127.0.0.1`},
		{"--monitor no", nil, `bad value "no" for --monitor: give :port, host:port, a port, unix:/path, unix:@name, fd:N or systemd:NAME`},
		{"--log-format apache", nil, `bad value "apache" for --log-format: give common, combined or json`},
		{"--listing", nil, `--listing needs a value: --listing on|off`},
		{"--listing perhaps", nil, `bad value "perhaps" for --listing: give on or off`},
		{"--spa --hidden", nil, `--spa needs a value: --spa FILE`},
		{"--spa -hidden", nil, `--spa needs a value: --spa FILE`},
		{"--spa=", nil, `bad value "" for --spa: it is empty; give FILE`},
		{"--spa ../x.html", nil, `bad value "../x.html" for --spa: give the path of a file inside the folder`},
		{"--index a/b", nil, `bad value "a/b" for --index: give the name of a file, without a folder`},
		{"--mime x=text/x", nil, `bad value "x=text/x" for --mime: give .extension=type/subtype, such as .gmi=text/gemini`},
		{"--mime .x=text", nil, `bad value ".x=text" for --mime: give .extension=type/subtype, such as .gmi=text/gemini`},
		{"--server-header a\x01", nil, `bad value "a\x01" for --server-header: give text without control characters, or off`},
		{"--lenient lf,cr", nil, `bad value "lf,cr" for --lenient: give lf or fold, or some with commas between`},
		{"--data a --data b", nil, `--data is given twice; give it once`},
		{"a b", nil, `"b": one folder is served at a time; quote a name that has spaces`},
		{"--error-log off", nil, `--error-log cannot be off; give a file, or - for standard error`},
		{"--tls-cert c --tls-listen :1", nil, `--tls-cert and --tls-key belong together; give both`},
		{"--tls-listen :1", nil, `--tls-listen needs a certificate: give --tls-cert FILE and --tls-key FILE, or --tls-auto NAME, or --tls-local`},
		{"--tls-local --listen :1", nil, `--tls-local is used by --tls-listen only; give --tls-listen ADDR too`},
		{"--tls-cert c --tls-key k", nil, `--tls-cert is used by --tls-listen only; give --tls-listen ADDR too`},
		{"", []string{"FRESHET_MEMORY=much"}, `bad value "much" for FRESHET_MEMORY: give a size such as 64k, 256MiB or 1GB, at least 1MiB`},
		{"--lisen :1 --memory 12Q a b", nil, "unknown flag --lisen; did you mean --listen?\n" +
			`"b": one folder is served at a time; quote a name that has spaces` + "\n" +
			`bad value "12Q" for --memory: give a size such as 64k, 256MiB or 1GB, at least 1MiB`},
	}
	for _, tt := range tests {
		t.Run(tt.args+strings.Join(tt.env, " "), func(t *testing.T) {
			s, err := ParseServe(strings.Fields(tt.args), tt.env)
			var faults Faults
			if s != nil || !errors.As(err, &faults) || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// TestTLSAuto: where it listens unless that is said, and what cannot be.
func TestTLSAuto(t *testing.T) {
	for args, want := range map[string][2]string{
		"--tls-auto a.example --tls-auto B.example.":       {":80", ":443"},
		"--tls-auto a.example --tls-local":                 {":80", ":443"},
		"--tls-auto a.example --tls-listen :1":             {"", ":1"},
		"--tls-auto a.example --tls-listen :1 --listen :2": {":2", ":1"},
	} {
		s, err := ParseServe(strings.Fields(args), nil)
		if err != nil || strings.Join(s.Server.Listen, " ") != want[0] || strings.Join(s.Server.TLSListen, " ") != want[1] || s.Server.Auto.Names[0] != "a.example" {
			t.Errorf("%q: %+v, %v", args, s, err)
		}
	}
	for args, want := range map[string]string{
		"--tls-auto a.example --listen :1":                               "--tls-auto is used by --tls-listen only",
		"--tls-auto-email a@b.example":                                   "--tls-auto-email is used with --tls-auto only",
		"--tls-auto a.example --tls-auto-directory http://ca.example/":   "begins with https://",
		"--tls-auto a.example --tls-auto-directory https://u@ca.example": "begins with https://",
		"--tls-auto a.example:443":                                       "the port is no part of a name",
	} {
		if _, err := ParseServe(strings.Fields(args), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

// TestTLSAutoOfAFilter: a proxy for this machine is not opened to all.
func TestTLSAutoOfAFilter(t *testing.T) {
	if _, err := ParseFilter([]string{"--tls-auto", "a.example"}, nil); err == nil || !strings.Contains(err.Error(), "give --tls-listen ADDR too") {
		t.Error(err)
	}
	if c, err := ParseFilter([]string{"--tls-auto", "a.example", "--tls-listen", ":443"}, nil); err != nil || len(c.Listen) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestTLSLocalListens: where it listens unless that is said.
func TestTLSLocalListens(t *testing.T) {
	for args, want := range map[string][2]string{
		"--tls-local":                             {"", ":8443"},
		"--tls-local --tls-listen :1":             {"", ":1"},
		"--tls-local --tls-listen :1 --listen :2": {":2", ":1"},
		"": {":8000", ""},
	} {
		s, err := ParseServe(strings.Fields(args), nil)
		if err != nil || strings.Join(s.Server.Listen, " ") != want[0] || strings.Join(s.Server.TLSListen, " ") != want[1] {
			t.Errorf("%q: %+v, %v", args, s, err)
		}
	}
}

func TestHelpIsAskedFor(t *testing.T) {
	for _, arg := range []string{"-h", "--help", "-help"} {
		if _, err := ParseServe([]string{"--hidden", arg, "--nonsense"}, nil); err != ErrHelp {
			t.Errorf("%s: %v", arg, err)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"serve", "help", "version", "max-connections", "max-connections-per-client"}
	for word, want := range map[string]string{
		"sevre": "serve", "srve": "serve", "Serve": "serve", "hlep": "help", "ver": "version",
		"max-con": "max-connections", "max_connections": "max-connections", "cache": "", "": "", "x": "",
		strings.Repeat("serve", 100): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// Whatever is typed, there is a result or a fault, and never both.
func FuzzParseServe(f *testing.F) {
	f.Add("--listen :1 --memory=5M site")
	f.Fuzz(func(t *testing.T, line string) {
		s, err := ParseServe(strings.Split(line, " "), nil)
		if (s == nil) == (err == nil) {
			t.Fatalf("%v, %v", s, err)
		}
		if s == nil {
			return
		}
		if s.Dir == "" || s.Memory < 1<<20 || s.MaxFields < 1 || slices.Contains(s.Listen, "") || s.ShutdownTimeout < 0 {
			t.Errorf("%q gives %+v", line, s)
		}
	})
}
