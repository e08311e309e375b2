package forward

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"freshet/filterlist"
)

// Requests as browsers and programs make them: the first fields are what a
// Chromium and a Firefox of 2025, and curl, send.
func TestTypeOf(t *testing.T) {
	const (
		chromiumPage   = "Upgrade-Insecure-Requests: 1\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7"
		chromiumImage  = "Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8\nReferer: http://news.example/"
		chromiumStyle  = "Accept: text/css,*/*;q=0.1\nReferer: http://news.example/"
		chromiumMedia  = "Accept: */*\nAccept-Encoding: identity;q=1, *;q=0\nRange: bytes=0-\nReferer: http://news.example/"
		chromiumFont   = "Accept: */*\nOrigin: http://news.example\nReferer: http://cdn.example/a.css"
		firefoxPage    = "Upgrade-Insecure-Requests: 1\nPriority: u=0, i\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		firefoxImage   = "Accept: image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
		firefoxMedia   = "Accept: video/webm,video/ogg,video/*;q=0.9,application/ogg;q=0.7,audio/*;q=0.6,*/*;q=0.5\nRange: bytes=0-\nAccept-Encoding: identity"
		firefoxFont    = "Accept: application/font-woff2;q=1.0,application/font-woff;q=0.9,*/*;q=0.8"
		fetchJSON      = "Accept: application/json\nOrigin: http://news.example"
		jQuery         = "Accept: */*\nX-Requested-With: XMLHttpRequest"
		curl           = "User-Agent: curl/8.5.0\nAccept: */*"
		destination    = "Accept: */*\nSec-Fetch-Mode: no-cors\nSec-Fetch-Site: cross-site\nSec-Fetch-Dest: "
		webSocket      = "Connection: Upgrade\nUpgrade: websocket\nOrigin: http://news.example"
		anyThing       = "Accept: */*\nReferer: http://news.example/"
		beacon         = "Accept: */*\nContent-Type: text/plain;charset=UTF-8\nSec-Fetch-Dest: empty\nSec-Fetch-Mode: no-cors"
		eventSource    = "Accept: text/event-stream\nCache-Control: no-cache"
		preflight      = "Access-Control-Request-Method: PUT\nOrigin: http://news.example"
		prefetch       = "Sec-Purpose: prefetch\nSec-Fetch-Dest: empty\nSec-Fetch-Mode: navigate\n" + chromiumPage
		fetchWithMode  = "Sec-Fetch-Dest: empty\nSec-Fetch-Mode: cors\nAccept: */*"
		auditing       = "Content-Type: text/ping\nPing-To: http://x.example/"
		mixedCaseValue = "Sec-Fetch-Dest: Image"
	)
	for _, tt := range []struct {
		name, line, fields string
		want               filterlist.Type
	}{
		{"Chromium, a page", "GET /", chromiumPage, filterlist.Document},
		{"Chromium, a page that looks like an image", "GET /x.gif", chromiumPage, filterlist.Document},
		{"Chromium, an image", "GET /x", chromiumImage, filterlist.Image},
		{"Chromium, an image of a script", "GET /x.js", chromiumImage, filterlist.Image},
		{"Chromium, a style sheet", "GET /x.php", chromiumStyle, filterlist.Stylesheet},
		{"Chromium, a script", "GET /x.js?y", anyThing, filterlist.Script},
		{"Chromium, a module", "GET /x.mjs", anyThing, filterlist.Script},
		{"Chromium, a film", "GET /x", chromiumMedia, filterlist.Media},
		{"Chromium, a font", "GET /x.woff2", chromiumFont, filterlist.Font},
		{"Chromium, what only it knows", "GET /x", anyThing, filterlist.Other},
		{"Firefox, a page", "GET /", firefoxPage, filterlist.Document},
		{"Firefox, an image", "GET /x", firefoxImage, filterlist.Image},
		{"Firefox, a film", "GET /x", firefoxMedia, filterlist.Media},
		{"Firefox, a font", "GET /x", firefoxFont, filterlist.Font},
		{"fetch, JSON", "GET /x", fetchJSON, filterlist.XHR},
		{"fetch of another site", "POST /x", "Accept: */*\nOrigin: http://news.example", filterlist.XHR},
		{"jQuery", "GET /x", jQuery, filterlist.XHR},
		{"JSON by its ending", "GET /x.json", anyThing, filterlist.XHR},
		{"EventSource", "GET /x", eventSource, filterlist.XHR},
		{"a preflight", "OPTIONS /x.png", preflight, filterlist.XHR},
		{"a WebSocket", "GET /x", webSocket, filterlist.WebSocket},
		{"a beacon", "POST /x", beacon, filterlist.Ping},
		{"a ping of a link", "POST /x", auditing, filterlist.Ping},
		{"a prefetch", "GET /x", prefetch, filterlist.Document},
		{"curl", "GET /x", curl, filterlist.Other},
		{"curl, an image", "GET /x.png", curl, filterlist.Image},
		{"curl, a page", "GET /x.html", curl, filterlist.Other},
		{"nothing at all", "GET /x.html", "", filterlist.Document},
		{"fetch", "GET /x.png", fetchWithMode, filterlist.XHR},
		{"iframe", "GET /x.js", destination + "iframe", filterlist.Subdocument},
		{"frame", "GET /x", destination + "frame", filterlist.Subdocument},
		{"worker", "GET /x", destination + "worker", filterlist.Script},
		{"serviceworker", "GET /x", destination + "serviceworker", filterlist.Script},
		{"style", "GET /x", destination + "style", filterlist.Stylesheet},
		{"font", "GET /x", destination + "font", filterlist.Font},
		{"video", "GET /x", destination + "video", filterlist.Media},
		{"track", "GET /x", destination + "track", filterlist.Media},
		{"embed", "GET /x", destination + "embed", filterlist.Object},
		{"manifest", "GET /x", destination + "manifest", filterlist.Other},
		{"what is to come", "GET /x.js", destination + "hologram", filterlist.Other},
		{"in capitals", "GET /x", mixedCaseValue, filterlist.Image},
	} {
		if got := typeOf(parsed(t, tt.line, tt.fields)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func parsed(t *testing.T, line, fields string) *http.Request {
	t.Helper()
	head := line + " HTTP/1.1\r\nHost: site.example\r\n"
	if fields != "" {
		head += strings.ReplaceAll(fields, "\n", "\r\n") + "\r\n"
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPageOf(t *testing.T) {
	const address = "http://site.example/x"
	for _, tt := range []struct {
		kind         filterlist.Type
		fields, want string
	}{
		{filterlist.Document, "Referer: http://a.example/", address},
		{filterlist.Image, "Referer: http://a.example/b?c", "http://a.example/b?c"},
		{filterlist.Image, "Referer: http://a.example/\nOrigin: http://b.example", "http://a.example/"},
		{filterlist.XHR, "Origin: http://b.example", "http://b.example"},
		{filterlist.XHR, "Origin: null", ""},
		{filterlist.XHR, "Referer: about:blank", ""},
		{filterlist.Image, "Referer: not an address %", ""},
		{filterlist.Image, "Sec-Fetch-Site: same-origin", "site.example"},
		{filterlist.Image, "Sec-Fetch-Site: same-site", "site.example"},
		{filterlist.Image, "Sec-Fetch-Site: cross-site", ""},
		{filterlist.Image, "Sec-Fetch-Site: none", ""},
		{filterlist.Image, "", ""},
	} {
		if got := pageOf(parsed(t, "GET /x", tt.fields), tt.kind, address); got != tt.want {
			t.Errorf("%v with %q: %q, want %q", tt.kind, tt.fields, got, tt.want)
		}
	}
}

// What a link and a frame of plain http send is the same, so it is a document;
// but it is known when it may be a frame.
func TestMayBeFrame(t *testing.T) {
	const page = "Upgrade-Insecure-Requests: 1\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for fields, want := range map[string]string{
		page: "",
		page + "\nReferer: http://news.example/a":                               "http://news.example/a",
		page + "\nReferer: https://news.example/":                               "", // whose frames are https, too
		page + "\nReferer: about:blank":                                         "",
		page + "\nReferer: http://news.example/\nSec-Fetch-Dest: document":      "",
		page + "\nReferer: http://news.example/\nPriority: u=0, i\nCookie: a=b": "http://news.example/",
	} {
		r := parsed(t, "GET /", fields)
		if got, ok := mayBeFrame(r); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", fields, got, ok)
		}
		if got := typeOf(r); got != filterlist.Document { // never an empty stand-in for a page
			t.Errorf("%q: %v", fields, got)
		}
	}
}
