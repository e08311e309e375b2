package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// What a site says of the service holds for its routes, key by key.
func TestForwardAuthInherited(t *testing.T) {
	f, err := ParseFile("f.toml", []byte(`[[site]]
forward-auth = "http://127.0.0.1:9091/verify?x=1"
forward-auth-fields = ["remote-groups", "x-role"]
forward-auth-timeout = "2s"
[[site.route]]
path = "/a"
redirect = "/"
[[site.route]]
path = "/b"
redirect = "/"
forward-auth = "off"
[[site.route]]
path = "/c"
redirect = "/"
forward-auth = "https://[::1]/"
forward-auth-fields = "off"
forward-auth-timeout = "1s"
[[site]]
names = "other.example"
forward-auth = "off"
forward-auth-fields = "off"
[[site.route]]
redirect = "/"
`))
	if err != nil {
		t.Fatal(err)
	}
	fields := []string{"Remote-Groups", "X-Role"}
	for i, want := range []ForwardAuth{
		{"http://127.0.0.1:9091/verify?x=1", fields, 2 * time.Second},
		{"", fields, 2 * time.Second},
		{"https://[::1]/", nil, time.Second},
	} {
		if got := f.Sites[0].Routes[i].Access.Forward; !reflect.DeepEqual(got, want) {
			t.Errorf("%d: %+v", i, got)
		}
	}
	if got := f.Sites[1].Routes[0].Access.Forward; !reflect.DeepEqual(got, ForwardAuth{}) {
		t.Errorf("%+v", got)
	}
}

// A fault says what is wrong, in files and of commands.
func TestForwardAuthFaults(t *testing.T) {
	for setting, says := range map[string]string{
		`forward-auth = "ftp://x/"`:                   "give an address that begins with http:// or https://",
		`forward-auth = "http:///x"`:                  "give an address that begins with http:// or https://",
		`forward-auth = "http://u:p@x/"`:              "without a name, a password and a fragment",
		`forward-auth = "http://x/#a"`:                "without a name, a password and a fragment",
		`forward-auth = "//x/"`:                       "give an address that begins with http:// or https://",
		`forward-auth = "http://x/\r\na"`:             "give an address that begins with http:// or https://",
		`forward-auth-fields = "a b"`:                 "give the name of a field",
		`forward-auth-fields = ["off", "X-Role"]`:     "forward-auth-fields says off and a field; leave one out",
		`forward-auth-fields = "Content_Length"`:      "Content_length is of the connection and the message",
		`forward-auth-fields = "transfer-encoding"`:   "Transfer-Encoding is of the connection and the message",
		`forward-auth-fields = ["A", "connection"]`:   "Connection is of the connection and the message",
		`forward-auth-fields = ["Host"]`:              "Host is of the connection and the message",
		`forward-auth-fields = ["X-Forwarded-User"]`:  "have the service use another name",
		`forward-auth-fields = ["X_Forwarded_Proto"]`: "have the service use another name",
		`forward-auth-fields = ["client_cert"]`:       "Client_cert tells of the certificate of a handshake",
		`forward-auth-fields = ["Forwarded"]`:         "have the service use another name",
		`forward-auth-timeout = "0s"`:                 "forward-auth-timeout",
	} {
		for _, text := range []string{"[[site]]\n" + setting + "\n[[site.route]]\nredirect = '/'\n", "[[site]]\n[[site.route]]\nredirect = '/'\n" + setting + "\n"} {
			if _, err := ParseFile("f.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", setting, err)
			}
		}
	}
	for _, parse := range []func(...string) error{
		func(args ...string) error { _, err := ParseServe(args, nil); return err },
		func(args ...string) error { _, err := ParseProxy(append(args, "--to", "http://x"), nil); return err },
	} {
		if err := parse("--forward-auth", "off"); err == nil || !strings.Contains(err.Error(), `bad value "off" for --forward-auth`) {
			t.Errorf("%v", err)
		}
		if err := parse("--forward-auth", "http://x/", "--forward-auth-fields", "te"); err == nil || !strings.Contains(err.Error(), "--forward-auth-fields: Te is of the connection") {
			t.Errorf("%v", err)
		}
		if err := parse("--forward-auth", "http://x/", "--forward-auth-fields", "Remote-Groups"); err != nil {
			t.Error(err)
		}
	}
}
