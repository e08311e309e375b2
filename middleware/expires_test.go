package middleware

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestExpires(t *testing.T) {
	rules := []Freshness{
		{Path: "/assets/", CacheControl: "max-age=31536000, immutable"},
		{Path: "*.ico", Lifetime: 24 * time.Hour},
		{Path: "/feed/*.xml", Lifetime: time.Minute},
		{Type: "image/*", Lifetime: time.Hour},
		{Path: "/app/", Type: "Text/HTML"},
		{Lifetime: time.Second},
	}
	for _, tc := range []struct {
		name   string
		method string
		path   string
		typ    string
		status int
		set    map[string]string
		want   string
	}{
		{name: "path", path: "/assets/a/b.css", typ: "text/css", want: "max-age=31536000, immutable"},
		{name: "not that path", path: "/assets", typ: "text/css", want: "max-age=1"},
		{name: "last segment", path: "/x/y.ico", typ: "image/x-icon", want: "max-age=86400"},
		{name: "whole path", path: "/feed/a.xml", typ: "text/xml", want: "max-age=60"},
		{name: "whole path is longer", path: "/x/feed/a.xml", typ: "text/xml", want: "max-age=1"},
		{name: "type", path: "/a", typ: "image/png", want: "max-age=3600"},
		{name: "type in capitals", path: "/a", typ: "IMAGE/PNG; x=y", want: "max-age=3600"},
		{name: "path and type", path: "/app/a", typ: "text/html; charset=utf-8", want: "no-cache"},
		{name: "path and other type", path: "/app/a", typ: "text/css", want: "max-age=1"},
		{name: "no type", path: "/b", want: ""},
		{name: "head", method: "HEAD", path: "/a", typ: "image/png", want: "max-age=3600"},
		{name: "part", path: "/a", typ: "image/png", status: 206, want: "max-age=3600"},
		{name: "not modified, path", path: "/assets/a", status: 304, want: "max-age=31536000, immutable"},
		{name: "not modified, type by extension", path: "/a.png", status: 304, want: "max-age=3600"},
		{name: "not modified, type unknown", path: "/a", status: 304, want: ""},
		{name: "error", path: "/assets/a", typ: "text/html", status: 404, want: ""},
		{name: "redirect", path: "/assets/a", typ: "text/html", status: 301, want: ""},
		{name: "post", method: "POST", path: "/assets/a", typ: "text/html", want: ""},
		{name: "cookie", path: "/assets/a", typ: "text/html", set: map[string]string{"Set-Cookie": "a=b"}, want: ""},
		{name: "own", path: "/assets/a", typ: "text/html", set: map[string]string{"Cache-Control": "no-store"}, want: "no-store"},
		{name: "own Expires", path: "/assets/a", typ: "text/html", set: map[string]string{"Expires": "0"}, want: ""},
	} {
		for _, write := range []bool{true, false} {
			h := Expires(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for k, v := range tc.set {
					w.Header().Set(k, v)
				}
				if tc.typ != "" {
					w.Header().Set("Content-Type", tc.typ)
				}
				if write || tc.status != 0 {
					w.WriteHeader(cmp.Or(tc.status, 200))
				}
			}), rules...)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(cmp.Or(tc.method, "GET"), tc.path, nil))
			if got := w.Header().Get("Cache-Control"); got != tc.want {
				t.Errorf("%s: Cache-Control: %q, want %q", tc.name, got, tc.want)
			}
			if got := w.Header().Get("Expires"); got != tc.set["Expires"] {
				t.Errorf("%s: Expires: %q", tc.name, got)
			}
		}
	}
}

// Only HTTP/1.0 clients need Expires.
func TestExpiresForOldClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Expires(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}),
			Freshness{Path: "/a", Lifetime: time.Minute}, Freshness{Path: "/b"})
		for _, tc := range []struct {
			path         string
			major, minor int
			want         string
		}{
			{"/a", 1, 0, time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)},
			{"/a", 1, 1, ""},
			{"/a", 2, 0, ""},
			{"/b", 1, 0, ""},
		} {
			r := httptest.NewRequest("GET", tc.path, nil)
			r.ProtoMajor, r.ProtoMinor = tc.major, tc.minor
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Expires"); got != tc.want {
				t.Errorf("%s HTTP/%d.%d: Expires: %q, want %q", tc.path, tc.major, tc.minor, got, tc.want)
			}
		}
	})
}

func TestExpiresRefusesBadPaths(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Expires(http.NotFoundHandler(), Freshness{Path: "[a"})
}
