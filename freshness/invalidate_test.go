package freshness

import (
	"strings"
	"testing"
)

func TestInvalidates(t *testing.T) {
	const u = "https://example.com/dir/a?b=c"
	for _, tt := range []struct {
		method string
		url    string
		status int
		answer string
		want   string
	}{
		{"POST", u, 200, "", u},
		{"PUT", u, 204, "", u},
		{"DELETE", u, 303, "", u},
		{"M-SEARCH", u, 200, "", u},
		{"WHATEVER", u, 200, "", u},
		{"get", u, 200, "", u}, // methods have a case
		{"GET", u, 200, "Location: /x", ""},
		{"HEAD", u, 200, "", ""},
		{"OPTIONS", u, 200, "", ""},
		{"QUERY", u, 200, "", ""},
		{"POST", u, 400, "Location: /x", ""},
		{"POST", u, 500, "", ""},
		{"POST", u, 100, "", ""},
		{"POST", u, 201, "Location: x#f|Content-Location: /y?z", u + " https://example.com/dir/x https://example.com/y?z"},
		{"POST", u, 201, "Location: https://EXAMPLE.com:443/x", u + " https://example.com/x"},
		{"POST", u, 201, "Location: https://example.com?x", u + " https://example.com/?x"},
		{"POST", u, 201, "Location: //user:pw@example.com/x", u + " https://example.com/x"},
		{"POST", u, 201, "Location: https://example.org/x", u},
		{"POST", u, 201, "Location: http://example.com/x", u},
		{"POST", u, 201, "Location: https://example.com:444/x", u},
		{"POST", u, 201, "Location: https://example.com.evil.org/x", u},
		{"POST", u, 201, "Location: mailto:x@example.com", u},
		{"POST", u, 201, "Location: http://[", u},
		{"POST", u, 201, "Location: a?b=c|Content-Location:", u},
		{"POST", "http://example.com:8080/a", 201, "Location: http://example.com:8080/b", "http://example.com:8080/a http://example.com:8080/b"},
		{"POST", "http://example.com/a", 201, "Location: http://example.com:80/b", "http://example.com/a http://example.com/b"},
		{"POST", "http://[::1", 201, "Location: /b", "http://[::1"},
		{"POST", "/relative", 201, "Location: /b", "/relative"},
		{"POST", "http://example.com/a", 201, "Location: //example.com:81/b", "http://example.com/a"},
		{"POST", "ws://x/", 201, "Location: ws://x/b", "ws://x/ ws://x/b"},
	} {
		got := Invalidates(&Request{Method: tt.method, URL: tt.url}, tt.status, fields(tt.answer))
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s %s %d %q: %q, want %q", tt.method, tt.url, tt.status, tt.answer, got, tt.want)
		}
	}
}

func TestGroups(t *testing.T) {
	long := strings.Repeat("x", 32)
	var many []string
	for i := range 32 {
		many = append(many, `"`+string(rune('A'+i))+long+`"`)
	}
	for lines, want := range map[string]int{
		"":                             0,
		`Cache-Groups: "b", "a"`:       2,
		`Cache-Groups: "a"|X: y`:       1,
		`Cache-Groups: "a"|Nothing`:    1,
		`Cache-Groups: "a";x=1, "a"`:   1,
		`Cache-Groups: "a", b`:         0,
		`Cache-Groups: ("a")`:          0,
		`Cache-Groups: "a`:             0,
		"Cache-Groups: " + many[0]:     1,
		`Cache-Groups: "a", "A", "a "`: 3,
		"Cache-Groups: " + strings.ReplaceAll(strings.Join(many, ","), `\`, `\\`): 32,
	} {
		got := Groups(fields(lines))
		if len(got) != want {
			t.Errorf("%s: %q", lines, got)
		}
	}
	if got := strings.Join(Groups(fields(`Cache-Groups: "b"|Cache-Groups: "a"`)), " "); got != "a b" {
		t.Errorf("two lines: %s", got)
	}
	answer := fields(`Cache-Group-Invalidation: "b", "a"|Cache-Groups: "c"`)
	for _, tt := range []struct {
		method string
		status int
		want   string
	}{
		{"POST", 200, "a b"}, {"POST", 500, "a b"}, {"POST", 103, ""}, {"GET", 200, ""}, {"X", 200, "a b"},
	} {
		if got := strings.Join(InvalidatedGroups(&Request{Method: tt.method}, tt.status, answer), " "); got != tt.want {
			t.Errorf("%s %d: %s", tt.method, tt.status, got)
		}
	}
}
