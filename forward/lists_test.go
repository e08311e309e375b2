package forward_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/filterlist"
	"freshet/forward"
)

// publisher answers requests for lists, as the next answer says.
type publisher struct {
	mu     sync.Mutex
	answer func(*http.Request) (*http.Response, error)
	asked  []http.Header
}

func (p *publisher) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Header.Clone())
	resp, err := p.answer(r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

// publish sets what is answered from now on.
func (p *publisher) publish(answer func(*http.Request) (*http.Response, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

func (p *publisher) times() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// edition is an answer with a list.
func edition(text string, fields ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"text/plain"}}
		for i := 0; i+1 < len(fields); i += 2 {
			h.Set(fields[i], fields[i+1])
		}
		resp := &http.Response{StatusCode: 200, Status: "200 OK", Header: h, Body: io.NopCloser(strings.NewReader(text))}
		if tag := h.Get("Etag"); tag != "" && r.Header.Get("If-None-Match") == tag {
			resp.StatusCode, resp.Status, resp.Body = 304, "304 Not Modified", http.NoBody
		}
		return resp, nil
	}
}

func fails(*http.Request) (*http.Response, error) { return nil, errors.New("no network") }

var quiet = slog.New(slog.DiscardHandler)

// listOptions are those of a handler with one list from an address.
func listOptions(p *publisher, folder string) forward.Options {
	return forward.Options{Lists: []forward.ListSource{{URL: "https://lists.example/ads.txt"}}, ListTransport: p, ListFolder: folder, ErrorLog: quiet}
}

// blocks reports whether a script of a host is blocked.
func blocks(h *forward.Handler, host string) bool {
	return h.Judge(filterlist.Request{URL: "http://" + host + "/x.js", Type: filterlist.Script, Page: "http://news.example/"}).Action == filterlist.Block
}

// A list is asked for when it says so, with the validators of what is there.
func TestListRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &publisher{answer: edition("! Title: Ads\n! Expires: 6 hours\n||a.example^\n", "Etag", `"1"`)}
		h, err := forward.New(listOptions(p, t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if !blocks(h, "a.example") || blocks(h, "b.example") {
			t.Error("the list does not hold")
		}
		s := h.Lists()[0]
		if s.Name != "ads.txt" || s.Info.Title != "Ads" || !s.Loaded || time.Until(s.Next) != 6*time.Hour {
			t.Errorf("%+v", s)
		}
		time.Sleep(6*time.Hour - time.Second)
		synctest.Wait()
		if n := p.times(); n != 1 {
			t.Fatalf("asked %d times before it is due", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := p.times(); n != 2 || p.asked[1].Get("If-None-Match") != `"1"` {
			t.Fatalf("asked %d times, %v", n, p.asked)
		}
		if now := h.Lists()[0]; !now.Looked.After(s.Looked) || !now.Read.Equal(s.Read) || now.Error != "" {
			t.Errorf("after a 304: %+v", now)
		}
		p.publish(edition("||b.example^\n", "Etag", `"2"`))
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		if now := h.Lists()[0]; blocks(h, "a.example") || !blocks(h, "b.example") || now.Added != 1 || now.Removed != 1 || now.Next.Sub(now.Looked) != 24*time.Hour {
			t.Errorf("after a new edition: %+v", now)
		}
	})
}

// What is no list, or none at all, leaves the edition that was there.
func TestListBroken(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		says   string
	}{
		"no network": {fails, "no network"},
		"an error": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 500, Status: "500 Oops", Body: http.NoBody}, nil
		}, "500 Oops"},
		"nothing":      {edition(""), "no rules"},
		"comments":     {edition("! Title: x\n# y\n\n[Adblock Plus]\n"), "no rules"},
		"a login page": {edition("<!DOCTYPE html><title>Hotel</title>"), "HTML page"},
		"called HTML":  {edition("||a.example^\n", "Content-Type", "text/html; charset=utf-8"), "HTML page"},
		"bad coding":   {edition("||a.example^\n", "Content-Encoding", "gzip"), "gzip"},
		"other coding": {edition("||a.example^\n", "Content-Encoding", "compress"), "compress"},
		"a bomb":       {edition(strings.Repeat(string(gzipped(strings.Repeat("||ads.example^\n", 1<<16))), 70), "Content-Encoding", "gzip"), "more than"},
		"to http": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 302, Status: "302 Found", Header: http.Header{"Location": {"http://lists.example/"}}, Body: http.NoBody}, nil
		}, "from https to http"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &publisher{answer: edition("||a.example^\n")}
				h, err := forward.New(listOptions(p, ""))
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				p.publish(tt.answer)
				time.Sleep(25 * time.Hour)
				synctest.Wait()
				s := h.Lists()[0]
				if !blocks(h, "a.example") || !s.Loaded || !strings.Contains(s.Error, tt.says) {
					t.Errorf("%+v", s)
				}
				if n := p.times(); n < 5 || n > 12 {
					t.Errorf("asked %d times in an hour", n)
				}
				p.publish(edition("||b.example^\n"))
				time.Sleep(time.Hour + time.Second)
				synctest.Wait()
				if !blocks(h, "b.example") || h.Lists()[0].Error != "" {
					t.Errorf("it does not come back: %+v", h.Lists()[0])
				}
			})
		})
	}
}

// A start without a network has the edition of the last time; the first start
// goes without, and takes the list when it can be had.
func TestListKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		p := &publisher{answer: fails}
		first, err := forward.New(listOptions(p, folder))
		if err != nil {
			t.Fatal(err)
		}
		if s := first.Lists()[0]; s.Loaded || s.Error == "" || blocks(first, "a.example") {
			t.Errorf("without anything: %+v", s)
		}
		p.publish(edition("||a.example^\n", "Etag", `"1"`, "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT"))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !blocks(first, "a.example") {
			t.Error("it is not asked again")
		}
		first.Close()
		p.publish(fails)
		asked := p.times()
		second, err := forward.New(listOptions(p, folder))
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		if !blocks(second, "a.example") || p.times() != asked {
			t.Errorf("after a restart: %+v", second.Lists()[0])
		}
		p.publish(edition("||a.example^\n", "Etag", `"1"`))
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if last := p.asked[len(p.asked)-1]; last.Get("If-None-Match") != `"1"` || last.Get("If-Modified-Since") == "" || second.Lists()[0].Error != "" {
			t.Errorf("asked with %v: %+v", last, second.Lists()[0])
		}
		// What is in the folder and no list of ours is not used.
		files, err := filepath.Glob(filepath.Join(folder, "*.list"))
		if err != nil || len(files) != 1 {
			t.Fatal(files, err)
		}
		if err := os.WriteFile(files[0], []byte("{}\n||c.example^\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.publish(fails)
		third, err := forward.New(listOptions(p, folder))
		if err != nil {
			t.Fatal(err)
		}
		defer third.Close()
		if s := third.Lists()[0]; s.Loaded {
			t.Errorf("of a spoilt folder: %+v", s)
		}
	})
}

// A file that is written over holds within seconds; one that goes leaves what it
// had.
func TestListFileFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := listFile(t, "||a.example^\n")
		h, err := forward.New(forward.Options{Lists: []forward.ListSource{source}, ErrorLog: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		if err := os.WriteFile(source.File, []byte("||a.example^\n||bb.example^\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !blocks(h, "bb.example") {
			t.Error("the new rule does not hold")
		}
		os.Remove(source.File)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s := h.Lists()[0]; !blocks(h, "bb.example") || s.Error == "" {
			t.Errorf("the file is gone: %+v", s)
		}
	})
}

func TestListFaults(t *testing.T) {
	for says, s := range map[string]forward.ListSource{
		"a file or an address": {},
		"one of them":          {File: "x", URL: "http://x.example/"},
		"no http or https":     {URL: "ftp://x.example/"},
		"no such file":         {File: filepath.Join(t.TempDir(), "none")},
		"no rules":             listFile(t, "! nothing\n"),
		"HTML page":            listFile(t, "<html>"),
	} {
		if h, err := forward.New(forward.Options{Lists: []forward.ListSource{s}, ErrorLog: quiet}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v", s, err)
			if err == nil {
				h.Close()
			}
		}
	}
}

// While lists change, each request is answered by one edition or the other, and
// none by half of both.
func TestReloadUnderLoad(t *testing.T) {
	source := listFile(t, "/ads/$image\n##.one\n")
	h, err := forward.New(forward.Options{AllowPrivate: true, Lists: []forward.ListSource{source}, ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	c, file := through(t, serveHandler(t, h, nil)), source.File
	var wrong atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				j := h.Judge(filterlist.Request{URL: "http://x.example/ads/y", Type: filterlist.Image})
				if j.Action != filterlist.Block || !strings.HasPrefix(j.Verdict.Rule.Text, "/ads/") {
					wrong.Add(1)
				}
				h.Lists()
				h.LatestCuts()
			}
		})
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, _ := http.NewRequest("GET", "http://x.example/ads/y", nil)
				r.Header.Set("Sec-Fetch-Dest", "image")
				resp, err := c.Do(r)
				if err != nil {
					wrong.Add(1)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.Header.Get("Content-Type") != "image/gif" {
					wrong.Add(1)
				}
			}
		})
	}
	for i := range 20 {
		text := fmt.Sprintf("/ads/$image,third-party=%d\n/ads/\n##.n%d\n", i, i)
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
		before := h.Lists()[0].Read
		h.Reload()
		for deadline := time.Now().Add(time.Minute); h.Lists()[0].Read.Equal(before); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the list is not read")
			}
		}
	}
	close(stop)
	all.Wait()
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d verdicts are wrong", n)
	}
}

// A list comes by the way of requests, from no address that they may not reach.
func TestListGuarded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "||a.example^\n") }))
	defer server.Close()
	for _, private := range []bool{false, true} {
		h, err := forward.New(forward.Options{AllowPrivate: private, Lists: []forward.ListSource{{URL: server.URL + "/l"}}, ErrorLog: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if s := h.Lists()[0]; s.Loaded != private || (s.Error == "") != private || blocks(h, "a.example") != private {
			t.Errorf("private addresses %v: %+v", private, s)
		}
		h.Close()
	}
}
