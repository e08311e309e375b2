package config

import (
	"strings"
	"testing"
	"time"
)

// What is wrong with settings of tokens is said, with what to do.
func TestTokenFaults(t *testing.T) {
	whole := "--jwt-keys keys.json --jwt-issuer i --jwt-audience a "
	for args, says := range map[string]string{
		whole: "",
		whole + "--jwt-audience b --jwt-algorithms ES256 --jwt-algorithms EdDSA --jwt-leeway off --jwt-pass on --jwt-claims role=a=b --jwt-cookie id": "",
		"--jwt-keys https://id.example/keys --jwt-issuer i --jwt-audience a":                                                                          "",
		"--jwt-keys http://127.0.0.1:8080/keys --jwt-issuer i --jwt-audience a":                                                                       "",
		"--jwt-keys http://[::1]/keys --jwt-issuer i --jwt-audience a":                                                                                "",
		"--jwt-keys http://localhost/keys --jwt-issuer i --jwt-audience a":                                                                            "",
		"--jwt-keys http://id.example/keys --jwt-issuer i --jwt-audience a":                                                                           "whoever is on the way could put his own keys there",
		"--jwt-keys http://127.0.0.1.example/ --jwt-issuer i --jwt-audience a":                                                                        "whoever is on the way",
		"--jwt-keys https://u:p@id.example/keys --jwt-issuer i --jwt-audience a":                                                                      "without a name",
		"--jwt-keys ftp://id.example/keys --jwt-issuer i --jwt-audience a":                                                                            "https://",
		"--jwt-keys k --jwt-audience a":                                                                                                               "give --jwt-issuer",
		"--jwt-keys k --jwt-issuer i":                                                                                                                 "or those for others would pass; give --jwt-audience",
		"--jwt-issuer i":                                                                                                                              "--jwt-issuer is used with --jwt-keys only",
		"--jwt-pass off":                                                                                                                              "--jwt-pass is used with --jwt-keys only",
		whole + "--users u":                                                                                                                           "give --jwt-cookie",
		whole + "--users u --jwt-cookie id":                                                                                                           "",
		whole + "--jwt-algorithms HS256":                                                                                                              "with it whoever verifies tokens could make them; use ES256",
		whole + "--jwt-algorithms none":                                                                                                               "that nobody has signed; use ES256",
		whole + "--jwt-algorithms RS1":                                                                                                                "it can be forged; use ES256",
		whole + "--jwt-algorithms PS256":                                                                                                              "in the place of this one, use RS256",
		whole + "--jwt-algorithms ES384":                                                                                                              "in the place of this one, use ES256",
		whole + "--jwt-algorithms Ed25519":                                                                                                            "in the place of this one, use EdDSA",
		whole + "--jwt-claims role":                                                                                                                   "give NAME=VALUE",
		whole + "--jwt-claims =x":                                                                                                                     "give NAME=VALUE",
		whole + "--jwt-cookie a=b":                                                                                                                    "give the name of a cookie",
		whole + "--jwt-leeway 1h":                                                                                                                     "from 1s to 10m",
	} {
		_, err := ParseServe(strings.Fields(args), nil)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// A route has what its site says, but for keys of its own; off takes it back.
func TestTokensInherit(t *testing.T) {
	site := "[[site]]\njwt-keys = 'keys.json'\njwt-issuer = 'i'\njwt-audience = ['a', 'b']\njwt-leeway = '1m'\njwt-pass = true\n"
	f, err := ParseFile("d/f.toml", []byte(site+
		"[[site.route]]\nredirect = '/x'\n"+
		"[[site.route]]\npath = '/b'\nredirect = '/x'\njwt-claims = 'role=admin'\njwt-audience = 'c'\njwt-pass = false\n"+
		"[[site.route]]\npath = '/c'\nredirect = '/x'\njwt-keys = 'off'\n"+
		"[[site.route]]\npath = '/d'\nredirect = '/x'\njwt-keys = 'https://id.example/k'\njwt-issuer = 'j'\njwt-audience = 'd'\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := f.Sites[0].Routes
	if a := r[0].Access.Tokens; a.Keys != "d/keys.json" || len(a.Audiences) != 2 || a.Leeway != time.Minute || a.Pass != "on" {
		t.Errorf("%+v", a)
	}
	if b := r[1].Access.Tokens; b.Keys != "d/keys.json" || len(b.Audiences) != 1 || b.Claims[0] != "role=admin" || b.Pass != "off" || b.Issuers[0] != "i" {
		t.Errorf("%+v", b)
	}
	if c := r[2].Access.Tokens; c.Keys != "" || c.Issuers != nil {
		t.Errorf("%+v", c)
	}
	if d := r[3].Access.Tokens; d.Keys != "https://id.example/k" || d.Issuers[0] != "j" || d.Leeway != 0 || d.Pass != "" {
		t.Errorf("%+v", d)
	}
	for text, says := range map[string]string{
		"[[site.route]]\nredirect = '/x'\njwt-keys = 'other.json'\n": "f.toml:9:1: jwt-keys needs to know whose tokens they are; give jwt-issuer",
		"[[site.route]]\nredirect = '/x'\nusers = 'u'\n":             "jwt-keys and users both need Authorization",
	} {
		if _, err := ParseFile("f.toml", []byte(site+text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
