package layers

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/linked-packages.txt")

// confined says where a third-party module, or a dangerous standard package,
// may be imported (tests of those packages included), and why nowhere else.
var confined = []struct {
	prefix  string
	allowed []string
	reason  string
}{
	{"github.com/klauspost/compress", []string{"internal/coding"}, "compression has one door, so that levels, windows and pools are chosen once"},
	{"github.com/andybalholm/brotli", []string{"internal/coding"}, "compression has one door, so that levels, windows and pools are chosen once"},
	{"github.com/pelletier/go-toml", []string{"internal/config"}, "a configuration is parsed in one place"},
	{"github.com/maypok86/otter", []string{"cache"}, "which answers stay in memory is decided in one place"},
	{"github.com/caddyserver/certmagic", []string{"internal/acme"}, "certificates are asked for, kept and renewed in one place"},
	{"github.com/mholt/acmez", []string{"internal/acme"}, "an authority is asked in one place"},
	{"go.uber.org/zap", []string{"internal/acme"}, "one log is told by log/slog; zap is what certmagic logs by"},
	{"github.com/nats-io", []string{"internal/bus", "internal/bustest"}, "NATS is behind one package, and the tag nonats leaves it out"},
	{"github.com/minio/highwayhash", []string{"internal/bus"}, "it is how NATS sums its records"},
	{"github.com/go-jose/go-jose", []string{"internal/guard"}, "which tokens are good is decided in one place, which looks at them before this does"},
	{"golang.org/x/net/publicsuffix", []string{"internal/site"}, "whose site a host is of is decided in one place"},
	{"golang.org/x/net/idna", []string{"client"}, "which names are hosts, and how they are written, is decided in one place"},
	{"golang.org/x/crypto", []string{"internal/userfile"}, "how passwords are hashed is decided in one place"},
	{"golang.org/x/text/unicode/norm", []string{"internal/userfile"}, "in which form names and passwords are compared is decided in one place"},
	{"golang.org/x/net/html", []string{"internal/rewrite"}, "documents are changed in one place"},
	{"golang.org/x/sys", []string{"cgi", "httpd", "internal/app", "internal/child", "socketserver", "static"}, "system calls stay where the portable form stands beside them"},
	{"github.com/DataDog/datadog-agent/pkg/template", []string{"forward", "internal/app", "internal/monitor/ui"}, "pages are made of templates, and nothing else is"},
	{"html/template", nil, "its templates may call any method by name, so that the linker leaves out none: pkg/template/html is the same without that"},
	{"text/template", nil, "its templates may call any method by name, so that the linker leaves out none: pkg/template/text is the same without that"},
	{"unsafe", []string{"cache", "httpd", "internal/child", "internal/wire", "internal/field", "socketserver", "static"}, "memory safety is argued in few places"},
	{"compress/gzip", []string{"internal/coding"}, "compression has one door, so that levels, windows and pools are chosen once"},
	{"net/http/httptest", nil, "it is for tests"},
	{"testing", []string{"internal/acmetest", "internal/alloctest", "internal/bustest", "internal/mailtest", "internal/wiretest"}, "it is for tests"},
}

func TestConfinedImports(t *testing.T) {
	for _, f := range sources(t) {
		for _, imported := range f.imports {
			listed := false
			for _, c := range confined {
				if imported != c.prefix && !strings.HasPrefix(imported, c.prefix+"/") {
					continue
				}
				listed = true
				standard := !strings.Contains(c.prefix, ".")
				if !slices.Contains(c.allowed, f.dir) && !(f.test && standard) {
					t.Errorf("%s: must not import %s: %s", f.path, imported, c.reason)
				}
			}
			first, _, _ := strings.Cut(imported, "/")
			if strings.Contains(first, ".") && !listed {
				t.Errorf("%s: imports %s, a third-party module without a row in this test that says where it is confined and why", f.path, imported)
			}
		}
	}
}

// TestLinkedPackages keeps the list of what the binary links beyond Go and
// this module: it grows only in a commit that shows it.
func TestLinkedPackages(t *testing.T) {
	const list = "docs/linked-packages.txt"
	got := "# What freshet links beyond Go's standard library and itself: package, module@version.\n" +
		"# Rewrite with: go test ./internal/layers -run LinkedPackages -update\n" +
		strings.TrimLeft(strings.Join(linked(t, "./cmd/freshet"), "\n")+"\n", "\n")
	path := filepath.Join(root, list)
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
		t.Errorf("%s is not what is linked (rewrite it with -update, and say in the commit why):\ngot:\n%s\nwant:\n%s", list, got, want)
	}
}

// TestWithoutNATS: the tag nonats makes a small program, with nothing that
// only NATS brings. (That it is built is for scripts/cross.)
func TestWithoutNATS(t *testing.T) {
	brought := []string{
		"github.com/nats-io/", "github.com/antithesishq/", "github.com/minio/highwayhash",
		"github.com/google/go-tpm", "golang.org/x/time/",
		// Of this module certificates by ACME bring OCSP, and what that is parsed by.
		"golang.org/x/crypto/ch", "golang.org/x/crypto/curve25519", "golang.org/x/crypto/internal/", "golang.org/x/crypto/nacl/", "golang.org/x/crypto/salsa20/",
	}
	for _, line := range linked(t, "-tags=nonats", "./cmd/freshet", "./internal/bus") {
		for _, prefix := range brought {
			if strings.HasPrefix(line, prefix) {
				t.Errorf("with the tag nonats it still links %s", line)
			}
		}
	}
}

// linked lists the packages that are linked on Linux beyond Go and this
// module, as "package module@version".
func linked(t *testing.T, what ...string) []string {
	t.Helper()
	const format = "{{with .Module}}{{if not .Main}}{{$.ImportPath}} {{.Path}}@{{.Version}}{{end}}{{end}}"
	cmd := exec.Command("go", append([]string{"list", "-deps", "-f", format}, what...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		detail := ""
		if exit, ok := err.(*exec.ExitError); ok {
			detail = string(exit.Stderr)
		}
		t.Fatalf("go list: %v\n%s", err, detail)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(lines)
	return lines
}
