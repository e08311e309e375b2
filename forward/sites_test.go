package forward

import "testing"

// Whose cookies requests are about. Those of browsers are as Chromium 156 sends
// them, for https://ads.example/ and http://ads.example/.
func TestVisitOf(t *testing.T) {
	const (
		page   = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		image  = "image/avif,image/webp,*/*;q=0.8"
		chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	)
	for _, tt := range []struct {
		name   string
		method string
		fields []string
		third  bool
		page   string
	}{
		{"typed in", "GET", []string{"Accept", page, "Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false, "ads.example"},
		{"a link", "GET", []string{"Accept", page, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Referer", "https://news.example/"}, false, "ads.example"},
		{"a form", "POST", []string{"Accept", page, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Origin", "https://news.example"}, false, "ads.example"},
		{"a picture in a page", "GET", []string{"Accept", image, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image", "Sec-Fetch-Storage-Access", "none", "Referer", "https://news.example/"}, true, "news.example"},
		{"a frame", "GET", []string{"Accept", page, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Storage-Access", "active", "Referer", "https://news.example/"}, true, "news.example"},
		{"a picture in that frame", "GET", []string{"Accept", image, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "image", "Sec-Fetch-Storage-Access", "none", "Referer", "https://ads.example/frame"}, true, ""},
		{"a script in that frame", "POST", []string{"Accept", "*/*", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Storage-Access", "active", "Origin", "https://ads.example"}, true, ""},
		{"a frame in that frame", "GET", []string{"Accept", page, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Storage-Access", "inactive", "Referer", "https://ads.example/frame"}, true, ""},
		{"a picture in its own page", "GET", []string{"Accept", image, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "image", "Referer", "https://ads.example/"}, false, "ads.example"},
		{"a frame in its own page", "GET", []string{"Accept", page, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Referer", "https://ads.example/"}, false, "ads.example"},

		// Over http.
		{"http: typed in", "GET", []string{"Accept", page, "User-Agent", chrome, "Upgrade-Insecure-Requests", "1"}, false, "ads.example"},
		{"http: a link", "GET", []string{"Accept", page, "User-Agent", chrome, "Upgrade-Insecure-Requests", "1", "Referer", "http://news.example/"}, false, "ads.example"},
		{"http: a form", "POST", []string{"Accept", page, "User-Agent", chrome, "Upgrade-Insecure-Requests", "1", "Origin", "http://news.example", "Referer", "http://news.example/"}, false, "ads.example"},
		{"http: a link in a text browser", "GET", []string{"Accept", page, "User-Agent", "w3m/0.5.3", "Referer", "http://news.example/"}, false, "ads.example"},
		{"http: fetch, no-cors", "GET", []string{"Accept", "text/html", "User-Agent", chrome, "Referer", "http://news.example/"}, true, "news.example"},
		{"http: fetch, cors", "GET", []string{"Accept", "text/html", "User-Agent", chrome, "Origin", "http://news.example", "Referer", "http://news.example/"}, true, "news.example"},
		{"http: fetch, cors, as a browser that goes to a page", "GET", []string{"Accept", page, "User-Agent", chrome, "Upgrade-Insecure-Requests", "1", "Origin", "http://news.example"}, true, "news.example"},
		{"http: fetch of its own page", "GET", []string{"Accept", "text/html", "User-Agent", chrome, "Referer", "http://www.ads.example/"}, false, "ads.example"},
		{"http: a page that does not tell its address", "GET", []string{"Accept", image, "User-Agent", chrome}, false, ""},
		{"a program", "GET", []string{"Accept", "*/*", "User-Agent", "curl/8"}, false, ""},
	} {
		r := request("http://ads.example/x", tt.fields...)
		r.Method, r.Host = tt.method, "ads.example"
		if v := visitOf(r); v.third != tt.third || v.page != tt.page || v.site != "ads.example" {
			t.Errorf("%s: %+v, want third %v, page %q", tt.name, v, tt.third, tt.page)
		}
	}
}
