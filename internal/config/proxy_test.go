package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestProxyDefaults(t *testing.T) {
	c, err := ParseProxy([]string{"--to", "http://a.example"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	serve, err := ParseServe(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Proxy{Server: serve.Server}
	want.Origins = Origins{
		To: []string{"http://a.example"}, Balance: "round-robin", Host: "origin", ConnectTimeout: 5 * time.Second,
		OriginHeadTimeout: time.Minute, OriginBodyTimeout: time.Minute, MaxFails: 3, FailTimeout: 10 * time.Second,
		Name: "freshet", Retries: 1, UpgradeTimeout: 10 * time.Minute,
	}
	want.Caching = Caching{
		Enabled: true, Profile: "safe", CacheStatus: true, MaxVariants: 16, HeuristicPercent: 10, MaxHeuristic: 24 * time.Hour,
		MaxStale: 7 * 24 * time.Hour, MaxDisconnected: 24 * time.Hour, Lease: 5 * time.Second, HitForMiss: time.Minute,
	}
	want.Store = Store{Memory: 256 << 20, Disk: 10 << 30}
	c.Given = nil
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestParseProxy(t *testing.T) {
	tests := []struct {
		name string
		args string
		env  []string
		want func(*Proxy)
	}{
		{"origins", "--to http://b:81/x --to https://c --to unix:/run/d", nil,
			func(c *Proxy) { c.To = append(c.To, "http://b:81/x", "https://c", "unix:/run/d") }},
		{"choice of origin", "--balance least-connections --host client", nil,
			func(c *Proxy) { c.Balance, c.Origins.Host = "least-connections", "client" }},
		{"host", "--host www.example:81", nil, func(c *Proxy) { c.Origins.Host = "www.example:81" }},
		{"trusted", "--trust 10.1.2.3/8 --trust ::1", nil,
			func(c *Proxy) {
				c.Trust = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
			}},
		{"failures", "--max-fails off --fail-timeout 1m", nil,
			func(c *Proxy) { c.MaxFails, c.FailTimeout = -1, time.Minute }},
		{"times", "--connect-timeout 1s --origin-head-timeout 2s --origin-body-timeout off", nil,
			func(c *Proxy) {
				c.ConnectTimeout, c.OriginHeadTimeout, c.OriginBodyTimeout = time.Second, 2*time.Second, -1
			}},
		{"cache", "--cache off --profile standard --memory 1GiB --data /d --disk 1TiB --max-object 1k --cache-status off", nil,
			func(c *Proxy) {
				c.Enabled, c.Profile, c.MaxObject, c.CacheStatus = false, "standard", 1024, false
				c.Store = Store{Memory: 1 << 30, Data: "/d", Disk: 1 << 40}
			}},
		{"name", "--proxy-name edge-1 --show-next-hop --retries off --upgrade-timeout 1m", nil,
			func(c *Proxy) { c.Name, c.ShowNextHop, c.Retries, c.UpgradeTimeout = "edge-1", true, -1, time.Minute }},
		{"freshness", "--max-variants 3 --heuristic-percent off --max-heuristic 1h --max-stale off --max-disconnected 2h --ignore-request --lease 1s --hit-for-miss off", nil,
			func(c *Proxy) {
				c.MaxVariants, c.HeuristicPercent, c.MaxHeuristic, c.MaxStale = 3, -1, time.Hour, -1
				c.MaxDisconnected, c.IgnoreRequest, c.Lease, c.HitForMiss = 2*time.Hour, true, time.Second, -1
			}},
		{"key", "--key-drop utm_source --key-drop fbclid --key-header accept-language", nil,
			func(c *Proxy) { c.KeyDrop, c.KeyHeader = []string{"utm_source", "fbclid"}, []string{"Accept-Language"} }},
		{"key from the environment", "", []string{"FRESHET_KEY_KEEP=a,b"}, func(c *Proxy) { c.KeyKeep = []string{"a", "b"} }},
		{"what it shares with serve", "--listen :1 --max-fields 5", nil,
			func(c *Proxy) { c.Listen, c.MaxFields = []string{":1"}, 5 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := []string{"--to", "http://a.example"}
			want, err := ParseProxy(first, nil)
			if err != nil {
				t.Fatal(err)
			}
			tt.want(want)
			got, err := ParseProxy(append(first, strings.Fields(tt.args)...), tt.env)
			if err != nil {
				t.Fatal(err)
			}
			got.Given, want.Given = nil, nil
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestProxyFaults(t *testing.T) {
	const to = "--to http://a "
	for _, tt := range []struct{ args, want string }{
		{"", `there is no origin; name one with --to URL, such as --to http://127.0.0.1:8080`},
		{"http://a", "\"http://a\": the proxy takes no operand; name an origin with --to URL"},
		{"--to a.example:80", `bad value "a.example:80" for --to: it does not begin with http:// or https:// (did you mean http://a.example:80?); give http://host:port, https://host or unix:/path`},
		{"--to ftp://a", `bad value "ftp://a" for --to: it does not begin with http:// or https://; give http://host:port, https://host or unix:/path`},
		{"--to :81", `bad value ":81" for --to: it does not begin with http:// or https:// (did you mean http://127.0.0.1:81?); give http://host:port, https://host or unix:/path`},
		{"--to 127.0.0.1:99999", `bad value "127.0.0.1:99999" for --to: it does not begin with http:// or https://; give http://host:port, https://host or unix:/path`},
		{"--to http://a:99999", `bad value "http://a:99999" for --to: the port is not a number from 1 to 65535; give http://host:port, https://host or unix:/path`},
		{"--to http://a:0", `bad value "http://a:0" for --to: the port is not a number from 1 to 65535; give http://host:port, https://host or unix:/path`},
		{"--upstream http://a", `unknown flag --upstream; here it is --to`},
		{"--to http://", `bad value "http://" for --to: it has no host; give http://host:port, https://host or unix:/path`},
		{"--to http://u:p@a", `bad value "http://u:p@a" for --to: names and passwords are not taken from here; leave them out`},
		{"--to http://a?b", `bad value "http://a?b" for --to: an origin has no query and no fragment; leave them out`},
		{"--to unix:", `bad value "unix:" for --to: give http://host:port, https://host or unix:/path`},
		{to + "--balance best", `bad value "best" for --balance: give round-robin, least-connections, hash or hash-url`},
		{to + "--host a/b", `bad value "a/b" for --host: give origin, client or a host name, perhaps with a port`},
		{to + "--trust lan", `bad value "lan" for --trust: give an address such as 10.0.0.1, or a prefix such as 10.0.0.0/8 or fd00::/8`},
		{to + "--key-header a:b", `bad value "a:b" for --key-header: give the name of a field, such as Accept-Language`},
		{to + "--proxy-name 1st", `bad value "1st" for --proxy-name: give letters, digits and hyphens, a letter first`},
		{to + "--profile fast", `bad value "fast" for --profile: give safe or standard`},
		{to + "--key-drop a --key-keep b", `--key-drop and --key-keep exclude each other; give the shorter list`},
		{to + "--disk 1GiB", `--disk is the size of the folder that --data names; give --data too`},
		{to + "--spa=x", `unknown flag --spa; run "freshet help proxy" for the list`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			if c, err := ParseProxy(strings.Fields(tt.args), nil); c != nil || err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}
