package app

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/digest"
)

// A file that is put together of several answers is what one of them says of it
// all, or it gets no name; a part that is not what its own answer says is not
// taken.
func TestGetDigestJoined(t *testing.T) {
	content := someBytes(5, minParts+1000)
	right := digest.Of(digest.SHA512, content).String()
	wrong := digest.Of(digest.SHA512, content[1:]).String()
	for _, tt := range []struct {
		name, repr, part string
		resumed          bool
		status           int
		say              string
	}{
		{name: "parts", repr: right, status: exitOK},
		{name: "parts of something else", repr: wrong, status: getWrongDigest, say: "the content is not what Repr-Digest says"},
		{name: "a part that is wrong", repr: right, part: wrong, status: exitOK, say: "it is fetched in one part"},
		{name: "resumed", repr: right, resumed: true, status: exitOK},
		{name: "resumed, something else", repr: wrong, resumed: true, status: getWrongDigest, say: "the content is not what Repr-Digest says"},
		{name: "resumed, the rest is wrong", repr: right, part: wrong, resumed: true, status: getWrongDigest, say: "the content is not what Content-Digest says"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := &getFile{content: content, tag: `"1"`, extra: http.Header{}}
			w := newGetWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				rw.Header().Set("Repr-Digest", tt.repr)
				if tt.part != "" && r.Header.Get("Range") != "" {
					rw.Header().Set("Content-Digest", tt.part)
				}
				served.ServeHTTP(rw, r)
			})
			out := filepath.Join(t.TempDir(), "f")
			args := []string{"--parallel-ranges", "3", "-o", out, "URL/f"}
			if tt.resumed {
				args = []string{"-C", "-", "-o", out, "URL/f"}
				served.set(func() { served.cut = 1 << 20 })
				w.run(getPartial, args...)
				served.set(func() { served.cut = 0 })
			}
			_, said := w.run(tt.status, args...)
			contains(t, said, tt.say)
			if exists(out) != (tt.status == exitOK) {
				t.Errorf("the file is there: %v", exists(out))
			}
			if tt.status == exitOK && file(t, out) != string(content) {
				t.Error("not the content")
			}
			if tt.status != exitOK && exists(out+partSuffix) {
				t.Error("what is wrong waits to be gone on with")
			}
		})
	}
}

// A digest that comes behind the body, or that fails a long body, is as good as
// one before a short one.
func TestGetDigestStreams(t *testing.T) {
	long := strings.Repeat("0123456789", 100_000)
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Trailer", "Repr-Digest")
		w.Write([]byte(long))
		of := long
		if r.URL.Path == "/wrong" {
			of += "!"
		}
		w.Header().Set("Repr-Digest", digest.Of(digest.SHA256, []byte(of)).String())
	})
	out := filepath.Join(t.TempDir(), "f")
	for _, more := range []string{"", "--no-cache"} {
		args := append(strings.Fields(more), "-o", out)
		w.get(append(args, "URL/right")...)
		if file(t, out) != long {
			t.Error("not the content")
		}
		os.Remove(out)
		_, said := w.run(getWrongDigest, append(args, "URL/wrong")...)
		contains(t, said, "the content is not what Repr-Digest says")
		if exists(out) || exists(out+partSuffix) {
			t.Error("a wrong file is there")
		}
	}
}

// Digests that protect from no forger are not compared, which is said to who wants to
// know what was.
func TestGetDigestNotCompared(t *testing.T) {
	const md5, sha = "md5=:Sd/dVLAcvNLSq16eXua5uQ==:", "sha=:AAAA:"
	for _, tt := range []struct {
		name, value string
		says        []string // nil: nothing
	}{
		{"Repr-Digest", md5 + ", " + sha, []string{"Repr-Digest is not compared", "md5 protects from no forger; use sha-256", "sha protects from no forger"}},
		{"Content-Digest", "crc=1", []string{"Content-Digest is not compared", "crc is not known"}},
		{"Content-Digest", "md5=:Sd", []string{"Content-Digest is not compared", "not a dictionary"}},
		{"Digest", "md5=Sd/dVLAcvNLSq16eXua5uQ==", []string{"Digest is not compared", "Content-Digest and Repr-Digest"}},
		{"Repr-Digest", md5 + ", " + digest.Of(digest.SHA256, []byte("text")).String(), nil},
		{"X-Digest", md5, nil},
	} {
		w := newGetWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set(tt.name, tt.value)
			rw.Write([]byte("text"))
		})
		for _, flag := range []string{"-v", "--why", "-sS"} {
			_, said := w.run(exitOK, flag, "--no-cache", "URL/a")
			words := strings.Join(strings.Fields(strings.ReplaceAll(said, "\n*", "")), " ") // in one line
			if told := strings.Contains(words, " is not compared"); told != (tt.says != nil && flag != "-sS") {
				t.Errorf("%s: %s, %s says %q", tt.name, tt.value, flag, said)
			}
			for _, says := range tt.says {
				if flag != "-sS" && !strings.Contains(words, says) {
					t.Errorf("%s: %s, %s does not say %q: %q", tt.name, tt.value, flag, says, said)
				}
			}
		}
	}
}
