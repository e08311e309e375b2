package coding

import "strings"

// Compressible reports whether bodies of a media type are usually made smaller
// by a coding. The value is that of a Content-Type field, with or without
// parameters, in any case. Images other than drawings, sound, video, archives,
// documents that are archives, and web fonts of format 2 are compressed
// already; of what is unknown, nothing is expected.
func Compressible(mediaType string) bool {
	if i := strings.IndexByte(mediaType, ';'); i >= 0 {
		mediaType = mediaType[:i]
	}
	t := strings.ToLower(strings.Trim(mediaType, " \t"))
	if strings.HasPrefix(t, "text/") {
		return true
	}
	// The structured syntax suffixes of RFC 6839 and RFC 8081.
	if i := strings.LastIndexByte(t, '+'); i >= 0 {
		switch t[i:] {
		case "+json", "+xml", "+yaml", "+json-seq":
			return true
		case "+zip", "+gzip", "+zstd":
			return false
		}
	}
	switch t {
	case "application/javascript", "application/x-javascript", "application/ecmascript",
		"application/json", "application/json5", "application/x-ndjson", "application/ndjson",
		"application/json-seq", "application/yaml", "application/x-yaml", "application/toml",
		"application/xml", "application/xml-dtd", "application/xslt+xml",
		"application/wasm", "application/sql", "application/graphql",
		"application/x-sh", "application/x-httpd-php", "application/x-tex",
		"application/x-www-form-urlencoded",
		"application/rtf", "application/postscript",
		"application/vnd.ms-fontobject",
		"application/vnd.mapbox-vector-tile", "application/vnd.apple.mpegurl",
		"font/ttf", "font/otf", "font/sfnt", "font/collection",
		"application/font-sfnt", "application/x-font-ttf", "application/x-font-otf",
		"image/svg", "image/bmp", "image/x-ms-bmp",
		"image/x-icon", "image/vnd.microsoft.icon", "image/x-portable-bitmap",
		"model/obj", "model/stl", "model/gltf-binary":
		return true
	}
	return false
}
