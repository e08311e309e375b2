package monitor

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/sealedfolder"
	"freshet/jobs"
)

// markup is a name that a job may have.
const markup = `"'><script>alert(1)</script>`

// withQueue makes a monitor of a queue of which nobody runs anything, with a job
// whose tasks have made the files of a folder.
func withQueue(t *testing.T, dir string) (*fixture, jobs.ID) {
	t.Helper()
	log, err := jobs.OpenFileLog(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	queue, err := jobs.New(t.Context(), log, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := queue.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	ids, err := queue.Submit(t.Context(), jobs.Spec{Name: markup, Command: []string{"true", markup}, Array: jobs.Range(1, 3)})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(o *Options) {
		o.Jobs = queue
		o.JobLog = func(jobs.ID, int64, int) ([]byte, int64, error) { return []byte(hostile), 7, nil }
		o.JobFiles = func(jobs.ID, int64) (list []jobs.File, err error) {
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				info, err := e.Info()
				if err != nil {
					return nil, err
				}
				list = append(list, jobs.File{Name: e.Name(), Size: info.Size()})
			}
			return list, err
		}
		o.OpenJobFile = func(_ jobs.ID, _ int64, name string) (*sealedfolder.File, error) {
			return new(sealedfolder.Folder).OpenFile(filepath.Join(dir, name), "")
		}
	})
	return f, ids[0]
}

const (
	png  = "\x89PNG\r\n\x1a\n0000"
	avif = "\x00\x00\x00\x1cftypavif0000"
)

// Pictures are shown, by what stands in them; everything else is saved, whatever
// it is called.
func TestJobFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"a.png": png, "b.gif": "GIF89a0", "c.JPG": "\xff\xd8\xff\xe0", "d.webp": "RIFF0000WEBPVP8 ", "e.avif": avif,
		"fake.png": "<script>alert(1)</script>", "s.svg": "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "t.html": "<h1>x", "log.txt": png, "ä\".bin": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, id := withQueue(t, dir)
	h := f.Handler()
	at := func(name string) string { return fileAddress(id, 1, name) }
	owner := []string{"Authorization", "Bearer owner's token"}

	page := send(h, "GET", logAddress(id, 1), "", append(owner, "Accept", "text/html")...)
	if page.Code != 200 {
		t.Fatal(page.Code, page.Body)
	}
	for name, shown := range map[string]bool{"a.png": true, "b.gif": true, "c.JPG": true, "d.webp": true, "e.avif": true, "fake.png": false, "s.svg": false, "t.html": false, "log.txt": false} {
		link := strings.ReplaceAll(at(name), "&", "&amp;")
		if body := page.Body.String(); !strings.Contains(body, `href="`+link+`"`) || strings.Contains(body, `<img src="`+link+`"`) != shown {
			t.Errorf("%s: link or picture is wrong", name)
		}
	}
	for name, want := range map[string]string{"a.png": "image/png", "b.gif": "image/gif", "c.JPG": "image/jpeg", "d.webp": "image/webp", "e.avif": "image/avif",
		"fake.png": "", "s.svg": "", "t.html": "", "log.txt": "image/png", "ä\".bin": ""} {
		w := send(h, "GET", at(name), "", owner...)
		shown := "inline"
		if want == "" {
			want, shown = "application/octet-stream", "attachment"
		}
		got := w.Header()
		if w.Code != 200 || got.Get("Content-Type") != want || !strings.HasPrefix(got.Get("Content-Disposition"), shown+"; filename") || got.Get("X-Content-Type-Options") != "nosniff" ||
			got.Get("Cache-Control") != "private, no-cache" || got.Get("Content-Security-Policy") != "default-src 'none'; sandbox" {
			t.Errorf("%s: %d %v", name, w.Code, got)
		}
		if w := send(h, "GET", at(name), "", append(owner, "If-None-Match", got.Get("Etag"))...); w.Code != 304 || w.Body.Len() > 0 {
			t.Errorf("%s again: %d", name, w.Code)
		}
	}
	if w := send(h, "GET", at("a.png"), "", append(owner, "Range", "bytes=1-3")...); w.Code != 206 || w.Body.String() != "PNG" {
		t.Errorf("a part: %d %q", w.Code, w.Body)
	}
	if w := send(h, "HEAD", at("a.png"), "", owner...); w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Length") != "12" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	for name, tt := range map[string]struct {
		method, at string
		status     int
	}{
		"no such file": {"GET", at("none"), 404},
		"no such job":  {"GET", fileAddress("none", 1, "a.png"), 404},
		"no number":    {"GET", jobFilePath + "?" + url.Values{"id": {string(id)}, "name": {"a.png"}}.Encode(), 400},
		"POST":         {"POST", at("a.png"), 405},
	} {
		if w := send(h, tt.method, tt.at, "", owner...); w.Code != tt.status {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	// Who may look at the monitor may not for that see what programs have made.
	if w := send(h, "GET", at("a.png"), ""); w.Code != http.StatusUnauthorized || strings.Contains(w.Body.String(), "PNG") {
		t.Errorf("without the token: %d", w.Code)
	}
}

// The pages of jobs are about what is there, with all text as text, and so are
// their events.
func TestJobPages(t *testing.T) {
	f, id := withQueue(t, t.TempDir())
	h := f.Local()
	for _, at := range []string{"/jobs", jobAddress(id), logAddress(id, 1), actAddress(id, "cancel")} {
		w := send(h, "GET", at, "", "Accept", "text/html")
		if body := w.Body.String(); w.Code != 200 || strings.Contains(body, "<script>alert") {
			t.Errorf("%s: %d, or it has text as markup", at, w.Code)
		}
	}
	for at, live := range map[string]bool{"/jobs": true, "/jobs?state=queued": false, jobAddress(id): true, jobAddress(id) + "&state=queued": false, jobAddress(id) + "&offset=1": false} {
		if body := send(h, "GET", at, "", "Accept", "text/html").Body.String(); strings.Contains(body, "data-events=") != live {
			t.Errorf("%s: live %v", at, !live)
		}
	}
	for name, source := range map[string]liveSource{"jobs": jobsEvents, "job": jobEvents} {
		events, err := source(f.Monitor, &query{page: "/" + name, values: url.Values{"id": {string(id)}}})
		if err != nil {
			t.Fatal(err)
		}
		text := string(events(nil, time.Now()))
		if want := map[string]string{"jobs": `"id":"` + string(id) + `"`, "job": `"id":"3"`}[name]; !strings.Contains(text, want) || strings.Contains(text, "<script>alert") {
			t.Errorf("%s: %s", name, text)
		}
	}
	gone, err := jobEvents(f.Monitor, &query{values: url.Values{"id": {"none"}}})
	if err != nil {
		t.Fatal(err)
	}
	if b := gone(nil, time.Now()); len(b) > 0 {
		t.Errorf("of a job that there is not: %s", b)
	}
	if topic, plain := topicOf(url.Values{"page": {"job"}, "id": {"x"}, "more": {"y"}}); plain || topic.Encode() != "id=x&page=job" {
		t.Errorf("%v %v", topic, plain)
	}
	none := newFixture(t, nil)
	for name, source := range map[string]liveSource{"jobs": jobsEvents, "job": jobEvents, "servers": serversEvents} {
		if _, err := source(none.Monitor, &query{}); err == nil {
			t.Errorf("%s without a queue", name)
		}
	}
}
