package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write the reference pages anew")

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	groups := map[string]bool{}
	last := ""
	for i := range ServeFlags {
		f := &ServeFlags[i]
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
		if f.Default != "" {
			if err := f.put(&Serve{}, f.Default); err != nil {
				t.Errorf("--%s: default: %v", f.Name, err)
			}
		}
		if f.Off {
			if err := f.put(&Serve{}, "off"); err != nil {
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
	help := CommandNamed("serve").Help()
	for i := range ServeFlags {
		if !strings.Contains(help, "\n  --"+ServeFlags[i].Name) {
			t.Errorf("--%s is missing", ServeFlags[i].Name)
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	for name, want := range map[string]string{
		"serv":  `unknown command "serv"; did you mean serve?`,
		"proxy": `unknown command "proxy"; there are serve, help, version`,
	} {
		if got := UnknownCommand(name); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// The page in docs is the one that the table makes.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reference", "serve.md")
	want := CommandNamed("serve").Reference()
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
		t.Error("docs/reference/serve.md differs from the table: run go generate ./internal/config")
	}
}
