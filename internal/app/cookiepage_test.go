package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asker returns a function that asks through a filter.
func asker(t *testing.T, p *program) func(address string, fields ...string) http.Header {
	t.Helper()
	by, err := url.Parse(p.url())
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(by)}
	t.Cleanup(tr.CloseIdleConnections)
	return func(address string, fields ...string) http.Header {
		r, err := http.NewRequest("GET", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		resp, err := tr.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp.Header
	}
}

// The flags of cookies and fields reach the proxy.
func TestFilterPolicies(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Header()["Set-Cookie"] = []string{"a=1; Max-Age=8640000", "_ga=2"}
	}))
	defer server.Close()
	fields := []string{"Accept", "image/png", "Referer", "http://page.example/x?y", "Cookie", "a=1; _ga=3", "User-Agent", "me", "Sec-CH-UA-Model", "x", "Sec-CH-UA", "y"}
	for _, tt := range []struct {
		flags string
		set   string
		sent  [5]string // Cookie, Referer, Sec-GPC, User-Agent, client hints
	}{
		{"", "", [5]string{"", "http://page.example/", "1", "me", "y"}},
		{"--cookies allow --cookie-life 1d --cookie _ga*@*=refuse --referrer none --gpc off --user-agent other --client-hints keep", "a=1; Max-Age=86400", [5]string{"a=1", "", "", "other", ""}},
		{"--cookies refuse --cookie a.example=session --referrer keep --client-hints drop", "a=1|_ga=2", [5]string{"a=1; _ga=3", "http://page.example/x?y", "1", "me", ""}},
	} {
		p := start(t, strings.Fields("filter --listen 127.0.0.1:0 --allow-private --parent "+server.URL+" "+tt.flags)...)
		set := asker(t, p)("http://a.example/", fields...)["Set-Cookie"]
		sent := [5]string{got.Get("Cookie"), got.Get("Referer"), got.Get("Sec-GPC"), got.Get("User-Agent"), got.Get("Sec-CH-UA-Model") + got.Get("Sec-CH-UA")}
		if strings.Join(set, "|") != tt.set || sent != tt.sent {
			t.Errorf("%s:\nset  %q, sent %q\nwant %q, %q", tt.flags, set, sent, tt.set, tt.sent)
		}
		p.stop()
	}
	p := start(t, "filter", "--listen", "127.0.0.1:0", "--cookie", "a.example=perhaps")
	p.wait()
	contains(t, p.stderr.String(), `"perhaps" is no policy for cookies`)
}

// What is chosen on the monitor's page holds at once and after a restart; an
// explanation of a request tells what was done.
func TestFilterChoice(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = []string{"player=SECRET; Max-Age=8640000"}
	}))
	defer server.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a long secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	begin := func() (*program, func() http.Header) {
		p := start(t, "filter", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--monitor-token", token, "--allow-private",
			"--parent", server.URL, "--data", data, "--request-id", "always", "--access-log", "off")
		ask := asker(t, p)
		return p, func() http.Header {
			return ask("http://video.example/", "Accept", "image/png", "Referer", "http://page.example/")
		}
	}
	monitored := func(p *program, method, path, body string) (int, string) {
		r, _ := http.NewRequest(method, strings.TrimSuffix(p.monitor(), "/")+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer a long secret")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	p, ask := begin()
	got := ask()
	if got["Set-Cookie"] != nil {
		t.Errorf("at first: %q", got["Set-Cookie"])
	}
	if _, why := monitored(p, "GET", "/why/"+got.Get("Freshet-Id")+".txt", ""); !strings.Contains(why, "1 cookie refused") || strings.Contains(why, "SECRET") {
		t.Errorf("why:\n%s", why)
	}
	if _, table := monitored(p, "GET", "/cookies.csv", ""); !strings.Contains(table, "\nplayer,video.example,video.example,third,refused: it is a third party's,") || strings.Contains(table, "SECRET") {
		t.Errorf("table:\n%s", table)
	}
	if status, text := monitored(p, "POST", "/cookies/choose", "site=video.example&policy=session"); status != 200 {
		t.Errorf("choose: %d %s", status, text)
	}
	if set := ask()["Set-Cookie"]; strings.Join(set, "|") != "player=SECRET" {
		t.Errorf("once chosen: %q", set)
	}
	p.stop()
	p, ask = begin()
	if set := ask()["Set-Cookie"]; strings.Join(set, "|") != "player=SECRET" {
		t.Errorf("after a restart: %q", set)
	}
	p.stop()
}
