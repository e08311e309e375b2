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

// A list of the command line blocks; who is blocked is told where it can be let
// pass, and the monitor does that.
func TestFilterLists(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "real") }))
	defer origin.Close()
	list := filepath.Join(t.TempDir(), "rules.txt")
	if err := os.WriteFile(list, []byte("/horror$document\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a long secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "filter", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--monitor-token", token, "--allow-private", "--list", "mine="+list, "--request-id", "always")
	by, err := url.Parse(p.url())
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: by.Host})}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	ask := func() (int, string) {
		r, _ := http.NewRequest("GET", origin.URL+"/horror", nil)
		r.Header.Set("Accept", "text/html")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	status, body := ask()
	monitor := p.monitor()
	if status != 403 || !strings.Contains(body, "mine, line 1") || !strings.Contains(body, `href="`+strings.TrimSuffix(monitor, "/")+"/filter/allow?") {
		t.Fatalf("%d %s", status, body)
	}
	r, _ := http.NewRequest("POST", strings.TrimSuffix(monitor, "/")+"/filter/allow", strings.NewReader("site=127.0.0.1"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := range 2 {
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if want := []int{401, 200}[i]; resp.StatusCode != want {
			t.Fatalf("allow: %s, want %d", resp.Status, want)
		}
		r, _ = http.NewRequest("POST", r.URL.String(), strings.NewReader("site=127.0.0.1"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer a long secret")
	}
	if status, body := ask(); status != 200 || body != "real" {
		t.Errorf("allowed: %d %s", status, body)
	}
	http.DefaultClient.CloseIdleConnections()
	p.stop()
}

// At its start the command says, on standard error and in one line, what is in
// the lists that it has, or how to give one.
func TestFilterSaysItsLists(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	one := file("one", "! Title: One\n||ads.example^\n")
	two := file("two", "||a.example^\n@@||b.example^\n##.banner\n##+js(x, y)\n##+js(x, z)\n||c.example^$nonsense\n")
	for want, args := range map[string][]string{
		"no lists: nothing is blocked or hidden; --list FILE or --list URL gives one": nil,
		"filtering by 1 list: 1 rule":                                            {one},
		"filtering by 2 lists: 4 rules, 3 lines not understood":                  {one, two},
		"filtering by 2 lists: 1 rule; 1 list left out, which could not be read": {one, "http://127.0.0.1:1/list"},
	} {
		command := []string{"filter", "--listen", "127.0.0.1:0"}
		for _, l := range args {
			command = append(command, "--list", l)
		}
		p := start(t, command...)
		p.stderr.wait(t, `(?m)^(filtering by|no lists).*$`)
		var got []string
		for line := range strings.Lines(p.stderr.String()) {
			if strings.HasPrefix(line, "filtering by") || strings.HasPrefix(line, "no lists") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%v: %q, want %q", args, got, want)
		}
		p.stop()
		if strings.Contains(p.stdout.String(), want) {
			t.Errorf("%v: on standard output: %s", args, p.stdout.String())
		}
	}
}

// What follows --list is a file or an address, perhaps with a name.
func TestListSource(t *testing.T) {
	for text, want := range map[string][3]string{
		"rules.txt":                  {"", "rules.txt", ""},
		"a=rules.txt":                {"a", "rules.txt", ""},
		"./a=b.txt":                  {"", "./a=b.txt", ""},
		"https://x.example/l?a=b":    {"", "", "https://x.example/l?a=b"},
		"My list=http://x.example/l": {"My list", "", "http://x.example/l"},
		"=x":                         {"", "=x", ""},
	} {
		if s := listSource(text); [3]string{s.Name, s.File, s.URL} != want {
			t.Errorf("%s: %+v", text, s)
		}
	}
}
