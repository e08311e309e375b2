package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write the reference pages anew")

func TestTable(t *testing.T) {
	for name, rows := range map[string][]Flag{"site": siteRows, "folder": slices.Concat(routeRows, folderRows), "cgi": slices.Concat(routeRows, cgiRows), "fastcgi": slices.Concat(routeRows, fastcgiRows), "redirect": slices.Concat(routeRows, redirectRows)} {
		t.Run(name, func(t *testing.T) { checkFlags(t, rows) })
	}
	for _, c := range Commands {
		t.Run(c.Name, func(t *testing.T) { checkFlags(t, c.Flags) })
	}
}

func checkFlags(t *testing.T, flags []Flag) {
	seen := map[string]bool{}
	groups := map[string]bool{}
	last := ""
	for i := range flags {
		f := &flags[i]
		if seen[f.Name] || f.Name == "" || strings.ToLower(f.Name) != f.Name {
			t.Errorf("name %q", f.Name)
		}
		seen[f.Name] = true
		if f.Group != last && groups[f.Group] {
			t.Errorf("--%s: group %s is in two places", f.Name, f.Group)
		}
		last, groups[f.Group] = f.Group, true
		if (f.Kind == Switch) != (f.Value == "") {
			t.Errorf("--%s: a value name %q for its kind", f.Name, f.Value)
		}
		if !strings.HasSuffix(f.Doc, ".") || !unicode.IsUpper(rune(f.Doc[0])) && !strings.HasPrefix(f.Doc, "off") {
			t.Errorf("--%s: not sentences: %s", f.Name, f.Doc)
		}
		if f.Default == "" && f.Example == "" && f.Kind != Switch {
			t.Errorf("--%s: neither a default nor an example", f.Name)
		}
		if f.Default != "" {
			if err := f.put(newSections(), f.Default); err != nil {
				t.Errorf("--%s: default: %v", f.Name, err)
			}
		}
		if f.Off {
			if err := f.put(newSections(), "off"); err != nil {
				t.Errorf("--%s off: %v", f.Name, err)
			}
		}
	}
}

func TestHelpFits(t *testing.T) {
	texts := map[string]string{"overview": Overview()}
	for i := range Commands {
		texts[Commands[i].Name] = Commands[i].Help()
	}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) > width || strings.TrimRight(line, " ") != line {
				t.Errorf("%s: %d columns: %q", name, len(line), line)
			}
		}
	}
	for _, c := range Commands {
		help := c.Help()
		for i := range c.Flags {
			if !strings.Contains(help, "\n  "+c.Flags[i].usage()) {
				t.Errorf("%s: --%s is missing", c.Name, c.Flags[i].Name)
			}
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	for name, want := range map[string]string{
		"serv":  `unknown command "serv"; did you mean serve?`,
		"cache": `unknown command "cache"; there are serve, proxy, filter, run, config, purge, why, top, check, tls, smime, get, sign, seal, user, job, worker, servers, alert, help, version`,
	} {
		if got := UnknownCommand(name); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// excluded are keys that others exclude: key-drop, a backend that runs, fleet, a certificate in a file, and https-only that is off.
var excluded = []string{"key-keep", "workers", "worker-user", "cgi-writable", "join", "join-file", "fleet-peer", "fleet-peer-file", "fleet-peer-listen", "tls", "https-port", "hsts"}

// The example has every key, and says what holds without it.
func TestExample(t *testing.T) {
	text := Example()
	plain, err := ParseFile("freshet.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var defaults, all strings.Builder
	for line := range strings.Lines(text) {
		if len(line) > width+1 && strings.HasPrefix(line, "# ") {
			t.Errorf("long: %s", line)
		}
		setting, commented := strings.CutPrefix(line, "#")
		commented = commented && setting[0] != ' ' && setting[0] != '\n'
		unset := strings.HasSuffix(line, "# unset\n")
		if !commented || unset {
			setting = line
		}
		defaults.WriteString(setting)
		leftOut := slices.ContainsFunc(excluded, func(key string) bool { return strings.HasPrefix(line, "#"+key+" ") })
		if unset && !leftOut {
			setting = strings.TrimPrefix(line, "#")
		}
		all.WriteString(setting)
	}
	said, err := ParseFile("freshet.toml", []byte(defaults.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, defaults.String())
	}
	forget(plain)
	forget(said)
	if !reflect.DeepEqual(plain, said) {
		t.Errorf("with the defaults said:\n%+v\nwithout:\n%+v", said, plain)
	}
	full, err := ParseFile("freshet.toml", []byte(all.String()))
	if err != nil {
		t.Fatal(err)
	}
	given := len(full.Given) + len(full.Sites[0].Given)
	for _, r := range full.Sites[0].Routes {
		given += len(r.Given)
	}
	rows := len(serverFlags) + len(siteRows) + 5*(len(routeRows)-2) + 2 + len(folderRows) + len(originRows) + len(cgiRows) + len(fastcgiRows) + len(redirectRows)
	// Three routes have no key-keep, one no workers and no worker-user, and one
	// no cgi-writable; the server has no join, no join-file, and no row
	// of fleet-peer, and the site no tls, no https-port and no hsts.
	if want := rows - 14; given != want {
		t.Errorf("%d keys are in the example, want %d", given, want)
	}
	if len(full.Sites[0].Routes[0].Fields) != 3 {
		t.Errorf("fields: %+v", full.Sites[0].Routes[0].Fields)
	}
}

// forget removes what was given, which is not what holds.
func forget(f *File) {
	f.Given, f.Server.MonitorAsked = nil, false
	for i := range f.Sites {
		f.Sites[i].Given = nil
		for j := range f.Sites[i].Routes {
			f.Sites[i].Routes[j].Given = nil
		}
	}
}

// The pages in docs are those that the table makes.
func TestReference(t *testing.T) {
	for _, c := range Commands {
		if len(c.Flags) > 0 {
			checkPage(t, c.Name+".md", c.Reference())
		}
	}
	checkPage(t, "file.md", FileReference())
}

func checkPage(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "reference", name)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		t.Errorf("docs/reference/%s differs from the table: run go generate ./internal/config", name)
	}
}
