package applications

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// answer is a response with its body.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// browser is a client without cookies that follows nothing and unpacks nothing.
var browser = &http.Client{
	Timeout:       time.Minute,
	Transport:     &http.Transport{DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get asks for a URL, with header as names and values in turn.
func get(t *testing.T, url string, header ...string) *answer {
	t.Helper()
	return request(t, http.MethodGet, url, nil, header...)
}

func request(t *testing.T, method, url string, body io.Reader, header ...string) *answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return &answer{resp.StatusCode, resp.Header, b}
}

// ofTheWay are fields that a proxy on the way makes, or that are of the moment.
var ofTheWay = []string{"Age", "Cache-Status", "Connection", "Content-Length", "Date", "Freshet-Id", "Keep-Alive", "Server", "Transfer-Encoding", "Via"}

// differs says in what got is another answer than want, "" for nothing.
func differs(got, want *answer) string {
	if got.status != want.status {
		return fmt.Sprintf("status %d, want %d", got.status, want.status)
	}
	if !bytes.Equal(got.body, want.body) {
		return fmt.Sprintf("another body of %d bytes, want %d", len(got.body), len(want.body))
	}
	names := map[string]bool{}
	for name := range got.header {
		names[name] = true
	}
	for name := range want.header {
		names[name] = true
	}
	for name := range names {
		g, w := got.header.Values(name), want.header.Values(name)
		if name == "Vary" { // the same members may be in other lines
			g, w = members(g), members(w)
		}
		if !slices.Contains(ofTheWay, name) && !slices.Equal(g, w) {
			return fmt.Sprintf("%s: %q, want %q", name, g, w)
		}
	}
	return ""
}

func members(lines []string) []string {
	var all []string
	for m := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		all = append(all, strings.ToLower(strings.TrimSpace(m)))
	}
	slices.Sort(all)
	return all
}

// hit reports whether an answer came from the cache without a request to the
// application.
func (a *answer) hit() bool { return strings.HasPrefix(a.header.Get("Cache-Status"), "freshet; hit") }

// validated reports whether the application said that what was stored is still
// good.
func (a *answer) validated() bool {
	return strings.Contains(a.header.Get("Cache-Status"), "fwd-status=304")
}

var link = regexp.MustCompile(`(?:href|src)=["']([^"']+)["']`)

// crawl asks an application for the pages that start names and for what they
// link to on the same host, at most most of them. skip leaves some out.
func crawl(t *testing.T, base string, start []string, most int, skip func(path string) bool) map[string]*answer {
	t.Helper()
	found := map[string]*answer{}
	for queue := slices.Clone(start); len(queue) > 0 && len(found) < most; queue = queue[1:] {
		path := queue[0]
		if found[path] != nil || skip(path) {
			continue
		}
		a := get(t, base+path)
		found[path] = a
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			continue
		}
		page, err := url.Parse(base + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(a.body, -1) {
			to, err := page.Parse(strings.ReplaceAll(string(m[1]), "&amp;", "&"))
			if err == nil && to.Host == page.Host && to.Scheme == page.Scheme {
				queue = append(queue, to.RequestURI())
			}
		}
	}
	return found
}

// passes is how the answers to one walk through the proxy came about.
type passes struct{ all, hits, validated int }

// walk asks through the proxy for everything that was found directly, and
// compares.
func walk(t *testing.T, what, proxy string, direct map[string]*answer) passes {
	t.Helper()
	var p passes
	for path, want := range direct {
		got := get(t, proxy+path)
		if d := differs(got, want); d != "" {
			t.Errorf("%s: %s: %s (%s)", what, path, d, got.header.Get("Cache-Status"))
		}
		p.all++
		if got.hit() {
			p.hits++
		}
		if got.validated() {
			p.validated++
		}
	}
	t.Logf("%s: %d answers, %d from the cache, %d validated", what, p.all, p.hits, p.validated)
	return p
}
