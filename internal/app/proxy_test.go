package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/cache"
	"freshet/freshness"
	"freshet/internal/config"
	"freshet/proxy"
)

func TestProxy(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "path "+r.URL.Path)
	}))
	defer origin.Close()
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--key-drop", "utm_*")
	url := p.url()
	contains(t, p.stderr.String(), "serving "+origin.URL+" on http://127.0.0.1:")
	for i, query := range []string{"", "", "?utm_source=x"} {
		resp, body := get(t, url+"a/b"+query)
		if resp.StatusCode != 200 || body != "path /a/b" {
			t.Errorf("%v %q", resp, body)
		}
		if hit := strings.Contains(resp.Header.Get("Cache-Status"), "freshet; hit"); hit != (i > 0) {
			t.Errorf("request %d: Cache-Status: %s", i, resp.Header.Get("Cache-Status"))
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	p.stop()
	contains(t, p.stdout.String(), `"GET /a/b HTTP/1.1" 200 9 `)
}

func TestProxyWithoutCache(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, r.Host)
	}))
	defer origin.Close()
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--cache", "off", "--host", "www.example:81")
	url := p.url()
	for range 2 {
		if resp, body := get(t, url); body != "www.example:81" || resp.Header.Get("Cache-Status") != "" {
			t.Errorf("%v %q", resp, body)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the origin was asked %d times", n)
	}
	p.stop()
}

// What was kept on disk is there after a new start.
func TestProxyData(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "kept")
	}))
	defer origin.Close()
	dir := t.TempDir()
	for range 2 {
		p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--data", dir, "--host", "client")
		url := p.url()
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "a.example"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); string(body) != "kept" {
			t.Errorf("%q", body)
		}
		resp.Body.Close()
		p.stop()
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// Each flag reaches the option that it is about.
func TestProxyOptions(t *testing.T) {
	c, err := config.ParseProxy(strings.Fields("--to http://a --origin-http2 on --max-origin-connections 7 --balance least-connections --host client --trust 10.0.0.0/8 --proxy-name edge --show-next-hop "+
		"--retries off --max-fails off --fail-timeout 1s --connect-timeout 2s --origin-head-timeout 3s --origin-body-timeout off --upgrade-timeout off "+
		"--profile standard --max-object 1k --key-drop a --key-sort --key-header b --cache-status off --early-hints --max-variants 2 "+
		"--heuristic-percent off --max-heuristic 1h --max-stale off --max-disconnected off --ignore-request --lease 4s --hit-for-miss off"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantOrigins := proxy.Options{
		Origins: []string{"http://a"}, HTTP2: true, MaxConns: 7, Balance: proxy.LeastConnections, Host: proxy.HostClient, Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Name: "edge", ShowNextHop: true, Retries: -1, MaxFails: -1, FailTimeout: time.Second, ConnectTimeout: 2 * time.Second,
		HeadTimeout: 3 * time.Second, BodyTimeout: -1, UpgradeIdle: -1,
	}
	if got, err := originOptions(&c.Origins, discard()); err != nil || !reflect.DeepEqual(got, wantOrigins) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, wantOrigins)
	}
	wantCache := cache.Options{
		Name: "-", Profile: cache.Standard, Key: cache.KeyRules{Drop: []string{"a"}, Sort: true, Headers: []string{"B"}}, MaxObject: 1024, EarlyHints: true,
		MaxVariants: 2, Lease: 4 * time.Second, HitForMiss: -1,
		Freshness: freshness.Cache{HeuristicPercent: -1, MaxHeuristic: int64(time.Hour), MaxStale: -1, Disconnected: -1, IgnoreRequest: true},
	}
	if got := cacheOptions(&c.Caching, c.Name); !reflect.DeepEqual(got, wantCache) {
		t.Errorf("got  %+v\nwant %+v", got, wantCache)
	}
	c.CacheStatus = true
	if got := cacheOptions(&c.Caching, c.Name).Name; got != "edge" {
		t.Errorf("the name is %q", got)
	}
}
