package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// someBytes are the same for the same seed.
func someBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// getFile is a file that a server has, whose answers can be cut off.
type getFile struct {
	mu      sync.Mutex
	content []byte
	tag     string
	cut     int // after so many bytes; 0: not
	noParts bool
	extra   http.Header
	asked   []string // Range and If-Range
}

func (f *getFile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	content, cut := f.content, f.cut
	f.asked = append(f.asked, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
	if f.tag != "" {
		w.Header().Set("Etag", f.tag)
	}
	for name, values := range f.extra {
		w.Header()[name] = values
	}
	if f.noParts {
		r.Header.Del("Range")
	}
	f.mu.Unlock()
	if cut > 0 {
		w = &cutWriter{w, cut}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

func (f *getFile) set(change func()) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	asked := f.asked
	f.asked = nil
	return asked
}

// cutWriter ends an answer in its middle.
type cutWriter struct {
	http.ResponseWriter
	left int
}

func (w *cutWriter) Write(p []byte) (int, error) {
	if len(p) >= w.left {
		w.ResponseWriter.Write(p[:w.left])
		http.NewResponseController(w.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	w.left -= len(p)
	return w.ResponseWriter.Write(p)
}

// A file that was cut off is gone on with, if it is still the same.
func TestGetResume(t *testing.T) {
	one, two := someBytes(1, 3<<20), someBytes(2, 3<<20)
	for _, tt := range []struct {
		name   string
		before func(*getFile)
		change func(*getFile)
		want   []byte
		asked  string
		say    string
	}{
		{"the same", nil, nil, one, `bytes=1048576- "1"`, ""},
		{"changed", nil, func(f *getFile) { f.content, f.tag = two, `"2"` }, two, `bytes=1048576- "1"`, "the content has changed, or the server sends no parts of it; it is fetched anew"},
		{"no parts", nil, func(f *getFile) { f.noParts = true }, one, `bytes=1048576- "1"`, "it is fetched anew"},
		{"shorter", nil, func(f *getFile) { f.content = one[:1000] }, one[:1000], `bytes=1048576- "1"| `, "the content has become shorter; it is fetched anew"},
		{"weak", func(f *getFile) { f.tag = `W/"1"` }, nil, one, " ", "nothing says that "},
		{"without a validator", func(f *getFile) { f.tag = "" }, nil, one, " ", "nothing says that "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := &getFile{content: one, tag: `"1"`, cut: 1 << 20}
			if tt.before != nil {
				tt.before(served)
			}
			w := newGetWorld(t, served.ServeHTTP)
			out := filepath.Join(t.TempDir(), "f")
			_, said := w.run(getPartial, "-o", out, "URL/f")
			contains(t, said, "the body was cut off after 1048576 of 3145728 bytes", "what has come is in "+out+partSuffix)
			if exists(out) {
				t.Error("what is not complete has its name")
			}
			served.set(func() {
				served.cut = 0
				if tt.change != nil {
					tt.change(served)
				}
			})
			_, said = w.run(exitOK, "-C", "-", "-o", out, "URL/f")
			contains(t, said, tt.say)
			if tt.say == "" && said != "" {
				t.Errorf("%s", said)
			}
			if got := file(t, out); got != string(tt.want) {
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

// A server that answers with parts of something else is not believed.
func TestGetResumeLies(t *testing.T) {
	content := someBytes(1, 2<<20)
	for name, lie := range map[string]func(w http.ResponseWriter){
		"other tag":    func(w http.ResponseWriter) { w.Header().Set("Etag", `"2"`) },
		"other length": func(w http.ResponseWriter) { w.Header().Set("Content-Range", "bytes 1048576-2097151/9999999") },
		"other start":  func(w http.ResponseWriter) { w.Header().Set("Content-Range", "bytes 1048577-2097151/2097152") },
		"coded":        func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip") },
		"no range":     func(w http.ResponseWriter) { w.Header().Del("Content-Range") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Etag", `"1"`)
				if r.Header.Get("Range") == "" {
					if r.Header.Get("Accept-Encoding") == "identity" {
						w.Write(content)
						return
					}
					w.Header().Set("Content-Length", "2097152")
					w.Write(content[:1<<20])
					http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Content-Range", "bytes 1048576-2097151/2097152")
				lie(w)
				w.WriteHeader(206)
				w.Write(make([]byte, 1<<20))
			})
			out := filepath.Join(t.TempDir(), "f")
			w.run(getPartial, "-so", out, "URL/f")
			_, said := w.run(exitOK, "-C", "-", "-o", out, "URL/f")
			contains(t, said, "the server has sent a part of something else; it is fetched anew")
			if file(t, out) != string(content) {
				t.Error("not the content")
			}
		})
	}
}

// The part of another URL, an offset, a file that is complete, a retry.
func TestGetResumeMore(t *testing.T) {
	content := someBytes(1, 2<<20)
	served := &getFile{content: content, tag: `"1"`, cut: 1 << 20}
	w := newGetWorld(t, served.ServeHTTP)
	dir := t.TempDir()
	out := filepath.Join(dir, "f")
	w.run(getPartial, "-so", out, "URL/f")
	uncut := func() { served.cut = 0 }
	served.set(uncut)
	_, said := w.run(exitOK, "-C", "-", "-o", out, "URL/other")
	contains(t, said, "nothing says that "+out+partSuffix+" is a part of this URL; it is fetched anew")
	_, said = w.run(exitOK, "-C", "-", "-o", out, "URL/f")
	contains(t, said, out+" is complete: it has 2097152 bytes, as many as there are")
	if got := w.get("-C", "2097150", "URL/f"); got != string(content[2097150:]) {
		t.Errorf("%d bytes", len(got))
	}
	w.run(getNoRange, "-C", "9999999", "URL/f")
	_, said = w.run(getBadResume, "-C", "-", "URL/f")
	contains(t, said, "name it with --output")
	_, said = w.run(getBadResume, "-C", "5", "-o", filepath.Join(dir, "none"), "URL/f")
	contains(t, said, "has not 5 bytes that are known to be of this URL")

	// A part that --range asked for is not one to go on with, nor what POST got.
	served.set(func() { served.cut = 10 })
	ranged := filepath.Join(dir, "ranged")
	w.run(getPartial, "-s", "-r", "100-199", "--retry", "1", "--retry-delay", "0.001", "-o", ranged, "URL/f")
	served.set(uncut)
	_, said = w.run(exitOK, "-C", "-", "-o", ranged, "URL/f")
	contains(t, said, "it is fetched anew")
	if file(t, ranged) != string(content) {
		t.Error("a part became the whole")
	}
	w.run(exitUsage, "-C", "-", "-d", "a", "-o", ranged, "URL/f")

	// All of it has come, and then the program was killed.
	part := filepath.Join(dir, "g")
	os.WriteFile(part+partSuffix, content, 0o600)
	(&getAbout{URL: w.srv.URL + "/g", ETag: `"1"`, Length: int64(len(content))}).save(part + aboutSuffix)
	served.set(uncut)
	w.get("-C", "-", "-o", part, "URL/g")
	if asked := served.set(uncut); len(asked) != 1 || asked[0] != `bytes=2097151- "1"` || file(t, part) != string(content) {
		t.Errorf("%q", asked)
	}

	// A retry goes on by itself.
	served.set(func() { served.cut = 1 << 20 })
	var n atomic.Int64
	r := newGetWorld(t, func(rw http.ResponseWriter, req *http.Request) {
		if n.Add(1) == 2 {
			served.set(uncut)
		}
		served.ServeHTTP(rw, req)
	})
	_, said = r.run(exitOK, "--retry", "3", "--retry-delay", "0.001", "-o", out, "URL/f")
	contains(t, said, "trying again in 1ms, 3 left")
	if file(t, out) != string(content) || n.Load() != 2 {
		t.Errorf("%d requests", n.Load())
	}
	if asked := served.set(uncut); len(asked) != 1 || asked[0] != `bytes=1048576- "1"` {
		t.Errorf("%q", asked)
	}
}

// What is not what it has to be does not get its name, nor stays in the cache.
func TestGetDigest(t *testing.T) {
	content := []byte("content")
	sum := sha256.Sum256(content)
	right := "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	wrong := "sha-256=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":"
	served := &getFile{content: content, tag: `"1"`}
	w := newGetWorld(t, served.ServeHTTP)
	out := filepath.Join(t.TempDir(), "f")
	for _, tt := range []struct {
		field, value, args string
		status             int
	}{
		{"", "", "--sha256 " + fmt.Sprintf("%x", sum), exitOK},
		{"", "", "--sha256 " + fmt.Sprintf("%X", sum), exitOK},
		{"", "", "--sha256 " + strings.Repeat("0", 64), getWrongDigest},
		{"Repr-Digest", right, "", exitOK},
		{"Repr-Digest", wrong, "", getWrongDigest},
		{"Content-Digest", wrong, "", getWrongDigest},
		{"Repr-Digest", right + ", sha-512=:AAAA:", "", getWrongDigest},
		{"Repr-Digest", "unixsum=:AAAA:, " + right, "", exitOK},
		{"Repr-Digest", "sha-256=broken", "", exitOK},
		{"Repr-Digest", wrong, "-r 0-3", exitOK},
	} {
		served.set(func() {
			served.extra = http.Header{"Cache-Control": {"max-age=60"}}
			if tt.field != "" {
				served.extra[tt.field] = []string{tt.value}
			}
		})
		w.cache = filepath.Join(t.TempDir(), "cache")
		for range 2 {
			_, said := w.run(tt.status, append(strings.Fields(tt.args), "-o", out, "URL/f")...)
			if tt.status != exitOK {
				contains(t, said, "the content is not what ")
			}
			if exists(out) != (tt.status == exitOK) || exists(out+partSuffix) {
				t.Errorf("%+v: the file is there: %v", tt, exists(out))
			}
			os.Remove(out)
		}
		if asked := served.set(func() {}); tt.status != exitOK && len(asked) != 2 {
			t.Errorf("%+v: what is wrong was answered from the cache", tt)
		}
	}
	w.requests()
	w.get("--want-digest", "--no-cache", "-r", "0-1", "URL/f")
	if seen := w.requests(); seen[0].Header.Get("Want-Repr-Digest") != "sha-256=10, sha-512=9" {
		t.Errorf("%v", seen[0].Header)
	}
}

// A long file comes in parts, or in one where that cannot be.
func TestGetParts(t *testing.T) {
	content := someBytes(3, minParts+12345)
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	for _, tt := range []struct {
		name  string
		serve func(f *getFile, w http.ResponseWriter, r *http.Request)
		parts int
		say   string
	}{
		{"parts", nil, 4, ""},
		{"no validator", func(f *getFile, w http.ResponseWriter, r *http.Request) {
			f.tag = ""
			f.ServeHTTP(w, r)
		}, 1, ""},
		{"parts that are refused", func(f *getFile, w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=4") {
				http.Error(w, "too many", 503)
				return
			}
			f.ServeHTTP(w, r)
		}, 0, "it is fetched in one part: bytes 4200478 to 6300716 did not come as asked for"},
		{"parts of something else", func(f *getFile, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				f = &getFile{content: someBytes(4, minParts+12345), tag: `"2"`}
				r.Header.Del("If-Range")
			}
			f.ServeHTTP(w, r)
		}, 0, "it is fetched in one part"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			served := &getFile{content: content, tag: `"1"`}
			w := newGetWorld(t, func(rw http.ResponseWriter, r *http.Request) {
				if tt.serve != nil {
					tt.serve(served, rw, r)
					return
				}
				served.ServeHTTP(rw, r)
			})
			out := filepath.Join(t.TempDir(), "f")
			_, said := w.run(exitOK, "--parallel-ranges", "4", "--sha256", sum, "-o", out, "URL/f")
			contains(t, said, tt.say)
			if file(t, out) != string(content) {
				t.Error("not the content")
			}
			if got := len(w.requests()); tt.parts > 0 && got != tt.parts {
				t.Errorf("%d requests, want %d", got, tt.parts)
			}
		})
	}
	// Cut off: what came of the first part can be gone on with.
	served := &getFile{content: content, tag: `"1"`}
	w := newGetWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Range"), "bytes=4") {
			panic(http.ErrAbortHandler)
		}
		served.ServeHTTP(rw, r)
	})
	served.set(func() { served.cut = 1 << 20 })
	out := filepath.Join(t.TempDir(), "f")
	w.run(getPartial, "--parallel-ranges", "4", "-o", out, "URL/f")
	info, err := os.Stat(out + partSuffix)
	if err != nil || info.Size() > 1<<20 {
		t.Errorf("%v %v", info, err)
	}
	served.set(func() { served.cut = 0 })
	w.get("-C", "-", "-o", out, "URL/f", "--sha256", sum)
}

// Two processes do not write to one file.
func TestGetTogether(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no locks")
	}
	more := make(chan struct{})
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "begin")
		http.NewResponseController(w).Flush()
		if r.URL.Path == "/slow" {
			<-more
		}
		io.WriteString(w, "end")
	})
	out := filepath.Join(t.TempDir(), "f")
	p := start(t, "get", "--no-cache", "-N", "-o", out, w.srv.URL+"/slow")
	for end := time.Now().Add(patience); file(t, out+partSuffix) != "begin"; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(p.stderr)
		}
	}
	_, said := w.run(getWriteError, "-o", out, "URL/fast")
	contains(t, said, "another process is fetching to it")
	close(more)
	if status := p.wait(); status != exitOK || file(t, out) != "beginend" {
		t.Errorf("%d %q", status, file(t, out))
	}
}

// The program as a process: what it writes and its exit status.
func TestGetProcess(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		if r.URL.Path == "/404" {
			w.WriteHeader(404)
		}
		io.WriteString(w, "body")
	})
	t.Setenv("XDG_CACHE_HOME", filepath.Dir(w.cache))
	for range 2 {
		cmd, stdout, stderr := process(t, "get", w.srv.URL+"/")
		if err := cmd.Wait(); err != nil || stdout.String() != "body" || stderr.String() != "" {
			t.Errorf("%v %q %q", err, stdout, stderr)
		}
	}
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	cmd, stdout, stderr := process(t, "get", "-f", w.srv.URL+"/404")
	cmd.Wait()
	if cmd.ProcessState.ExitCode() != getHTTPError || stdout.String() != "" || stderr.String() != "freshet: (22) the answer is 404 Not Found\n" {
		t.Errorf("%v %q %q", cmd.ProcessState, stdout, stderr)
	}
}

func TestContentRange(t *testing.T) {
	for value, ok := range map[string]bool{
		"bytes 0-0/1": true, "bytes 1-2/*": true, "bytes 2-1/9": false, "bytes 0-9/9": false, "bytes */9": false, "0-1/2": false,
		"bytes 0-1": false, "bytes +0-1/2": false, "bytes 0-99999999999999999999/*": false, "": false,
	} {
		if _, _, _, got := contentRange(value); got != ok {
			t.Errorf("%q: %v", value, got)
		}
	}
}
