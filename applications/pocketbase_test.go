package applications

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// buildPocketBase builds the version that go.mod names, once for all tests.
var buildPocketBase = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(freshet), "pocketbase")
	out, err := exec.Command("go", "build", "-o", path, "github.com/pocketbase/pocketbase/examples/base").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build PocketBase: %w: %s", err, bytes.TrimSpace(out))
	}
	return path, err
})

// pocketBase is a running PocketBase with a collection of notes, which anybody
// may read, write and change.
type pocketBase struct {
	url   string
	token string // of the administrator
}

func startPocketBase(t *testing.T) *pocketBase {
	t.Helper()
	program, err := buildPocketBase()
	if err != nil {
		cannotBeHad(t, "%v", err)
	}
	data := filepath.Join(t.TempDir(), "data")
	command(t, t.TempDir(), nil, program, "superuser", "upsert", "admin@example.com", "not a secret", "--dir", data)
	addr := freeAddr(t)
	start(t, addr, nil, program, "serve", "--http", addr, "--dir", data, "--dev=false")
	p := &pocketBase{url: "http://" + addr}
	var login struct{ Token string }
	p.call(t, http.MethodPost, p.url+"/api/collections/_superusers/auth-with-password", map[string]any{"identity": "admin@example.com", "password": "not a secret"}, &login)
	p.token = login.Token
	p.call(t, http.MethodPost, p.url+"/api/collections", map[string]any{
		"name": "notes", "type": "base", "listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": "",
		"fields": []map[string]any{{"name": "text", "type": "text"}, {"name": "file", "type": "file", "maxSelect": 1}},
	}, nil)
	return p
}

// call makes a request of the JSON API as the administrator, and reads the
// answer into result.
func (p *pocketBase) call(t *testing.T, method, url string, body, result any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	a := request(t, method, url, bytes.NewReader(b), "Content-Type", "application/json", "Authorization", p.token)
	if a.status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, a.status, a.body)
	}
	if result != nil {
		if err := json.Unmarshal(a.body, result); err != nil {
			t.Fatal(err)
		}
	}
}

// upload adds a note with a file by way of base, and returns its id and the
// path of the file.
func upload(t *testing.T, base, text string, file []byte) (id, path string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("text", text)
	f, _ := w.CreateFormFile("file", "file.txt")
	f.Write(file)
	w.Close()
	a := request(t, http.MethodPost, base+"/api/collections/notes/records", &body, "Content-Type", w.FormDataContentType())
	var note struct{ ID, File string }
	if err := json.Unmarshal(a.body, &note); err != nil || note.File == "" {
		t.Fatalf("upload: %d %s", a.status, a.body)
	}
	return note.ID, "/api/files/notes/" + note.ID + "/" + note.File
}

// TestPocketBaseInterface loads the administrator's interface, whose parts say
// that they are good for two weeks, and whose page says nothing.
func TestPocketBaseInterface(t *testing.T) {
	p := startPocketBase(t)
	direct := crawl(t, p.url, []string{"/_/", "/api/health", "/no/such/page"}, 100, func(path string) bool { return strings.HasPrefix(path, "/api/") && path != "/api/health" })
	if len(direct) < 10 {
		t.Fatalf("only %d answers", len(direct))
	}
	for _, c := range []struct {
		name  string
		flags []string
		most  int // bytes of a body that is kept by default
	}{
		{"memory", nil, 1 << 20},
		{"disk", []string{"--data", filepath.Join(t.TempDir(), "cache")}, 1 << 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			fresh := 0
			for _, a := range direct {
				if strings.Contains(a.header.Get("Cache-Control"), "max-age") && len(a.body) <= c.most {
					fresh++
				}
			}
			proxy := startProxy(t, p.url, c.flags...)
			if got := walk(t, "cold", proxy, direct); got.hits != 0 {
				t.Errorf("%d hits in an empty cache", got.hits)
			}
			if got := walk(t, "warm", proxy, direct); got.hits != fresh || fresh == 0 {
				t.Errorf("%d hits, want the %d that say how long they are good", got.hits, fresh)
			}
		})
	}
}

// TestPocketBaseCodings asks for one script compressed and not: each gets its
// own, from the cache too.
func TestPocketBaseCodings(t *testing.T) {
	p := startPocketBase(t)
	proxy := startProxy(t, p.url)
	const path = "/_/libs/tinymce/tinymce.min.js"
	for _, coding := range []string{"gzip", "identity", "gzip, br"} {
		want := get(t, p.url+path, "Accept-Encoding", coding)
		if want.status != http.StatusOK {
			t.Fatalf("%s: status %d", path, want.status)
		}
		for _, what := range []string{"cold", "warm"} {
			got := get(t, proxy+path, "Accept-Encoding", coding)
			if d := differs(got, want); d != "" {
				t.Errorf("%s, %s: %s (%s)", coding, what, d, got.header.Get("Cache-Status"))
			}
			if what == "warm" && !got.hit() {
				t.Errorf("%s: %s", coding, got.header.Get("Cache-Status"))
			}
		}
	}
}

// TestPocketBaseFiles uploads a file through the proxy and reads it back:
// whole, in part, and only if it changed.
func TestPocketBaseFiles(t *testing.T) {
	p := startPocketBase(t)
	proxy := startProxy(t, p.url)
	body := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	_, path := upload(t, proxy, "a note", body)
	if a := get(t, p.url+path); !bytes.Equal(a.body, body) {
		t.Fatalf("%d bytes arrived, want %d", len(a.body), len(body))
	}
	modified := get(t, p.url+path).header.Get("Last-Modified")
	for i, header := range [][]string{nil, nil, {"Range", "bytes=100-299"}, {"Range", "bytes=-5"}, {"If-Modified-Since", modified}, {"Range", "bytes=9999999-"}} {
		want, got := get(t, p.url+path, header...), get(t, proxy+path, header...)
		// A 304 need not repeat what describes the body, and a 416 has a page.
		if got.status != want.status || got.status < 300 && differs(got, want) != "" {
			t.Errorf("%q: status %d, want %d: %s", header, got.status, want.status, differs(got, want))
		}
		if i > 0 && !got.hit() {
			t.Errorf("%q: %s", header, got.header.Get("Cache-Status"))
		}
	}
}

// TestPocketBaseChanges adds, changes and removes notes through the proxy and
// directly, and sees each change through the proxy at once.
func TestPocketBaseChanges(t *testing.T) {
	p := startPocketBase(t)
	proxy := startProxy(t, p.url)
	const list = "/api/collections/notes/records"
	same := func(what, path string) {
		t.Helper()
		if d := differs(get(t, proxy+path), get(t, p.url+path)); d != "" {
			t.Errorf("%s: %s: %s", what, path, d)
		}
	}
	same("empty", list)
	for _, by := range []string{proxy, p.url} {
		id, _ := upload(t, by, "first", []byte("x"))
		same("added", list)
		same("added", list+"/"+id)
		p.call(t, http.MethodPatch, by+list+"/"+id, map[string]any{"text": "second"}, nil)
		same("changed", list)
		same("changed", list+"/"+id)
		if a := get(t, proxy+list+"/"+id); !bytes.Contains(a.body, []byte("second")) {
			t.Errorf("changed: %s", a.body)
		}
		if a := request(t, http.MethodDelete, by+list+"/"+id, nil); a.status != http.StatusNoContent {
			t.Errorf("remove: %d %s", a.status, a.body)
		}
		same("removed", list)
		same("removed", list+"/"+id)
	}
}

// TestPocketBaseLogin asks for what needs a login with one and without, in both
// orders: what the administrator sees is shown to nobody else.
func TestPocketBaseLogin(t *testing.T) {
	p := startPocketBase(t)
	proxy := startProxy(t, p.url)
	for _, path := range []string{"/api/collections", "/api/settings", "/api/logs"} {
		for range 2 {
			if a := get(t, proxy+path); a.status != http.StatusUnauthorized {
				t.Errorf("%s without a login: %d %.100s", path, a.status, a.body)
			}
			if a := get(t, proxy+path, "Authorization", p.token); a.status != http.StatusOK {
				t.Errorf("%s with a login: %d %.100s", path, a.status, a.body)
			}
		}
	}
}

// TestPocketBaseEvents listens to live events through the proxy: each must
// come when it happens, and not when the answer ends.
func TestPocketBaseEvents(t *testing.T) {
	p := startPocketBase(t)
	proxy := startProxy(t, p.url)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy+"/api/realtime", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := make(chan map[string]string)
	go func() {
		defer close(events)
		lines, event := bufio.NewScanner(resp.Body), map[string]string{}
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ":")
			if lines.Text() != "" {
				event[name] = strings.TrimSpace(value)
				continue
			}
			select {
			case events <- event:
			case <-t.Context().Done():
				return
			}
			event = map[string]string{}
		}
	}()
	next := func() map[string]string {
		t.Helper()
		select {
		case e := <-events:
			return e
		case <-time.After(20 * time.Second):
			t.Fatal("no event")
			return nil
		}
	}
	var hello struct{ ClientID string }
	if e := next(); e["event"] != "PB_CONNECT" || json.Unmarshal([]byte(e["data"]), &hello) != nil {
		t.Fatalf("got %q", e)
	}
	body := fmt.Sprintf(`{"clientId":%q,"subscriptions":["notes/*"]}`, hello.ClientID)
	if a := request(t, http.MethodPost, proxy+"/api/realtime", strings.NewReader(body), "Content-Type", "application/json"); a.status != http.StatusNoContent {
		t.Fatalf("subscribe: %d %s", a.status, a.body)
	}
	for _, text := range []string{"one", "two"} {
		upload(t, p.url, text, []byte("x"))
		if e := next(); e["event"] != "notes/*" || !strings.Contains(e["data"], fmt.Sprintf(`"text":%q`, text)) {
			t.Errorf("got %q, want the note %s", e, text)
		}
	}
}
