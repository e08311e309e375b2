package socketserver

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseActivation(t *testing.T) {
	for name, c := range map[string]struct {
		pid, fds, names string
		want            []activated
		fault           string
	}{
		"two":           {"7", "2", "http:https", []activated{{"http", 3}, {"https", 4}}, ""},
		"without names": {"7", "2", "", []activated{{"unknown", 3}, {"unknown", 4}}, ""},
		"an empty name": {"7", "2", ":b", []activated{{"", 3}, {"b", 4}}, ""},
		"none":          {"7", "0", "", []activated{}, ""},
		"not set":       {"", "", "", nil, ""},
		"for another":   {"8", "2", "a:b", nil, ""},
		"odd pid":       {"x", "2", "a:b", nil, ""},
		"odd number":    {"7", "two", "", nil, "LISTEN_FDS"},
		"negative":      {"7", "-1", "", nil, "LISTEN_FDS"},
		"too many":      {"7", "1025", "", nil, "LISTEN_FDS"},
		"more names":    {"7", "1", "a:b", nil, "LISTEN_FDNAMES"},
	} {
		env := map[string]string{"LISTEN_PID": c.pid, "LISTEN_FDS": c.fds, "LISTEN_FDNAMES": c.names}
		got, err := parseActivation(func(name string) string { return env[name] }, 7)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
