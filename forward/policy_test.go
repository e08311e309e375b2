package forward

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"
)

func request(address string, fields ...string) *http.Request {
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		panic(err)
	}
	if r.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// What is left of Referer, by policy and by where the request goes.
func TestReferrer(t *testing.T) {
	for _, tt := range []struct {
		policy, from, to, want string
	}{
		{"", "https://a.example/x?y", "https://a.example/", "https://a.example/x?y"},
		{"", "https://a.example/x?y", "https://b.a.example/", "https://a.example/x?y"},
		{"", "https://a.example/x?y", "https://b.example:8443/", "https://a.example/"},
		{"", "https://a.example:8443/x?y", "https://b.example/", "https://a.example:8443/"},
		{"", "https://a.example/x", "http://a.example/", ""},
		{"", "http://a.example/x", "https://a.example/", "http://a.example/x"},
		{"", "http://a.example/x", "https://b.example/", "http://a.example/"},
		{"", "https://user:pw@a.example/x", "https://b.example/", "https://a.example/"},
		{"", "about:blank", "https://b.example/", ""},
		{"", "android-app://com.example/", "https://b.example/", ""},
		{"", "%zz", "https://b.example/", ""},
		{"", "https://a.co.uk/x", "https://b.co.uk/", "https://a.co.uk/"},
		{"keep", "https://a.example/x", "http://b.example/", "https://a.example/x"},
		{"keep", "%zz", "http://b.example/", "%zz"},
		{"origin", "https://a.example/x", "https://a.example/", "https://a.example/"},
		{"origin", "https://a.example/x", "http://a.example/", ""},
		{"same-origin", "https://a.example/x", "https://a.example:443/", "https://a.example/x"},
		{"same-origin", "https://A.example:443/x", "https://a.example/", "https://A.example:443/x"},
		{"same-origin", "http://[::1]/x", "http://[::1]:80/", "http://[::1]/x"},
		{"same-origin", "https://a.example/x", "https://b.a.example/", ""},
		{"same-origin", "http://a.example/x", "https://a.example/", ""},
		{"same-origin", "http://a.example:80/x", "http://a.example:8080/", ""},
		{"none", "https://a.example/x", "https://a.example/", ""},
	} {
		q, err := (&Policy{Referrer: tt.policy, NoGPC: true}).compile()
		if err != nil {
			t.Fatal(err)
		}
		r := request(tt.to, "Referer", tt.from)
		did := strings.Join(q.applyFields(r), ";")
		says := ""
		switch {
		case tt.want == "":
			says = "Referer removed"
		case tt.want != tt.from:
			says = "Referer trimmed"
		}
		if got := r.Header.Get("Referer"); got != tt.want || did != says {
			t.Errorf("%q: from %s to %s: %q (%s), want %q", tt.policy, tt.from, tt.to, got, did, tt.want)
		}
	}
}

// Addresses of pages, and what is none.
func TestOriginOf(t *testing.T) {
	for address, want := range map[string]string{
		"http://a.example":               "http a.example",
		"HTTPS://A.example:8443?x":       "https A.example:8443",
		"http://u:p@[::1]:80/x@y":        "http [::1]:80",
		"http://a.example#@b.example/":   "http a.example",
		"http://a.example\\@b.example/":  "http a.example",
		"http:///x":                      "",
		"http://:80/":                    "",
		"http://a b/":                    "",
		"http://a%2eexample/":            "",
		"ftp://a.example/":               "",
		"a.example":                      "",
		"":                               "",
		"null":                           "",
		"javascript:alert(1)//http://x/": "",
		"view-source:http://a.example/":  "",
		"http://b\u00fccher.example/":    "",
	} {
		scheme, host, ok := originOf(address)
		if got := strings.TrimSpace(scheme + " " + host); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v, want %q", address, got, ok, want)
		}
	}
}

// What is taken off by default, and what is not.
func TestFields(t *testing.T) {
	given := []string{"Accept", "*/*", "Dnt", "0", "Origin", "https://b.example", "User-Agent", "Firefox", "X-Client-Data", "abc", "From", "ann@a.example",
		"Sec-Ch-Ua", `"x"`, "Sec-Ch-Ua-Model", `"y"`, "Device-Memory", "8", "Sec-Ch-Prefers-Color-Scheme", "dark", "X-Requested-With", "XMLHttpRequest"}
	for _, tt := range []struct {
		policy Policy
		gone   string
		says   string
	}{
		{Policy{}, "Device-Memory From Sec-Ch-Ua-Model X-Client-Data", "From removed;X-Client-Data removed;client hints removed"},
		{Policy{ClientHints: "keep"}, "From X-Client-Data", "From removed;X-Client-Data removed"},
		{Policy{ClientHints: "drop"}, "Device-Memory From Sec-Ch-Prefers-Color-Scheme Sec-Ch-Ua Sec-Ch-Ua-Model X-Client-Data", "From removed;X-Client-Data removed;client hints removed"},
		{Policy{ClientHints: "keep", UserAgent: "other"}, "From Sec-Ch-Ua Sec-Ch-Ua-Model X-Client-Data", "From removed;User-Agent replaced;X-Client-Data removed;client hints removed"},
		{Policy{ClientHints: "keep", NoGPC: true}, "From X-Client-Data", "From removed;X-Client-Data removed"},
	} {
		q, err := tt.policy.compile()
		if err != nil {
			t.Fatal(err)
		}
		r := request("https://a.example/", given...)
		did := strings.Join(q.applyFields(r), ";")
		for i := 0; i < len(given); i += 2 {
			name, want := given[i], given[i+1]
			if strings.Contains(" "+tt.gone+" ", " "+name+" ") {
				want = ""
			}
			if name == "User-Agent" && tt.policy.UserAgent != "" {
				want = tt.policy.UserAgent
			}
			if got := r.Header.Get(name); got != want {
				t.Errorf("%+v: %s: %q, want %q", tt.policy, name, got, want)
			}
		}
		if did != tt.says {
			t.Errorf("%+v: says %q, want %q", tt.policy, did, tt.says)
		}
		if got, want := r.Header.Get("Sec-GPC"), map[bool]string{false: "1"}[tt.policy.NoGPC]; got != want {
			t.Errorf("%+v: Sec-GPC %q", tt.policy, got)
		}
	}
	for _, name := range append(append(append(append(identifiers[:], lowEntropy[:]...), agentHints[:]...), machineHints[:]...), preferences[:]...) {
		if http.CanonicalHeaderKey(name) != name {
			t.Errorf("%s is not canonical, and never found", name)
		}
	}
}

// A client that sends no User-Agent gets none.
func TestNoUserAgent(t *testing.T) {
	q, _ := (&Policy{UserAgent: "x"}).compile()
	r := request("https://a.example/")
	if did := q.applyFields(r); len(did) > 0 || r.Header["User-Agent"] != nil {
		t.Errorf("%v %v", did, r.Header)
	}
}

func TestPolicyFaults(t *testing.T) {
	_, err := New(Options{Policy: Policy{Cookies: "some", CookieLife: -time.Hour, CookieRules: []string{"x"}, Referrer: "no", UserAgent: "a\nb", ClientHints: "few"}})
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{`"some" is no policy`, "cannot be -1h0m0s", `cookie rule "x"`, `"no" is none`, "control characters", `"few" is none`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: no %q", err, want)
		}
	}
}

// Whose page a request is for.
func TestVisit(t *testing.T) {
	const image = "image/png"
	for _, tt := range []struct {
		name   string
		fields []string
		third  bool
		page   string
	}{
		{"a program", nil, false, ""},
		{"an image of nobody", []string{"Accept", image}, false, ""},
		{"an image of the site", []string{"Accept", image, "Referer", "http://b.shop.example:81/"}, false, "shop.example"},
		{"an image of another", []string{"Accept", image, "Referer", "http://other.example/"}, true, "other.example"},
		{"a frame that browsers tell of", []string{"Accept", "text/html", "Referer", "http://other.example/", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, true, "other.example"},
		{"same site", []string{"Accept", image, "Sec-Fetch-Site", "same-site", "Referer", "http://other.example/"}, false, "shop.example"},
		{"a page without referrer", []string{"Accept", image, "Sec-Fetch-Site", "cross-site"}, true, ""},
		{"a redirect back", []string{"Accept", image, "Sec-Fetch-Site", "cross-site", "Referer", "http://shop.example/"}, false, "shop.example"},
		{"a sandbox", []string{"Accept", image, "Origin", "null"}, false, ""},
		{"a sandbox of another", []string{"Accept", image, "Origin", "null", "Sec-Fetch-Site", "cross-site"}, true, ""},
		{"a socket of another", []string{"Upgrade", "websocket", "Origin", "http://other.example"}, true, "other.example"},
	} {
		v := visitOf(request("http://www.shop.example:8080/x", tt.fields...))
		if v.third != tt.third || v.page != tt.page || v.host != "www.shop.example" || v.site != "shop.example" {
			t.Errorf("%s: %+v", tt.name, v)
		}
	}
}
