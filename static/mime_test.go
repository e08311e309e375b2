package static

import (
	"mime"
	"strings"
	"testing"
)

func TestTypeOf(t *testing.T) {
	extra := map[string]string{".x": "chemical/x-xyz", ".html": "text/html; charset=iso-8859-1", "": "text/x-none"}
	for _, tt := range []struct {
		name  string
		extra map[string]string
		want  string
	}{
		{"index.html", nil, "text/html; charset=utf-8"},
		{"INDEX.HTM", nil, "text/html; charset=utf-8"},
		{"a/b.c/app.js", nil, "text/javascript; charset=utf-8"},
		{"app.mjs", nil, "text/javascript; charset=utf-8"},
		{"app.js.map", nil, "application/json"},
		{"style.css", nil, "text/css; charset=utf-8"},
		{"data.json", nil, "application/json"},
		{"a.wasm", nil, "application/wasm"},
		{"a.avif", nil, "image/avif"},
		{"a.webp", nil, "image/webp"},
		{"a.jxl", nil, "image/jxl"},
		{"a.svg", nil, "image/svg+xml"},
		{"favicon.ico", nil, "image/x-icon"},
		{"site.webmanifest", nil, "application/manifest+json"},
		{"a.woff2", nil, "font/woff2"},
		{"notes.md", nil, "text/markdown; charset=utf-8"},
		{"a.xml", nil, "application/xml"},
		{"a.mp4", nil, "video/mp4"},
		{"a.webm", nil, "video/webm"},
		{"a.opus", nil, "audio/ogg"},
		{"a.tar.gz", nil, "application/gzip"},
		{"a.zst", nil, "application/zstd"},
		{"a.br", nil, "application/x-brotli"},
		{"main.go", nil, "text/plain; charset=utf-8"},
		{"server.log", nil, "text/plain; charset=utf-8"},
		{"README", nil, "text/plain; charset=utf-8"},
		{"src/Makefile", nil, "text/plain; charset=utf-8"},
		{".gitignore", nil, "text/plain; charset=utf-8"},
		{"core", nil, "application/octet-stream"},
		{"a.unheard", nil, "application/octet-stream"},
		{"ends.with.", nil, "application/octet-stream"},
		{"", nil, "application/octet-stream"},
		{"dir.html/core", nil, "application/octet-stream"},
		{"page.php", nil, "text/plain; charset=utf-8"},

		{"water.X", extra, "chemical/x-xyz"},
		{"old.html", extra, "text/html; charset=iso-8859-1"},
		{"core", extra, "text/x-none"},
		{"a.css", extra, "text/css; charset=utf-8"},
	} {
		if got := typeOf(tt.name, tt.extra); got != tt.want {
			t.Errorf("typeOf(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Each row must be a well-formed media type, in the lower case that look-ups
// use, and text must say its charset: browsers guess otherwise.
func TestTypesWellFormed(t *testing.T) {
	for ext, typ := range types {
		if ext != strings.ToLower(ext) || strings.HasPrefix(ext, ".") {
			t.Errorf("extension %q cannot be found", ext)
		}
		media, params, err := mime.ParseMediaType(typ)
		if err != nil {
			t.Errorf("%s: %q: %v", ext, typ, err)
		}
		if strings.HasPrefix(media, "text/") && !strings.HasSuffix(media, "+xml") && params["charset"] == "" {
			t.Errorf("%s: %q has no charset", ext, typ)
		}
		if textExtensions[ext] {
			t.Errorf("%s is in both tables", ext)
		}
	}
}
