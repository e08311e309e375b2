package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/forward"
	"freshet/internal/coding"
	"freshet/internal/field"
)

// longPage is one that is worth a coding.
var longPage = strings.Replace(aPage, "Text", strings.Repeat("<p>Text</p>", 400), 1)

// asked counts the requests that a server got.
type asked struct {
	atomic.Int32
	plain bool // the server codes nothing
}

// page serves longPage with a tag, or confirms it.
func (a *asked) page(control string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.Add(1)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Cache-Control", control)
		w.Header().Set("Vary", "Cookie")
		if strings.Contains(r.Header.Get("If-None-Match"), `"v1"`) {
			w.WriteHeader(304)
			return
		}
		if !a.plain && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(gzipped(longPage))
			return
		}
		io.WriteString(w, longPage)
	}
}

// decoded undoes the coding of an answer.
func decoded(t *testing.T, resp *http.Response, body string) string {
	t.Helper()
	name := resp.Header.Get("Content-Encoding")
	if name == "" {
		return body
	}
	c, ok := field.CodingNamed(name)
	if !ok {
		t.Fatalf("Content-Encoding %q", name)
	}
	plain, err := coding.Decode(c, []byte(body), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// A page with a style sheet goes out in the coding that its client prefers,
// whatever the server sent; it is coded once for all who accept the same, and
// each coding has a tag of its own.
func TestHideCoded(t *testing.T) {
	for _, plain := range []bool{true, false} {
		server := &asked{plain: plain}
		srv := httptest.NewServer(server.page("max-age=60"))
		defer srv.Close()
		_, c, told, _ := filtered(t, hideRules, nil)
		tags := map[string]string{}
		for _, tt := range []struct{ accept, want, stored string }{
			{"gzip, deflate, br, zstd", "gzip", "stored"},
			{"br", "br", "stored"},
			{"zstd", "zstd", "stored"},
			{"identity", "", "stored"},
			{"compress", "", "stored"},
			{"br, gzip, zstd, deflate", "gzip", "hit"}, // in another order
			{" BR; q=1.0", "br", "hit"},
		} {
			name := fmt.Sprintf("plain %v, %s", plain, tt.accept)
			fields := []string{"Accept-Encoding", tt.accept}
			resp, body := visit(srv.URL+"/", fields...).do(t, c)
			<-told
			h := resp.Header
			if h.Get("Content-Encoding") != tt.want || h.Get("Vary") != "Cookie, Accept-Encoding" || !strings.Contains(h.Get("Cache-Status"), tt.stored) {
				t.Errorf("%s: %v", name, h)
			}
			before, rest, _ := strings.Cut(decoded(t, resp, body), "<style>")
			if _, after, _ := strings.Cut(rest, "</style>"); before+after != longPage {
				t.Errorf("%s: %d bytes, not the page", name, len(body))
			}
			if tag := h.Get("Etag"); tags[tt.want] == "" {
				tags[tt.want] = tag
			} else if tags[tt.want] != tag {
				t.Errorf("%s: a tag %s beside %s", name, tag, tags[tt.want])
			}
			if again, _ := visit(srv.URL+"/", append(fields, "If-None-Match", h.Get("Etag"))...).do(t, c); again.StatusCode != 304 || again.Header.Get("Etag") != h.Get("Etag") {
				t.Errorf("%s: with its tag: %s %v", name, again.Status, again.Header)
			}
			<-told
		}
		if tags["br"] == tags["gzip"] || tags["gzip"] == tags[""] || tags["zstd"] == tags[""] {
			t.Errorf("tags %v", tags)
		}
		if resp, _ := visit(srv.URL+"/", "Accept-Encoding", "gzip, deflate", "If-None-Match", tags["br"]).do(t, c); resp.StatusCode != 200 {
			t.Errorf("gzip with the tag of br: %s", resp.Status)
		}
	}
}

// HEAD is told of the coding that GET gets, whatever is stored.
func TestHideCodedHead(t *testing.T) {
	server := &asked{plain: true}
	srv := httptest.NewServer(server.page("no-store"))
	defer srv.Close()
	_, c, _, _ := filtered(t, hideRules, nil)
	do := func(method, path string) http.Header {
		r, _ := http.NewRequest(method, srv.URL+path, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Encoding", "gzip, br")
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.Header
	}
	get, head := do("GET", "/"), do("HEAD", "/")
	for _, name := range []string{"Content-Encoding", "Vary", "Etag", "Accept-Ranges"} {
		if get.Get(name) == "" || get.Get(name) != head.Get(name) {
			t.Errorf("%s: GET has %q, HEAD %q", name, get.Get(name), head.Get(name))
		}
	}
}

// What the server confirms is sent in a coding that the client accepts: it is
// not asked about any other. What it says of Vary does not make one forget.
func TestHideCodedValidated(t *testing.T) {
	server := &asked{}
	srv := httptest.NewServer(server.page("no-cache"))
	defer srv.Close()
	_, c, told, _ := filtered(t, hideRules, nil)
	for i, tt := range []struct{ accept, want, status string }{
		{"br", "br", "fwd-status=200"},
		{"br", "br", "fwd-status=304"},
		{"gzip", "gzip", "fwd-status=200"}, // br is of no use to it
		{"gzip", "gzip", "fwd-status=304"},
		{"gzip, deflate", "gzip", "fwd-status=304"}, // what another one accepted will do
		{"br, gzip", "gzip", "fwd-status=304"},
		{"identity", "", "fwd-status=200"},
		{"br", "br", "fwd-status=304"},
		{"zstd", "zstd", "fwd-status=200"}, // it would take what is not coded, but likes this better
		{"zstd;q=0.5, br;q=0.1", "zstd", "fwd-status=304"},
	} {
		resp, body := visit(srv.URL+"/", "Accept-Encoding", tt.accept).do(t, c)
		<-told
		h := resp.Header
		if h.Get("Content-Encoding") != tt.want || !strings.Contains(h.Get("Cache-Status"), tt.status) || h.Get("Vary") != "Cookie, Accept-Encoding" {
			t.Errorf("request %d: %v", i, h)
		}
		if text := decoded(t, resp, body); strings.Count(text, "<style>") != 1 || !strings.HasSuffix(text, longPage[len(longPage)-1000:]) {
			t.Errorf("request %d: %d bytes, not the page", i, len(text))
		}
	}
}

// A page that comes slowly goes out as it comes.
func TestHideCodedStreams(t *testing.T) {
	for _, accept := range []string{"gzip", "br", "zstd"} {
		t.Run(accept, func(t *testing.T) {
			seen := make(chan struct{})
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Cache-Control", "max-age=60")
				io.WriteString(w, aPage+"\npause\n")
				w.(http.Flusher).Flush()
				select {
				case <-seen:
				case <-time.After(time.Minute):
				case <-r.Context().Done():
				}
				io.WriteString(w, "the end\n")
			}))
			defer srv.Close()
			_, c, _, _ := filtered(t, hideRules, nil)
			r, _ := http.NewRequest("GET", srv.URL, nil)
			r.Header.Set("Accept", "text/html")
			r.Header.Set("Accept-Encoding", accept)
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got := resp.Header.Get("Content-Encoding"); got != accept {
				t.Fatalf("Content-Encoding %q", got)
			}
			as, _ := field.CodingNamed(accept)
			body, err := coding.NewReader(as, resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			lines := bufio.NewReader(body)
			for line := ""; !strings.Contains(line, "</style>"); {
				if line, err = lines.ReadString('\n'); err != nil {
					t.Fatalf("%q, %v", line, err)
				}
			}
			if line, err := lines.ReadString('\n'); line != "pause\n" {
				t.Errorf("%q, %v", line, err)
			}
			close(seen)
			if rest, err := io.ReadAll(lines); err != nil || string(rest) != "the end\n" {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

// What must not be changed keeps the coding, and the lack of one, that it had.
func TestHideCodedNoTransform(t *testing.T) {
	server := &asked{plain: true}
	srv := httptest.NewServer(server.page("no-transform, max-age=60"))
	defer srv.Close()
	_, c, _, _ := filtered(t, hideRules, nil)
	resp, body := visit(srv.URL+"/", "Accept-Encoding", "gzip, br").do(t, c)
	if h := resp.Header; body != longPage || h.Get("Content-Encoding") != "" || h.Get("Vary") != "Cookie" || h.Get("Etag") != `"v1"` {
		t.Errorf("%v\n%s", h, body)
	}
}

// A page without a cache is coded, too, and its tag known again.
func TestHideCodedUncached(t *testing.T) {
	server := &asked{}
	srv := httptest.NewServer(server.page("max-age=60"))
	defer srv.Close()
	_, c, _, _ := filtered(t, hideRules, func(o *forward.Options) { o.Store = nil })
	first, _ := visit(srv.URL+"/", "Accept-Encoding", "br").do(t, c)
	tag := first.Header.Get("Etag")
	for accept, want := range map[string]int{"br": 304, "zstd, br": 304, "gzip": 200} {
		resp, _ := visit(srv.URL+"/", "Accept-Encoding", accept, "If-None-Match", tag).do(t, c)
		if resp.StatusCode != want || want == 304 && (resp.Header.Get("Etag") != tag || resp.Header.Get("Vary") != "Cookie, Accept-Encoding") {
			t.Errorf("%s: %s %v", accept, resp.Status, resp.Header)
		}
	}
}

// A page that is too short for a coding is the same for all: who accepts others
// than who came first has it confirmed.
func TestHideCodedShort(t *testing.T) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Etag", `"v1"`)
		w.Header().Set("Cache-Control", "max-age=60")
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(304)
			return
		}
		asked.Add(1)
		io.WriteString(w, aPage)
	}))
	defer srv.Close()
	_, c, _, _ := filtered(t, hideRules, nil)
	for _, accept := range []string{"br", "gzip", "identity", "zstd", "br"} {
		resp, body := visit(srv.URL+"/", "Accept-Encoding", accept).do(t, c)
		if h := resp.Header; h.Get("Content-Encoding") != "" || h.Get("Vary") != "Accept-Encoding" || !strings.Contains(body, "<style>") || asked.Load() != 1 {
			t.Errorf("%s: sent %d times, %v", accept, asked.Load(), h)
		}
	}
	resp, body := visit(srv.URL+"/", "Accept-Encoding", "gzip, identity;q=0").do(t, c)
	if h := resp.Header; h.Get("Content-Encoding") != "gzip" || !strings.Contains(decoded(t, resp, body), "<style>") || asked.Load() != 2 {
		t.Errorf("gzip and nothing else: sent %d times, %v", asked.Load(), h)
	}
}
