package static

import "strings"

// Types that several extensions share. Text is sent as UTF-8: what else would
// be guessed by each browser in its own way.
const (
	typeText    = "text/plain; charset=utf-8"
	typeHTML    = "text/html; charset=utf-8"
	typeScript  = "text/javascript; charset=utf-8"
	typeUnknown = "application/octet-stream"
)

// typeOf returns the media type of a file by its name: what extra says of its
// extension (keys as ".ext", in lower case), else the table below, else a plain
// text for names such as README, else application/octet-stream, which a
// browser saves instead of showing.
//
// It never asks the machine's own tables: a file has the same type on every
// machine that serves it.
func typeOf(name string, extra map[string]string) string {
	name = name[strings.LastIndexByte(name, '/')+1:]
	ext := ""
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		ext = strings.ToLower(name[dot:])
	}
	if t, ok := extra[ext]; ok {
		return t
	}
	if ext == "" {
		if textNames[strings.ToLower(name)] {
			return typeText
		}
		return typeUnknown
	}
	if t, ok := types[ext[1:]]; ok {
		return t
	}
	if textExtensions[ext[1:]] {
		return typeText
	}
	return typeUnknown
}

// types is the media type of each known extension. Where an extension has two
// meanings the one that breaks if it is wrong wins: .ts is a piece of an HLS
// stream before it is TypeScript.
var types = map[string]string{
	// pages, and what pages are made of
	"html":        typeHTML,
	"htm":         typeHTML,
	"xhtml":       "application/xhtml+xml",
	"css":         "text/css; charset=utf-8",
	"js":          typeScript,
	"mjs":         typeScript,
	"cjs":         typeScript,
	"map":         "application/json",
	"json":        "application/json",
	"jsonld":      "application/ld+json",
	"geojson":     "application/geo+json",
	"topojson":    "application/json",
	"har":         "application/json",
	"ipynb":       "application/x-ipynb+json",
	"ndjson":      "application/x-ndjson",
	"jsonl":       "application/x-ndjson",
	"wasm":        "application/wasm",
	"webmanifest": "application/manifest+json",
	"appcache":    "text/cache-manifest; charset=utf-8",
	"vtt":         "text/vtt; charset=utf-8",

	// text and markup
	"txt":      typeText,
	"md":       "text/markdown; charset=utf-8",
	"markdown": "text/markdown; charset=utf-8",
	"csv":      "text/csv; charset=utf-8",
	"tsv":      "text/tab-separated-values; charset=utf-8",
	"ics":      "text/calendar; charset=utf-8",
	"vcf":      "text/vcard; charset=utf-8",
	"xml":      "application/xml",
	"xsd":      "application/xml",
	"xsl":      "application/xslt+xml",
	"xslt":     "application/xslt+xml",
	"dtd":      "application/xml-dtd",
	"rss":      "application/rss+xml",
	"atom":     "application/atom+xml",
	"opml":     "text/x-opml+xml",
	"kml":      "application/vnd.google-earth.kml+xml",
	"gpx":      "application/gpx+xml",
	"mml":      "application/mathml+xml",
	"yaml":     "application/yaml",
	"yml":      "application/yaml",
	"toml":     "application/toml",
	"rtf":      "application/rtf",

	// images
	"svg":  "image/svg+xml",
	"png":  "image/png",
	"apng": "image/apng",
	"jpg":  "image/jpeg",
	"jpeg": "image/jpeg",
	"jpe":  "image/jpeg",
	"jfif": "image/jpeg",
	"gif":  "image/gif",
	"webp": "image/webp",
	"avif": "image/avif",
	"jxl":  "image/jxl",
	"heic": "image/heic",
	"heif": "image/heif",
	"ico":  "image/x-icon",
	"cur":  "image/x-icon",
	"bmp":  "image/bmp",
	"tif":  "image/tiff",
	"tiff": "image/tiff",
	"psd":  "image/vnd.adobe.photoshop",

	// sound
	"mp3":  "audio/mpeg",
	"m4a":  "audio/mp4",
	"aac":  "audio/aac",
	"oga":  "audio/ogg",
	"ogg":  "audio/ogg",
	"opus": "audio/ogg",
	"flac": "audio/flac",
	"wav":  "audio/wav",
	"weba": "audio/webm",
	"mid":  "audio/midi",
	"midi": "audio/midi",
	"aif":  "audio/aiff",
	"aiff": "audio/aiff",
	"m3u":  "audio/mpegurl",

	// pictures that move
	"mp4":  "video/mp4",
	"m4v":  "video/mp4",
	"webm": "video/webm",
	"ogv":  "video/ogg",
	"mov":  "video/quicktime",
	"mkv":  "video/matroska",
	"avi":  "video/x-msvideo",
	"mpg":  "video/mpeg",
	"mpeg": "video/mpeg",
	"3gp":  "video/3gpp",
	"ts":   "video/mp2t",
	"m3u8": "application/vnd.apple.mpegurl",
	"mpd":  "application/dash+xml",

	// models
	"gltf": "model/gltf+json",
	"glb":  "model/gltf-binary",
	"obj":  "model/obj",
	"mtl":  "model/mtl",
	"stl":  "model/stl",
	"3mf":  "model/3mf",

	// fonts
	"woff2": "font/woff2",
	"woff":  "font/woff",
	"ttf":   "font/ttf",
	"otf":   "font/otf",
	"ttc":   "font/collection",
	"eot":   "application/vnd.ms-fontobject",

	// documents
	"pdf":  "application/pdf",
	"epub": "application/epub+zip",
	"ps":   "application/postscript",
	"doc":  "application/msword",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xls":  "application/vnd.ms-excel",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"ppt":  "application/vnd.ms-powerpoint",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text",
	"ods":  "application/vnd.oasis.opendocument.spreadsheet",
	"odp":  "application/vnd.oasis.opendocument.presentation",
	"odg":  "application/vnd.oasis.opendocument.graphics",

	// archives; .svgz is one too, because its coding is not announced
	"zip":     "application/zip",
	"gz":      "application/gzip",
	"tgz":     "application/gzip",
	"svgz":    "application/gzip",
	"bz2":     "application/x-bzip2",
	"xz":      "application/x-xz",
	"zst":     "application/zstd",
	"br":      "application/x-brotli",
	"lz4":     "application/x-lz4",
	"7z":      "application/x-7z-compressed",
	"rar":     "application/vnd.rar",
	"tar":     "application/x-tar",
	"jar":     "application/java-archive",
	"apk":     "application/vnd.android.package-archive",
	"deb":     "application/vnd.debian.binary-package",
	"rpm":     "application/x-rpm",
	"iso":     "application/x-iso9660-image",
	"dmg":     "application/x-apple-diskimage",
	"torrent": "application/x-bittorrent",
	"sqlite":  "application/vnd.sqlite3",
	"parquet": "application/vnd.apache.parquet",
	"crt":     "application/x-x509-ca-cert",
	"pem":     "application/x-pem-file",
}

// textExtensions are those of source code, settings and logs, which people
// want to read in the browser. All are plain text: a browser must not run what
// somebody only wanted to show.
var textExtensions = setOf(`
	log out diff patch conf cfg ini env properties asc lock sum mod work
	go c h cc cpp cxx hh hpp hxx m mm rs zig d swift kt kts java scala groovy gradle clj cljs ex exs erl hrl hs ml mli fs fsx
	cs vb pas f f90 for jl r lua py pyi pyx rb pl pm tcl php awk sed dart nim cr v sv vhd vhdl asm s
	sh bash zsh fish ps1 bat cmd sql graphql gql proto thrift cue tf tfvars hcl nix bazel bzl cmake mk make ninja
	jsx tsx mts cts vue svelte astro scss sass less styl coffee elm
	rst adoc asciidoc org tex bib textile pod man nfo srt sub rego jq vim el lisp lsp scm rkt
	http rest txtar golden tmpl tpl j2 mustache hbs ejs pug
	gitignore gitattributes gitmodules dockerignore editorconfig npmignore prettierrc eslintrc`)

// textNames are names without an extension that hold plain text, in lower case.
var textNames = setOf(`
	readme license licence copying copyright notice authors contributors maintainers changelog changes news todo
	install version makefile gnumakefile dockerfile containerfile vagrantfile jenkinsfile justfile procfile gemfile
	rakefile brewfile caddyfile codeowners build workspace manifest patents thanks history faq`)

func setOf(words string) map[string]bool {
	set := make(map[string]bool)
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}
