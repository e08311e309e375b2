package monitor

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"freshet/forward"
)

// answering is a way to servers that all answer alike.
type answering http.Header

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header(a).Clone(), Body: http.NoBody, Request: r}, nil
}

// withCookies is a fixture whose proxy has seen cookies.
func withCookies(t *testing.T, folder string) *fixture {
	t.Helper()
	h, err := forward.New(forward.Options{
		Transport: answering{"Set-Cookie": {"sid=SECRET; Max-Age=86400", "x<b>\x1b]0t\a=SECRET"}},
		Dial:      func(context.Context, string) (net.Conn, error) { return nil, errors.New("no") },
		Policy:    forward.Policy{Folder: folder, CookieRules: []string{"ads.example=refuse"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	for _, address := range []string{"http://www.shop.example/", "http://ads.example/"} {
		r := httptest.NewRequest("GET", address, nil)
		r.RemoteAddr = "127.0.0.1:1234"
		r.Header = http.Header{"Accept": {"image/png"}, "Referer": {"http://shop.example/"}, "Cookie": {"old=SECRET"}}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	return newFixture(t, func(o *Options) { o.Filter = h })
}

// The page and its tables tell of names, and of no value.
func TestCookiesPage(t *testing.T) {
	f := withCookies(t, "")
	for path, wants := range map[string][]string{
		"/cookies":                     {"shop.example", "ads.example=refuse", "sid", "refused: a rule for it", "Choose …", "/cookies/choose?site=ads.example", "first", "third"},
		"/cookies?site=ads.example":    {"Cookies of ads.example", "old"},
		"/cookies.csv":                 {"sid,shop.example,www.shop.example,first,passed"},
		"/cookies/sites.json":          {`"site":"ads.example"`, `"rule":"ads.example=refuse"`},
		"/cookies/sites.prom":          {"cookie_sites"},
		"/cookies/choose?site=a.b.com": {"Cookies of b.com", "Refuse", "For the session", "Forget"},
	} {
		w := send(f.Handler(), "GET", path, "", "Accept", "text/html")
		body := w.Body.String()
		for _, want := range wants {
			if w.Code != 200 || !strings.Contains(body, want) {
				t.Errorf("%s: %d, no %q in\n%s", path, w.Code, want, body)
			}
		}
		for _, never := range []string{"SECRET", "\x1b", "<b>"} {
			if strings.Contains(body, never) && (never != "<b>" || strings.HasPrefix(w.Header().Get("Content-Type"), "text/html")) {
				t.Errorf("%s: %q", path, never)
			}
		}
	}
	var got struct {
		Rows []struct {
			Name, Host, Done, Instead string
			Set, Sent, Refused, Life  float64
		}
	}
	if err := json.Unmarshal(send(f.Handler(), "GET", "/cookies.json?sort=name&site=ads.example", "").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 3 || got.Rows[1].Name != "sid" || got.Rows[1].Set != 1 || got.Rows[1].Refused != 1 || got.Rows[1].Life != 86400 || got.Rows[0].Name != "old" || got.Rows[0].Sent != 1 || got.Rows[2].Name != "x<b>\ufffd]0t\ufffd" {
		t.Errorf("%+v", got)
	}
}

// What is chosen on the page holds at once; it needs the token, and a site and a
// policy that there are.
func TestChooseOnPage(t *testing.T) {
	f := withCookies(t, t.TempDir())
	chosen := func() string {
		for _, s := range f.o.Filter.CookieSites() {
			if s.Site == "shop.example" {
				return s.Chosen
			}
		}
		return "gone"
	}
	form := func(site, policy string) string {
		return url.Values{"site": {site}, "policy": {policy}}.Encode()
	}
	if w := send(f.Handler(), "POST", "/cookies/choose", form("shop.example", "refuse")); w.Code != 401 || chosen() != "" {
		t.Errorf("without a token: %d, %q", w.Code, chosen())
	}
	for _, step := range []struct {
		site, policy string
		status       int
		want         string
	}{
		{"www.shop.example", "refuse", 200, "refuse"},
		{"shop.example", "session", 200, "session"},
		{"shop.example", "perhaps", 400, "session"},
		{"", "allow", 400, "session"},
		{"shop.example", "", 400, "session"},
		{"shop.example", "forget", 200, "gone"},
		{"shop.example", "allow", 200, "allow"},
	} {
		if w := send(f.Local(), "POST", "/cookies/choose", form(step.site, step.policy)); w.Code != step.status || chosen() != step.want {
			t.Errorf("%q %q: %d, %q", step.site, step.policy, w.Code, chosen())
		}
	}
}

// Without a forward proxy there is a page that says so, and nothing to choose.
func TestNoCookies(t *testing.T) {
	f := newFixture(t, nil)
	if w := send(f.Handler(), "GET", "/cookies", "", "Accept", "text/html"); w.Code != 200 || !strings.Contains(w.Body.String(), "filters nothing") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(f.Handler(), "GET", "/cookies/choose?site=a.example", "", "Accept", "text/html"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	if w := send(f.Local(), "POST", "/cookies/choose", "site=a.example&policy=allow"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	if w := send(f.Handler(), "GET", "/cookies.json", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"total":0,`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
