package config

import (
	"slices"
	"strings"
	"testing"
)

func TestParseTLS(t *testing.T) {
	c, err := ParseTLS([]string{"cert", "a.test", "--client", "*.b.test", "--days=30", "--out", "x.pem"}, []string{"FRESHET_DIR=/d", "FRESHET_SNI=ignored.test"})
	if err != nil || c.Verb != "cert" || !slices.Equal(c.Names, []string{"a.test", "*.b.test"}) || !c.Client || c.Days != 30 || c.Out != "x.pem" || c.Dir != "/d" {
		t.Fatalf("%+v %v", c, err)
	}
	for text, want := range map[string]string{
		"example.org": "example.org:443", "example.org:8443": "example.org:8443", "::1": "[::1]:443", "[::1]": "[::1]:443", "[::1]:99": "[::1]:99",
		"https://example.org/path": "example.org:443", "https://example.org:444": "example.org:444", "192.0.2.1": "192.0.2.1:443",
	} {
		c, err := ParseTLS([]string{"probe", text}, nil)
		if err != nil || c.Peer != want {
			t.Errorf("%s: %+v %v", text, c, err)
		}
	}
	for args, want := range map[string]string{
		"":                              "say what to do: freshet tls ca, cert, probe or trust",
		"prob x":                        "did you mean freshet tls probe?",
		"destroy":                       `unknown word "destroy"`,
		"cert":                          "say for which names",
		"probe":                         "say whom to ask",
		"probe a b":                     `"b" is one too many for freshet tls probe`,
		"probe a:0":                     "is no server",
		"probe a:x":                     "is no server",
		"probe u@h":                     "is no server",
		"ca x":                          `"x" is one too many`,
		"trust --client":                "--client is for freshet tls cert; leave it out",
		"ca --json":                     "--json is for freshet tls probe",
		"cert a.test --days 826":        "825 days at most",
		"ca --days 3651":                "bad value \"3651\" for --days",
		"ca --print --force":            "--print makes nothing",
		"cert a.test --csr --days 3":    "--days is not said in a request",
		"cert --csr site.csr":           `"site.csr" is no name but a file: freshet tls cert signs names, not requests of others`,
		"cert a.test ../in/A.PEM":       `"../in/A.PEM" is no name but a file`,
		"cert a.test --key dsa":         `bad value "dsa" for --key: keys are ECDSA P-256, and there is no choice of another kind`,
		"cert a.test --key RSA:4096":    `bad value "RSA:4096" for --key`,
		"cert a.test --key rsa2048":     `bad value "rsa2048" for --key`,
		"cert a.test --key ed25519":     `bad value "ed25519" for --key`,
		"cert a.test --key P-384":       `bad value "P-384" for --key`,
		"trust a.test --apply":          `"a.test" is one too many`,
		"ca --apply":                    "--apply is for freshet tls trust",
		"probe example.org --dir /some": "--dir is for freshet tls ca, cert or trust",
	} {
		_, err := ParseTLS(strings.Fields(args), nil)
		if faults, ok := err.(Faults); !ok || !strings.Contains(faults[0].Text, want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
	for _, args := range []string{"cert a.test --key ./dsa", "cert a.test --key rsa.key", "cert csr", "cert key.test", "cert pem.home.arpa", "cert a.test --key keys/ec"} {
		if _, err := ParseTLS(strings.Fields(args), nil); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := ParseTLS([]string{"cert", "--help"}, nil); err != ErrHelp {
		t.Error(err)
	}
}
