package client

import (
	"errors"
	"strings"
	"testing"
)

const netrcText = `# logins
machine Example.org
	login ann
	password "a \"secret\" #1"
machine example.org login bob password b#b account x
macdef init
cd /pub
machine trap login t password t

machine other.test login o password ""
default login anonymous password guest
`

func TestNetrc(t *testing.T) {
	n, err := ParseNetrc(netrcText)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ host, login, user, password string }{
		{"example.org", "", "ann", `a "secret" #1`},
		{"EXAMPLE.org", "bob", "bob", "b#b"},
		{"other.test", "", "o", ""},
		{"trap", "", "anonymous", "guest"},
		{"unknown", "", "anonymous", "guest"},
	} {
		user, password, ok := n.Find(tt.host, tt.login)
		if user != tt.user || password != tt.password || !ok {
			t.Errorf("%s: %s %s %v", tt.host, user, password, ok)
		}
	}
	if _, _, ok := n.Find("unknown", "carl"); ok {
		t.Error("a login that nobody has was found")
	}
	if _, _, ok := (*Netrc)(nil).Find("a", ""); ok {
		t.Error("no file has a login")
	}
}

func TestNetrcFaults(t *testing.T) {
	for text, want := range map[string]string{
		"machine":                         "line 1: nothing follows machine",
		"login a":                         "line 1: login comes before a machine",
		"machine a\nlogin b password c d": "line 2: a word that is none of",
		"machine a login \"b":             "line 1: a quote that is not closed",
		"machine a login \"b\nc\"":        "line 1: a quote that is not closed",
		"machine a login \"b\"c":          "line 1: something follows a quote at once",
		"machine \"\" login b":            "a machine without a name",
		"machine a password b\x01":        "a control character",
		strings.Repeat(" ", maxNetrc+1):   "more than",
	} {
		_, err := ParseNetrc(text)
		if !errors.Is(err, errNetrc) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	if _, err := ParseNetrc("machine a login b password my secret"); strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells the password: %v", err)
	}
}

func FuzzNetrc(f *testing.F) {
	f.Add(netrcText)
	f.Add("machine a macdef b\n\r\nlogin c")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseNetrc(text)
		if (n == nil) == (err == nil) {
			t.Fatalf("%v %v", n, err)
		}
		for _, m := range n.all() {
			if _, _, ok := n.Find(m.host, m.login); !ok && m.login+m.password != "" {
				t.Errorf("%q is not found", m.host)
			}
		}
	})
}

func (n *Netrc) all() []netrcMachine {
	if n == nil {
		return nil
	}
	return n.machines
}
