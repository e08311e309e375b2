package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What is said about files with faults, as it is shown.
func TestFileFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.toml")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := ParseFile("freshet.toml", data)
			var faults Faults
			if f != nil || !errors.As(err, &faults) {
				t.Fatalf("%v, %v", f, err)
			}
			golden := strings.TrimSuffix(name, ".toml") + ".txt"
			got := faults.Detailed() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// parse parses a file that has no fault.
func parse(t *testing.T, text string) *File {
	t.Helper()
	f, err := ParseFile("freshet.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFileDefaults(t *testing.T) {
	f := parse(t, "[[site]]\n[[site.route]]\nstatic = '.'\n[[site.route]]\npath = '/p'\nproxy = 'http://a'\n")
	serve, err := ParseServe(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := ParseProxy([]string{"--to", "http://a"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Server, serve.Server) || f.Store != proxy.Store {
		t.Errorf("server: %+v", f)
	}
	folder, origins := f.Sites[0].Routes[0], f.Sites[0].Routes[1]
	if folder.Path != "/" || folder.Kind != RouteFolder || folder.Dir != "." || !reflect.DeepEqual(folder.Files, serve.Files) || folder.Line != 2 {
		t.Errorf("folder: %+v", folder)
	}
	if origins.Path != "/p" || origins.Kind != RouteOrigins || !reflect.DeepEqual(origins.Origins, proxy.Origins) || !reflect.DeepEqual(origins.Caching, proxy.Caching) {
		t.Errorf("origins: %+v", origins)
	}
}

func TestFileValues(t *testing.T) {
	f := parse(t, `
# Dotted keys, inline tables and headers say the same.
server.listen = ["127.0.0.1:1", "unix:s"]
server.memory = 1_048_576
server.head-timeout = "1m30s"
server.idle-timeout = "off"
server.max-connections = false
server.lenient = ["lf", "fold"]
server.access-log = "off"
server.server-header = false
site = [
	{ names = "A.example.", route = [
		{ static = "x", listing = false, hidden = true, cache = "1h", mime = { ".x" = "text/x", ".y" = "text/y" } },
		{ path = "/r/", redirect = "/", status = 301, max-body-bytes = 5 },
	] },
]
`)
	s := f.Server
	if !reflect.DeepEqual(s.Listen, []string{"127.0.0.1:1", "unix:s"}) || f.Store.Memory != 1<<20 || s.HeadTimeout != 90*time.Second || s.IdleTimeout != -1 ||
		s.MaxConnections != -1 || !s.LenientLF || !s.LenientFold || s.AccessLog != "off" || s.ServerHeader != "off" {
		t.Errorf("%+v", f)
	}
	site := f.Sites[0]
	if !reflect.DeepEqual(site.Names, []string{"a.example"}) {
		t.Errorf("%+v", site)
	}
	r := site.Routes[0]
	if r.Files.Listing || !r.Files.Hidden || r.Files.Cache != (Cache{CacheFor, time.Hour}) || !reflect.DeepEqual(r.Files.MIME, map[string]string{".x": "text/x", ".y": "text/y"}) {
		t.Errorf("%+v", r)
	}
	r = site.Routes[1]
	if r.Path != "/r" || r.Kind != RouteRedirect || r.Status != "301" || r.Redirect != "/" || r.MaxBodyBytes != 5 {
		t.Errorf("%+v", r)
	}
}

// Paths in the file begin where the file is; names that only look like paths
// stay.
func TestFilePaths(t *testing.T) {
	f, err := ParseFile("/etc/freshet/f.toml", []byte(`
[server]
listen = ["unix:a.sock", "unix:@b", "unix:/c", ":1"]
access-log = "off"
error-log = "e.log"
data = "/var/x"
[[site]]
[[site.route]]
static = "off"
[[site.route]]
path = "/p"
proxy = ["unix:d", "http://e"]
`))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Server.Listen, []string{"unix:/etc/freshet/a.sock", "unix:@b", "unix:/c", ":1"}) ||
		f.Server.AccessLog != "off" || f.Server.ErrorLog != "/etc/freshet/e.log" || f.Store.Data != "/var/x" {
		t.Errorf("%+v", f)
	}
	if r := f.Sites[0].Routes; r[0].Dir != "/etc/freshet/off" || !reflect.DeepEqual(r[1].Origins.To, []string{"unix:/etc/freshet/d", "http://e"}) {
		t.Errorf("%+v", r)
	}
}

// The command line goes before the environment, and that before the file.
func TestRunOrder(t *testing.T) {
	r, err := ParseRun([]string{"-c", "x.toml", "--listen", ":1"}, []string{"FRESHET_LISTEN=:2", "FRESHET_MAX_FIELDS=5", "FRESHET_STATIC=x"})
	if err != nil {
		t.Fatal(err)
	}
	if r.File != "x.toml" {
		t.Errorf("file %q", r.File)
	}
	for range 2 {
		f, err := r.Parse([]byte("[server]\nlisten = ':3'\nmax-fields = 6\nmax-head-bytes = '4KiB'\n[[site]]\n[[site.route]]\nstatic = '.'\n"))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f.Server.Listen, []string{":1"}) || f.Server.MaxFields != 5 || f.Server.MaxHeadBytes != 4096 {
			t.Errorf("%+v", f.Server)
		}
		if want := []Setting{{"listen", ":1", "--listen", 0}, {"max-head-bytes", "4KiB", "", 4}, {"max-fields", "5", "FRESHET_MAX_FIELDS", 0}}; !reflect.DeepEqual(f.Given, want) {
			t.Errorf("%+v", f.Given)
		}
	}
	// What is overridden is looked at all the same.
	if _, err := r.Parse([]byte("[server]\nmax-fields = 0\n[[site]]\n[[site.route]]\nstatic = '.'\n")); err == nil || !strings.Contains(err.Error(), "x.toml:2:14: bad value") {
		t.Error(err)
	}
}

func TestFieldEdits(t *testing.T) {
	f := parse(t, `
[server.headers]
set = { a = "server", b = "server", D = ["1", "2"] }
add = { c = "server" }
remove = ["e"]
[[site]]
headers.set.a = "site"
headers.add = { b = "site", C = ["site", "too"] }
[[site.route]]
static = "."
headers.remove = ["b"]
headers.set = { e = "route" }
`)
	want := []FieldEdit{
		{FieldSet, "A", "site"}, {FieldRemove, "B", ""}, {FieldAdd, "C", "server"}, {FieldAdd, "C", "site"}, {FieldAdd, "C", "too"},
		{FieldSet, "D", "1"}, {FieldAdd, "D", "2"}, {FieldSet, "E", "route"},
	}
	if got := f.Sites[0].Routes[0].Fields; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestNeedRestart(t *testing.T) {
	const site = "\n[[site]]\n[[site.route]]\nstatic = '.'\n"
	a := parse(t, "[server]\nlisten = ':1'\nmax-fields = 5\nmemory = '2MiB'"+site)
	b := parse(t, "[server]\nlisten = ':2'\nmax-fields = 6\nmemory = '3MiB'\nlenient = 'lf'\nshutdown-timeout = '1s'"+site)
	if got := NeedRestart(a, b); !reflect.DeepEqual(got, []string{"memory", "lenient", "max-fields"}) {
		t.Error(got)
	}
	if got := NeedRestart(a, a); got != nil {
		t.Error(got)
	}
}

func TestManyFaults(t *testing.T) {
	_, err := ParseFile("f.toml", []byte("[server]\n"+strings.Repeat("[[sit]]\n", 1)+strings.Repeat("[[site]]\n", 200)))
	faults, _ := err.(Faults)
	if len(faults) != maxFaults+1 || faults[maxFaults].Text != "f.toml: there are 300 more faults" {
		t.Errorf("%d faults, the last: %+v", len(faults), faults[len(faults)-1])
	}
	_, err = ParseFile("f.toml", make([]byte, maxFileBytes+1))
	if err == nil || err.Error() != "f.toml:1:1: the file is larger than 4MiB" {
		t.Error(err)
	}
}

// Whatever is in a file, there is a result or there are faults, and each fault
// has a place in the file.
func FuzzParseFile(f *testing.F) {
	f.Add([]byte(Example()))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseFile("f.toml", data)
		if (file == nil) == (err == nil) {
			t.Fatalf("%v, %v", file, err)
		}
		if err != nil {
			for _, fault := range err.(Faults) {
				if !strings.HasPrefix(fault.Text, "f.toml:") || len(fault.Excerpt) != 2 && !strings.HasSuffix(fault.Text, " more faults") {
					t.Fatalf("%+v", fault)
				}
			}
			return
		}
		for _, s := range file.Sites {
			if len(s.Routes) == 0 {
				t.Fatal("a site without routes")
			}
			for _, r := range s.Routes {
				if r.Kind == 0 || r.Path == "" || r.Path[0] != '/' {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}
