package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseWhy(t *testing.T) {
	for _, tt := range []struct {
		args string
		env  []string
		want func(*Why)
	}{
		{"http://a/b", nil, func(w *Why) { w.URL = "http://a/b" }},
		{"/b?c", nil, func(w *Why) { w.URL = "/b?c" }},
		{"0A1B2C3D4E5F6", nil, func(w *Why) { w.ID = "0a1b2c3d4e5f6" }},
		{"https://a/ -H A:b --header X-Y:z --method PUT --json", nil, func(w *Why) {
			w.URL, w.Fields, w.Method, w.JSON = "https://a/", []string{"A:b", "X-Y:z"}, "PUT", true
		}},
		{"/ --client 2001:db8::7", nil, func(w *Why) { w.URL, w.Client = "/", "2001:db8::7" }},
		{"/ --client unix:", nil, func(w *Why) { w.URL, w.Client = "/", "unix:" }},
		{"/ --monitor 8001", nil, func(w *Why) { w.URL, w.Monitor = "/", ":8001" }},
		{"/ --monitor unix:/a --token t --data d", nil, func(w *Why) { w.URL, w.Monitor, w.Token, w.Data = "/", "unix:/a", "t", "d" }},
		{"/ --monitor a:1", []string{"FRESHET_MONITOR_TOKEN=t"}, func(w *Why) { w.URL, w.Monitor, w.MonitorToken.Text = "/", "a:1", "t" }},
		{"/ --monitor-token f", nil, func(w *Why) { w.URL, w.MonitorToken.File = "/", "f" }},
	} {
		want := &Why{Method: "GET"}
		tt.want(want)
		if got, err := ParseWhy(strings.Fields(tt.args), tt.env); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", tt.args, got, err)
		}
	}
	for args, want := range map[string]string{
		"":                              "say what to explain: freshet why URL, or freshet why ID",
		"/a /b":                         `"/b": one request is explained at a time`,
		"a.example/b":                   `"a.example/b" is neither an address nor the name of a request; give http://host/path, /path, or the 13 characters of a name`,
		"//a/b":                         `"//a/b" is neither an address nor the name of a request; give http://host/path, /path, or the 13 characters of a name`,
		"/ -H A":                        `bad value "A" for --header: give a name, a colon and a value, such as 'Accept-Language: de'`,
		"/ --client a":                  `bad value "a" for --client: give an address, such as 192.0.2.7, or unix:`,
		"/ --method G/T":                `bad value "G/T" for --method: give a method, such as GET`,
		"/ --monitor a":                 `bad value "a" for --monitor: give :port, host:port, a port, unix:/path, unix:@name, fd:N or systemd:NAME`,
		"/ --token a --monitor-token b": "--token and --monitor-token exclude each other; give one",
	} {
		if _, err := ParseWhy(strings.Fields(args), nil); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
	if _, err := ParseWhy([]string{"--help"}, nil); err != ErrHelp {
		t.Error(err)
	}
}
