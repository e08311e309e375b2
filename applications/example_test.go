package applications

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamplePrograms has the programs that the README begins with work.
func TestExamplePrograms(t *testing.T) {
	p := newPlace(t) // the checkout may be where nobody may look
	for _, name := range []string{"index.html", "cgi-bin/hello.sh", "cgi-bin/clock.sh", "cgi-bin/form.sh"} {
		file := filepath.Join("../examples/programs", name)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		p.file(t, "www/"+name, string(text), fi.Mode().Perm()&^0o022)
	}
	url, _ := p.serve(t, "serve", "--cgi", "/cgi-bin", p.dir+"/www")
	const path = "/cgi-bin/hello.sh/a/path?name=you"
	cold, warm := get(t, url+path), get(t, url+path)
	if !strings.Contains(string(cold.body), "after it   /a/path\nquery      name=you\n") || string(warm.body) != string(cold.body) ||
		!strings.Contains(warm.header.Get("Cache-Status"), "hit") {
		t.Errorf("hello.sh: %d %q, then %q %v", cold.status, cold.body, warm.body, warm.header)
	}
	wantBody(t, "form.sh", request(t, "POST", url+"/cgi-bin/form.sh", strings.NewReader("text=abc")), 200, "8 octets were announced, 8 came\n")
	if page := get(t, url+"/"); !strings.Contains(string(page.body), path[1:]) {
		t.Errorf("the page does not lead to the program: %s", page.body)
	}
}
