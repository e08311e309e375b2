package app

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that has its name is complete if the server says that nothing follows
// it; otherwise it is fetched anew, for nothing says what it is.
func TestGetComplete(t *testing.T) {
	content := someBytes(1, 2000)
	for _, tt := range []struct {
		name  string
		there int // bytes of the file
		set   func(*getFile)
		args  string
		want  int // bytes of the content that are there in the end
		asked string
		say   string
	}{
		{"complete", 2000, nil, "", 2000, "bytes=2000- ", "is complete: it has 2000 bytes, as many as there are"},
		{"complete, with --fail", 2000, nil, "-f", 2000, "bytes=2000- ", "is complete"},
		{"complete, silent", 2000, nil, "-sS", 2000, "bytes=2000- ", ""},
		{"shorter", 1500, nil, "", 2000, "bytes=1500- | ", "is a part of this URL; it is fetched anew"},
		{"longer", 2500, nil, "-f", 2000, "bytes=2500- | ", "is a part of this URL; it is fetched anew"},
		{"no parts", 2000, func(f *getFile) { f.noParts = true }, "", 2000, "bytes=2000- ", "it is fetched anew"},
		{"empty", 0, nil, "", 2000, " ", ""},
		{"right sum", 2000, nil, "--sha256 " + fmt.Sprintf("%x", sha256.Sum256(append(make([]byte, 2000), content[2000:]...))), 0, "bytes=2000- ", "is complete"},
		{"wrong sum", 2000, nil, "--sha256 " + fmt.Sprintf("%x", sha256.Sum256(content)), 2000, "bytes=2000- | ", "not what --sha256 says; it is fetched anew"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := &getFile{content: content, tag: `"1"`}
			if tt.set != nil {
				tt.set(served)
			}
			w := newGetWorld(t, served.ServeHTTP)
			out := filepath.Join(t.TempDir(), "f")
			before := make([]byte, tt.there)
			if tt.want == tt.there && !strings.HasPrefix(tt.name, "wrong") {
				copy(before, content)
			}
			if err := os.WriteFile(out, before, 0o600); err != nil {
				t.Fatal(err)
			}
			want := append([]byte(nil), content[:tt.want]...)
			if tt.want == 0 {
				want = before
			}
			_, said := w.run(exitOK, append(strings.Fields(tt.args), "-C", "-", "-o", out, "URL/f")...)
			contains(t, said, tt.say)
			if tt.say == "" && said != "" {
				t.Errorf("%s", said)
			}
			if got := file(t, out); got != string(want) {
				t.Errorf("%d bytes that are not the content", len(got))
			}
			if asked := strings.Join(served.set(func() {}), "|"); asked != tt.asked {
				t.Errorf("asked for %q, want %q", asked, tt.asked)
			}
			if left, _ := filepath.Glob(out + ".*"); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// Of a part whose length nobody had said, all may have come.
func TestGetCompletePart(t *testing.T) {
	content := someBytes(1, 2000)
	served := &getFile{content: content, tag: `"1"`}
	w := newGetWorld(t, served.ServeHTTP)
	for name, tag := range map[string]string{"the same": `"1"`, "another": `"2"`} {
		out := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(out+partSuffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&getAbout{URL: w.srv.URL + "/f", ETag: tag, Length: -1}).save(out + aboutSuffix); err != nil {
			t.Fatal(err)
		}
		w.run(exitOK, "-f", "-C", "-", "-o", out, "URL/f")
		if file(t, out) != string(content) {
			t.Errorf("%s: not the content", name)
		}
		if asked := served.set(func() {}); len(asked) != 1 || asked[0] != "bytes=2000- "+tag {
			t.Errorf("%s: asked for %q", name, asked)
		}
		if left, _ := filepath.Glob(out + ".*"); left != nil {
			t.Errorf("%s: left behind: %q", name, left)
		}
	}
}

// An error is none about the file; it stays.
func TestGetCompleteFault(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusForbidden) })
	out := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(out, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, said := w.run(getHTTPError, "-C", "-", "-o", out, "URL/f")
	contains(t, said, "the answer is 403 Forbidden; what there is is kept")
	if file(t, out) != "mine" {
		t.Error("it was written to")
	}
}
