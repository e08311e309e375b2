package userfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var salt = []byte("0123456789abcdef")

func lineOf(t testing.TB, name, password string) string {
	t.Helper()
	line, err := Line(name, password, salt)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestCheck(t *testing.T) {
	// The vector is that of the reference program: printf password | argon2 somesalt -id -t 2 -m 16 -p 1.
	const reference = "ref:$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	all, err := Parse([]byte("# people\n\n" + lineOf(t, "ann", "K\u00e4se 1") + "\r\n" + lineOf(t, "M\u00fcller", "x") + "\n" + reference + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, password string
		want           bool
	}{
		{"ann", "K\u00e4se 1", true}, {"ann", "Ka\u0308se 1", true}, {"ann", "K\u00e4se", false}, {"ann", "", false}, {"Ann", "K\u00e4se 1", false},
		{"M\u00fcller", "x", true}, {"Mu\u0308ller", "x", true}, {"ref", "password", true}, {"ref", "Password", false},
		{"bob", "K\u00e4se 1", false}, {"", "", false}, {"ann", strings.Repeat("x", MaxPassword+1), false},
	} {
		if got := all.Check(tt.name, tt.password); got != tt.want {
			t.Errorf("%q, %q: %v", tt.name, tt.password, got)
		}
	}
	if all.Names() != 3 || all.Hash("ann") == "" || all.Hash("bob") != "" {
		t.Error(all.Names(), all.Hash("ann"), all.Hash("bob"))
	}
}

func TestFaults(t *testing.T) {
	good := lineOf(t, "ann", "secret")
	for text, says := range map[string]string{
		"":                           "no user",
		"# none\n":                   "no user",
		"ann":                        "line 1: it has no colon",
		good + "\n" + good:           "line 2: ann is there twice",
		":" + good[4:]:               "the name is empty",
		"a\x01:" + good[4:]:          "control character",
		"\xff:" + good[4:]:           "not UTF-8",
		" ann:" + good[4:]:           "space at an end",
		"Mu\u0308ller:" + good[4:]:   "NFC",
		"ann:secret":                 "is not hashed",
		"ann:":                       "is not hashed",
		"ann:$apr1$x$y":              "MD5 (apr1), which is not taken any more; make it anew with \"freshet user add\"",
		"ann:{SHA}W6ph5Mm5Pz8GgiULb": "SHA-1",
		"ann:$6$x$y":                 "SHA-512",
		"ann:$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$x":                                                    "argon2i",
		"ann:$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc":     "as it is written",
		"ann:$argon2id$v=19$m=019456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc":    "as it is written",
		"ann:$argon2id$v=19$m=19456,t=2,p=1,x=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc": "as it is written",
		"ann:$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHR$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc":     "as it is written",
		"ann:$argon2id$v=19$m=4000000,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc":   "costs more",
		"ann:$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1":                                     "as it is written",
		"ann:$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO0":                                     "a hash of less than 16",
		"ann:$2y$31$0123456789012345678901234567890123456789012345678901a":                               "2^31 rounds",
		"ann:$2y$10$0123456789012345678901":                                                              "as it is written",
		"ann:$2x$10$0123456789012345678901234567890123456789012345678901a":                               "with a fault",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, tt := range [][2]string{{"", "x"}, {"a:b", "x"}, {"ann", ""}, {"ann", "a\nb"}, {"ann", strings.Repeat("x", 1025)}, {"#ann", "x"}} {
		if line, err := Line(tt[0], tt[1], salt); err == nil {
			t.Errorf("%q: %s", tt, line)
		}
	}
	if _, err := Line("ann", "x", nil); err == nil {
		t.Error("a line without salt")
	}
}

// What htpasswd makes with bcrypt is read; 73 octets are not taken for 72.
func TestHtpasswd(t *testing.T) {
	if _, err := exec.LookPath("htpasswd"); err != nil {
		t.Fatal(err) // scripts/setup installs what is missing
	}
	file := filepath.Join(t.TempDir(), "users")
	long := strings.Repeat("x", 72)
	for i, user := range [][2]string{{"ann", "K\u00e4se 1"}, {"bob", long}} {
		args := []string{"-bB", "-C", "4", file, user[0], user[1]}
		if i == 0 {
			args[0] = "-cbB"
		}
		if out, err := exec.Command("htpasswd", args...).CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !all.Check("ann", "K\u00e4se 1") || all.Check("ann", "K\u00e4se 2") || !all.Check("bob", long) || all.Check("bob", long+"x") || all.Check("carol", long) {
		t.Errorf("%s", data)
	}
	if out, err := exec.Command("htpasswd", "-bm", file, "dan", "x").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	data, _ = os.ReadFile(file)
	if _, err := Parse(data); err == nil || !strings.Contains(err.Error(), "line 3: the password of dan is hashed by MD5") {
		t.Error(err)
	}
}

// What is read is written as it was, and nothing else is a line.
func FuzzParse(f *testing.F) {
	f.Add([]byte("ann:$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc\n"))
	f.Add([]byte("#x\nann:$2y$04$0123456789012345678901234567890123456789012345678901a"))
	f.Add([]byte("ann:$apr1$x$y\r\n\r\nbob:"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Parse(data)
		if err != nil {
			return
		}
		for name, h := range all.of {
			if CheckName(name) != nil || !strings.Contains(string(data), name+":"+h.String()) {
				t.Errorf("%q: %s", name, h)
			}
		}
	})
}

func ExampleLine() {
	line, err := Line("ann", "correct horse", []byte("0123456789abcdef"))
	fmt.Println(line, err)
	// Output: ann:$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$rk2Mi3E4dgRMg0fHaYaptWVZRKqs//6b6k3/nntqGJk <nil>
}

func BenchmarkCheck(b *testing.B) {
	all, err := Parse([]byte(lineOf(b, "ann", "secret")))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		all.Check("ann", "secret")
	}
}
