package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"freshet/bench/internal/origin"
)

func TestScenariosAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, sc := range scenarios {
		if seen[sc.name] || sc.name == "" || sc.title == "" || sc.path == "" || sc.status == 0 {
			t.Errorf("%q: a name twice, or a field missing", sc.name)
		}
		seen[sc.name] = true
		if sc.script != "" && scripts[sc.script] == "" {
			t.Errorf("%s: there is no script %s", sc.name, sc.script)
		}
		if !sc.idle && sc.conns == 0 {
			t.Errorf("%s: no connections", sc.name)
		}
		for _, f := range sc.floors {
			o, p := serverNamed(f.ours), serverNamed(f.peer)
			if o == nil || p == nil || !o.ours || p.ours || !o.does(sc.needs) || !p.does(sc.needs) {
				t.Errorf("%s: a floor of %s ÷ %s, which is not measured", sc.name, f.peer, f.ours)
			}
			if f.aim < f.ratio {
				t.Errorf("%s: an aim below the floor of %s ÷ %s", sc.name, f.peer, f.ours)
			}
		}
	}
}

// TestScenariosHaveContestants sees that no scenario runs without ours, or
// without anybody to compare with.
func TestScenariosHaveContestants(t *testing.T) {
	for i := range scenarios {
		var ours, peers int
		for _, s := range servers {
			switch {
			case !s.does(scenarios[i].needs):
			case s.ours:
				ours++
			default:
				peers++
			}
		}
		if ours == 0 || peers == 0 {
			t.Errorf("%s: %d of ours, %d peers", scenarios[i].name, ours, peers)
		}
	}
}

func TestChoose(t *testing.T) {
	got, err := choose("h2o,,nginx")
	if err != nil || len(got) != 2 || got[0].name != "h2o" || got[1].name != "nginx" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose("nginx,apache"); err == nil || !strings.Contains(err.Error(), "apache") || !strings.Contains(err.Error(), "lighttpd") {
		t.Errorf("got %v, want the unknown name and the known ones", err)
	}
}

// TestConfigurations makes every server's configuration for everything that it
// can, and looks for what must be in it.
func TestConfigurations(t *testing.T) {
	for _, s := range servers {
		for _, needs := range []need{0, needTLS, needGzip, needLog, needHandler, needHit, needDisk, needMiss} {
			if !s.does(needs) {
				continue
			}
			set := &setup{dir: t.TempDir(), root: "/srv/site", memory: t.TempDir(), addr: "127.0.0.1:4711", origin: "127.0.0.1:4713", plainAddr: "127.0.0.1:4712", needs: needs,
				cert: "/srv/cert.pem", key: "/srv/key.pem", conns: 64, maxFiles: 20000, programs: "/srv/programs"}
			if needs == needLog {
				set.log = "/srv/access.log"
			}
			args, err := s.args(set)
			if err != nil {
				t.Errorf("%s: %v", s.name, err)
				continue
			}
			all := strings.Join(args, " ")
			files, _ := filepath.Glob(set.dir + "/*.*")
			for _, name := range files {
				b, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all += "\n" + string(b)
			}
			want := map[need][]string{
				0: {"/srv/site"}, needTLS: {"/srv/cert.pem", "/srv/key.pem"}, needLog: {"/srv/access.log"}, needGzip: {"/srv/site"}, needHandler: {s.name},
			}[needs]
			if needs&kinds&^needHandler != 0 {
				want = []string{"4713"}
				if s.name == "static" {
					want = []string{"/srv/site"}
				}
			}
			for _, text := range append(want, "127.0.0.1", "4711") {
				if !strings.Contains(all, text) {
					t.Errorf("%s: no %q in\n%s", s.name, text, all)
				}
			}
			if strings.Contains(all, "0.0.0.0") || strings.Contains(all, "[::]") {
				t.Errorf("%s: listens beyond the loopback interface:\n%s", s.name, all)
			}
		}
	}
}

func TestAbsent(t *testing.T) {
	many := &scenario{name: "many", many: true, conns: 64}
	lighttpd := serverNamed("lighttpd")
	if why := lighttpd.absent(&bench{maxFiles: 20000}, many); why == "" {
		t.Error("lighttpd is to open 20,000 files of 20,000")
	}
	if why := lighttpd.absent(&bench{maxFiles: 65536}, many); why != "" {
		t.Errorf("lighttpd is left out though it may open 65,536 files: %s", why)
	}
	if why := lighttpd.absent(&bench{maxFiles: 20000}, &scenarios[0]); why != "" {
		t.Errorf("lighttpd is left out of %s: %s", scenarios[0].name, why)
	}
}

func TestOpenFiles(t *testing.T) {
	for _, c := range []struct{ maxFiles, want int }{{65536, 40000}, {20000, 19436}, {1024, 1000}} {
		if got := (&setup{maxFiles: c.maxFiles, conns: 64}).openFiles(); got != c.want {
			t.Errorf("with a limit of %d: %d, want %d", c.maxFiles, got, c.want)
		}
	}
}

func TestManyName(t *testing.T) {
	for i, want := range map[int]string{0: "/many/d00/f000.txt", 199: "/many/d00/f199.txt", 200: "/many/d01/f000.txt", manyFiles - 1: "/many/d99/f199.txt"} {
		if got := manyName(i); got != want {
			t.Errorf("file %d is %s, want %s", i, got, want)
		}
	}
	for _, line := range []string{"local files, folder = 20000, 200", `"/many/d%02d/f%03d.txt"`} {
		if !strings.Contains(filesScript, line) {
			t.Errorf("files.lua has not %q, as manyName has", line)
		}
	}
}

func TestRealScript(t *testing.T) {
	root := t.TempDir()
	if _, err := realScript(root, 10); err == nil {
		t.Error("a script out of nothing")
	}
	if err := os.MkdirAll(filepath.Join(root, "lib/wasm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "lib/wasm/wasm_exec.js"), []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, err := realScript(root, 5); err != nil || string(b) != "abcab" {
		t.Errorf("got %q, %v", b, err)
	}
	if got := origin.Text(130); len(got) != 130 || !slices.Contains(got, '\n') {
		t.Errorf("text of 130 bytes is %q", got)
	}
}

func TestCertificate(t *testing.T) {
	cert, key := filepath.Join(t.TempDir(), "c"), filepath.Join(t.TempDir(), "k")
	if err := writeCertificate(cert, key); err != nil {
		t.Fatal(err)
	}
	if _, err := newClient(cert); err != nil {
		t.Error(err)
	}
}
