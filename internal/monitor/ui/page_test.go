package ui_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"freshet/internal/monitor/ui"
)

var update = flag.Bool("update", false, "rewrite testdata/*.html")

func draw(t *testing.T, v *ui.View) string {
	t.Helper()
	var b bytes.Buffer
	if err := ui.Page(&b, v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for name, v := range map[string]*ui.View{
		"everything": everything(),
		"empty":      {Title: "Empty", Path: "/"},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".html", draw(t, v))
		})
	}
}

// hash is the part of an asset's address that changes with its content.
var hash = regexp.MustCompile(`(/assets/[a-z]+\.)[0-9a-f]{24}\.`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = hash.ReplaceAllString(got, "${1}HASH.")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (rewrite it with -update and read the difference):\n%s", path, got)
	}
}
