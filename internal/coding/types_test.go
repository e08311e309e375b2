package coding

import (
	"testing"

	"freshet/internal/alloctest"
)

func TestCompressible(t *testing.T) {
	for typ, want := range map[string]bool{
		"text/html":                       true,
		"text/html; charset=utf-8":        true,
		"TEXT/CSS":                        true,
		" text/plain ":                    true,
		"application/javascript":          true,
		"application/json":                true,
		"application/json ;charset=utf-8": true,
		"application/ld+json":             true,
		"application/atom+xml":            true,
		"image/svg+xml":                   true,
		"application/wasm":                true,
		"font/ttf":                        true,
		"font/otf":                        true,
		"application/manifest+json":       true,
		"application/problem+json":        true,
		"font/woff":                       false,
		"font/woff2":                      false,
		"image/png":                       false,
		"image/jpeg":                      false,
		"image/webp":                      false,
		"video/mp4":                       false,
		"audio/mpeg":                      false,
		"application/zip":                 false,
		"application/x-tar":               false,
		"application/epub+zip":            false,
		"application/gzip":                false,
		"application/zstd":                false,
		"application/pdf":                 false,
		"application/octet-stream":        false,
		"multipart/byteranges":            false,
		"":                                false,
		"text":                            false,
	} {
		if got := Compressible(typ); got != want {
			t.Errorf("Compressible(%q) = %v", typ, got)
		}
	}
	if n := alloctest.PerRun(10, func() { Compressible("text/html; charset=utf-8") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
