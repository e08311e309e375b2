package forward

import (
	"fmt"
	"testing"
)

// The longest name that fits decides which parents there are, whatever the
// order of the routes.
func TestParents(t *testing.T) {
	p, err := parseParents([]string{"http://a:1", ".corp.example=direct", "http://user:p=w@b:2", "www.corp.example=socks5h://c:3", ".corp.example=http://d:4"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"other.example:443":     "[http://a:1 http://b:2]",
		"corp.example:80":       "[direct http://d:4]",
		"x.Corp.Example.:80":    "[direct http://d:4]",
		"notcorp.example:80":    "[http://a:1 http://b:2]",
		"www.corp.example:443":  "[socks5h://c:3]",
		"a.www.corp.example:80": "[direct http://d:4]",
	} {
		found, err := p.of(t.Context(), "http", host)
		if got := fmt.Sprint(found); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", host, got, err, want)
		}
	}
	for _, bad := range []string{"ftp://x", "http://", "a="} {
		if _, err := parseParents([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
