package forward_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
)

// town is a server that is all hosts, and a proxy that reaches every host there.
type town struct {
	*forward.Handler
	proxy string
	told  chan httpd.Record

	mu   sync.Mutex // guards the rest
	got  []string   // what it was asked: "host/path Cookie"
	sets map[string][]string
}

// newTown answers with the cookies that are there for the host and the path.
func newTown(t *testing.T, o forward.Options, sets map[string][]string) *town {
	t.Helper()
	w := &town{told: make(chan httpd.Record, 256), sets: sets}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	o.AllowPrivate = true
	if o.Parents == nil {
		o.Parents = []string{server.URL} // to which every name is known
	}
	var err error
	if w.Handler, err = forward.New(o); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: w.Handler, Sink: w}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done; w.Close() })
	w.proxy = l.Addr().String()
	return w
}

func (w *town) Record(r *httpd.Record) { w.told <- *r }

func (w *town) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.got = append(w.got, strings.TrimSpace(r.Host+r.URL.Path+" "+strings.Join(r.Header["Cookie"], "|")))
	for _, line := range w.sets[r.Host+r.URL.Path] {
		rw.Header().Add("Set-Cookie", line)
	}
	rw.Header().Set("Cache-Control", "max-age=60")
	rw.Header().Set("Etag", `"`+r.URL.Path+`"`)
	if r.Header.Get("If-None-Match") != "" {
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	io.WriteString(rw, "hello from "+r.Host)
}

// asked returns what came to the server since the last time.
func (w *town) asked() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.got, "\n")
	w.got = nil
	return s
}

// browser is a client with a jar, that says of requests what browsers say.
type browser struct {
	t      *testing.T
	w      *town
	client *http.Client
	jar    *cookiejar.Jar
}

func (w *town) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := through(t, w.proxy)
	c.Jar = jar
	return &browser{t, w, c, jar}
}

// open opens a page, perhaps by a link on another one.
func (b *browser) open(address, from string, fields ...string) httpd.Record {
	return b.send(address, append([]string{"Accept", "text/html,*/*;q=0.8", "Referer", from}, fields...))
}

// load loads a part of a page.
func (b *browser) load(address, page string, fields ...string) httpd.Record {
	return b.send(address, append([]string{"Accept", "image/png,*/*;q=0.8", "Referer", page}, fields...))
}

func (b *browser) send(address string, fields []string) httpd.Record {
	b.t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] != "" {
			r.Header.Set(fields[i], fields[i+1])
		}
	}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello from "+r.Host {
		b.t.Errorf("%s: %s %q %v", address, resp.Status, body, err)
	}
	if resp.Header.Get("Freshet-Filter-Cache-Control") != "" {
		b.t.Errorf("%s: a field between our parts reached the client", address)
	}
	return <-b.w.told
}

// has returns the names of the cookies for an address.
func (b *browser) has(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, c := range b.jar.Cookies(u) {
		names = append(names, c.Name)
	}
	return strings.Join(names, ",")
}

func changed(r httpd.Record) string {
	if r.Detail == nil {
		return ""
	}
	return r.Detail.Changed
}

// By default a site has its cookies on its own pages, and on those of others it
// neither gets nor sets one.
func TestThirdPartyCookies(t *testing.T) {
	w := newTown(t, forward.Options{}, map[string][]string{
		"www.shop.example/":       {"sid=1; Path=/; Domain=shop.example; HttpOnly", "basket=2; Max-Age=99"},
		"ads.example/pixel":       {"track=1; Max-Age=99999999", "track2=2"},
		"ads.example/":            {"id=7; Path=/"},
		"login.example/back":      {"session=9"},
		"ads.example/partitioned": {"__Host-p=1; Secure; Path=/; Partitioned"},
	})
	b := w.browser(t)
	const shop = "http://www.shop.example/"
	for _, step := range []struct {
		name  string
		r     func() httpd.Record
		asked string
		says  string
		holds string // cookies of the asked host
		at    string
	}{
		{"a page", func() httpd.Record { return b.open(shop, "") }, "www.shop.example/", "", "sid,basket", shop},
		{"a part of the same site", func() httpd.Record { return b.load("http://static.shop.example/a.png", shop) }, "static.shop.example/a.png sid=1", "", "sid", "http://static.shop.example/"},
		{"a part of another site", func() httpd.Record { return b.load("http://ads.example/pixel", shop) }, "ads.example/pixel", "2 cookies refused", "", "http://ads.example/"},
		{"that site's own page", func() httpd.Record { return b.open("http://ads.example/", shop+"x?y") }, "ads.example/", "Referer trimmed", "id", "http://ads.example/"},
		{"a part of it again", func() httpd.Record { return b.load("http://ads.example/pixel", shop) }, "ads.example/pixel", "1 cookie not sent; 2 cookies refused", "id", "http://ads.example/"},
		{"a login that comes back", func() httpd.Record { return b.open("http://login.example/back", "http://idp.example/") }, "login.example/back", "", "session", "http://login.example/"},
		{"its page again", func() httpd.Record { return b.open("http://login.example/back", "http://login.example/form?x") }, "login.example/back session=9", "", "session", "http://login.example/"},
		{"a program", func() httpd.Record { return b.send("http://ads.example/pixel", []string{"User-Agent", "curl/8"}) }, "ads.example/pixel id=7", "", "id,track,track2", "http://ads.example/"},
		{"Sec-Fetch-Site", func() httpd.Record {
			return b.load("http://ads.example/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image")
		}, "ads.example/", "3 cookies not sent; 1 cookie refused", "id,track,track2", "http://ads.example/"},
		{"Origin", func() httpd.Record { return b.load("http://ads.example/x", "", "Origin", "http://shop.example") }, "ads.example/x", "3 cookies not sent", "id,track,track2", "http://ads.example/"},
		{"a frame of another site", func() httpd.Record {
			return b.open("http://ads.example/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe")
		}, "ads.example/", "3 cookies not sent; 1 cookie refused", "id,track,track2", "http://ads.example/"},
		{"a page from another site", func() httpd.Record {
			return b.open("http://ads.example/", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")
		}, "ads.example/ id=7; track=1; track2=2", "", "id,track,track2", "http://ads.example/"},
	} {
		r := step.r()
		if asked := w.asked(); asked != step.asked || changed(r) != step.says || b.has(step.at) != step.holds {
			t.Errorf("%s: asked %q, changed %q, %s has %q\nwant  %q, %q, %q", step.name, asked, changed(r), step.at, b.has(step.at), step.asked, step.says, step.holds)
		}
		noted := r.Detail != nil && strings.Contains(fmt.Sprint(r.Detail.Noted), "filter-cookies")
		if strings.Contains(step.says, "cookie") != noted {
			t.Errorf("%s: noted %v", step.name, r.Detail.Noted)
		}
	}
}

// Each policy, for all sites and for some, on both ways.
func TestCookiePolicies(t *testing.T) {
	const line = "a=1; Max-Age=31536000; Path=/"
	for _, tt := range []struct {
		name   string
		policy forward.Policy
		third  bool
		set    string // what reaches the browser of line
		sent   string
		says   string
	}{
		{"allow", forward.Policy{Cookies: "allow"}, true, line, "a=1; b=2", ""},
		{"refuse", forward.Policy{Cookies: "refuse"}, false, "", "", "2 cookies not sent; 1 cookie refused"},
		{"session", forward.Policy{Cookies: "session"}, false, "a=1; Path=/", "a=1; b=2", "1 cookie kept for the session"},
		{"learn", forward.Policy{Cookies: "learn", CookieLife: time.Hour}, true, line, "a=1; b=2", ""},
		{"no third party, first", forward.Policy{}, false, line, "a=1; b=2", ""},
		{"no third party, third", forward.Policy{}, true, "", "", "2 cookies not sent; 1 cookie refused"},
		{"life", forward.Policy{CookieLife: 24 * time.Hour}, false, "a=1; Max-Age=86400; Path=/", "a=1; b=2", "1 cookie shortened"},
		{"host allowed", forward.Policy{CookieRules: []string{"example=refuse", "a.example=allow"}}, true, line, "a=1; b=2", ""},
		{"name refused", forward.Policy{CookieRules: []string{"a*@*=refuse"}}, false, "", "b=2", "1 cookie not sent; 1 cookie refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.policy.Referrer, tt.policy.NoGPC = "keep", true
			w := newTown(t, forward.Options{Policy: tt.policy}, map[string][]string{"a.example/": {line}})
			fields := []string{"Cookie", "a=1; b=2", "Accept", "image/png"}
			if tt.third {
				fields = append(fields, "Referer", "http://b.example/")
			}
			r, _ := http.NewRequest("GET", "http://a.example/", nil)
			for i := 0; i < len(fields); i += 2 {
				r.Header.Set(fields[i], fields[i+1])
			}
			resp, err := through(t, w.proxy).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			got := strings.Join(resp.Header["Set-Cookie"], "|")
			if asked := strings.TrimPrefix(w.asked(), "a.example/"); got != tt.set || strings.TrimSpace(asked) != tt.sent {
				t.Errorf("set %q, sent %q, want %q, %q", got, asked, tt.set, tt.sent)
			}
			if says := changed(<-w.told); says != tt.says {
				t.Errorf("says %q, want %q", says, tt.says)
			}
		})
	}
}

// Partitioned is a word that the third party says of itself: a browser that does
// not know it would keep the cookie for all pages, and a request does not tell
// how what it sends was set. So it gets nothing through, in neither direction,
// for no client and whatever came before.
func TestPartitionedCookies(t *testing.T) {
	w := newTown(t, forward.Options{}, map[string][]string{"w.example/in": {"c=1; Path=/; Secure; Partitioned", "d=1; Path=/; partitioned=x"}, "w.example/plain": {"c=2; Path=/"}})
	do := func(path, accept string) string {
		r, _ := http.NewRequest("GET", "http://w.example"+path, nil)
		r.Header = http.Header{"Accept": {accept}, "Referer": {"http://shop.example/"}, "Cookie": {"c=1; d=2"}}
		resp, err := through(t, w.proxy).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		<-w.told
		return w.asked() + " > " + strings.Join(resp.Header["Set-Cookie"], "|")
	}
	for i, step := range []struct{ path, accept, want string }{
		{"/in", "image/png", "w.example/in > "},
		{"/in", "image/png", "w.example/in > "},
		{"/in", "text/html", "w.example/in c=1; d=2 > c=1; Path=/; Secure; Partitioned|d=1; Path=/; partitioned=x"}, // its own page
		{"/in", "image/png", "w.example/in > "},
		{"/plain", "text/html", "w.example/plain c=1; d=2 > c=2; Path=/"},
		{"/in", "image/png", "w.example/in > "},
	} {
		if got := do(step.path, step.accept); got != step.want {
			t.Errorf("%d: %q, want %q", i, got, step.want)
		}
	}
	for _, c := range w.CookieSites()[0].Cookies {
		if c.Name == "d" && (!c.Partitioned || c.Refused == 0) {
			t.Errorf("not known to be partitioned, or to be refused: %+v", c)
		}
	}
}

// A third party may delete a cookie, and what it says for that means nothing else
// to any browser.
func TestThirdPartyDeletesCookies(t *testing.T) {
	w := newTown(t, forward.Options{}, map[string][]string{"ads.example/": {"a=ID; Max-Age=0", "b=ID; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, "ads.example/b": {"b=ID; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}})
	for path, want := range map[string]string{
		"/":  "a=ID; Max-Age=0|b=ID; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0",
		"/b": "b=ID; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0",
	} {
		r, _ := http.NewRequest("GET", "http://ads.example"+path, nil)
		r.Header = http.Header{"Accept": {"image/png"}, "Referer": {"http://shop.example/"}}
		resp, err := through(t, w.proxy).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := strings.Join(resp.Header["Set-Cookie"], "|"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// No client gets what was set for another, whatever the profile, and whether the
// answer is new, stored or confirmed.
func TestCookiesAreNotShared(t *testing.T) {
	for _, profile := range []cache.Profile{cache.Safe, cache.Standard} {
		t.Run(profile.String(), func(t *testing.T) {
			store := newCookieStore(t)
			var n int
			var mu sync.Mutex
			confirm := false
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				n++
				w.Header().Set("Cache-Control", "public, max-age=1000")
				w.Header().Set("Etag", `"1"`)
				if r.URL.Path != "/late" || confirm {
					w.Header().Set("Set-Cookie", fmt.Sprintf("id=%d", n))
				}
				if r.Header.Get("If-None-Match") != "" {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				io.WriteString(w, "hello")
			}))
			defer server.Close()
			now := time.Now()
			addr := start(t, forward.Options{Parents: []string{server.URL}, AllowPrivate: true, Store: store, Caching: cache.Options{Profile: profile},
				Now: func() int64 { mu.Lock(); defer mu.Unlock(); return now.UnixNano() }})
			seen := map[string]bool{}
			ask := func(path string) {
				c := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr})}}
				defer c.CloseIdleConnections()
				resp, err := c.Get("http://a.example" + path)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				if string(body) != "hello" {
					t.Errorf("body %q", body)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, line := range resp.Header["Set-Cookie"] {
					if seen[path+line] {
						t.Errorf("%s: %s reached two clients", path, line)
					}
					seen[path+line] = true
				}
			}
			for range 3 {
				ask("/a")
			}
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() { ask("/b") })
			}
			all.Wait()
			ask("/late")
			ask("/late")
			mu.Lock()
			confirm, now = true, now.Add(2000*time.Second)
			mu.Unlock()
			for range 4 {
				ask("/late")
			}
			if len(seen) < 8 {
				t.Errorf("few cookies arrived: %v", seen)
			}
		})
	}
}

func newCookieStore(t *testing.T) *cache.Store {
	t.Helper()
	store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// An answer whose cookies are refused whoever asks is stored; one whose cookies
// are refused to some is not.
func TestRefusedCookiesAndCache(t *testing.T) {
	w := newTown(t, forward.Options{Store: newCookieStore(t), Policy: forward.Policy{CookieRules: []string{"never.example=refuse"}}},
		map[string][]string{"never.example/x": {"a=1", "b=2"}, "other.example/x": {"a=1"}, "never.example/y": {"a=; Max-Age=0", "b=1"}})
	b := w.browser(t)
	for i, step := range []struct{ address, asked, says string }{
		{"http://never.example/x", "never.example/x", "2 cookies refused"},
		{"http://never.example/x", "", ""},
		{"http://other.example/x", "other.example/x", "1 cookie refused"},
		{"http://other.example/x", "other.example/x", "1 cookie refused"},
		{"http://never.example/y", "never.example/y", "1 cookie refused"},
		{"http://never.example/y", "never.example/y", "1 cookie refused"},
	} {
		r := b.load(step.address, "http://page.example/")
		if asked := w.asked(); asked != step.asked || changed(r) != step.says {
			t.Errorf("%d: asked %q, changed %q, want %q, %q", i, asked, changed(r), step.asked, step.says)
		}
	}
}

// A chain: what the first proxy decides, the second one caches by.
func TestCookiesInChain(t *testing.T) {
	second := newTown(t, forward.Options{Name: "second", Store: newCookieStore(t), Policy: forward.Policy{Cookies: "allow", Referrer: "keep"}},
		map[string][]string{"ads.example/": {"track=1"}})
	first := newTown(t, forward.Options{Name: "first", Parents: []string{"http://" + second.proxy}}, nil)
	a, b := first.browser(t), first.browser(t)
	for _, one := range []*browser{a, b} {
		one.open("http://lib.example/own", "") // plain pages
		r, _ := http.NewRequest("GET", "http://lib.example/x", nil)
		one.jar.SetCookies(r.URL, []*http.Cookie{{Name: "user", Value: fmt.Sprintf("%p", one)}})
	}
	second.asked()
	for i, one := range []*browser{a, b} {
		one.load("http://lib.example/x", "http://page.example/secret?q=1")
		want := ""
		if i == 0 {
			want = "lib.example/x"
		}
		if asked := second.asked(); asked != want {
			t.Errorf("browser %d: the server was asked %q, want %q", i, asked, want)
		}
	}
	r := a.load("http://ads.example/", "http://page.example/")
	if a.has("http://ads.example/") != "" || changed(r) != "1 cookie refused" {
		t.Errorf("has %q, changed %q", a.has("http://ads.example/"), changed(r))
	}
}

// The cookies of an answer that is stored as it streams, and of one that streams
// past, are told of like others.
func TestCookiesOfLargeAnswers(t *testing.T) {
	body := strings.Repeat("0123456789abcdef", 16<<10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header()["Set-Cookie"] = []string{"a=1", "keep=2; Max-Age=99999"}
		for i := 0; i < len(body); i += 32 << 10 {
			io.WriteString(w, body[i:min(len(body), i+32<<10)])
			w.(http.Flusher).Flush()
		}
	}))
	defer server.Close()
	for _, profile := range []cache.Profile{cache.Safe, cache.Standard} {
		w := newTown(t, forward.Options{Store: newCookieStore(t), Parents: []string{server.URL}, Caching: cache.Options{Profile: profile},
			Policy: forward.Policy{CookieLife: time.Hour, CookieRules: []string{"all.example=refuse", "a@some.example=refuse"}}}, nil)
		c := through(t, w.proxy)
		for i, step := range []struct{ host, says, set, status string }{
			{"all.example", "2 cookies refused", "", "fwd=uri-miss; fwd-status=200; stored"},
			{"all.example", "", "", "hit"},
			{"some.example", "1 cookie refused; 1 cookie shortened", "keep=2; Max-Age=3600", "fwd=uri-miss; fwd-status=200"},
			{"some.example", "1 cookie refused; 1 cookie shortened", "keep=2; Max-Age=3600", "fwd="},
		} {
			resp, got := get(t, c, "http://"+step.host+"/")
			r := <-w.told
			status := strings.TrimPrefix(resp.Header.Get("Cache-Status"), "freshet; ")
			if got != body || changed(r) != step.says || strings.Join(resp.Header["Set-Cookie"], "|") != step.set || !strings.HasPrefix(status, step.status) {
				t.Errorf("%v, %d: %d bytes, %q, changed %q, set %q", profile, i, len(got), status, changed(r), resp.Header["Set-Cookie"])
			}
		}
	}
}
