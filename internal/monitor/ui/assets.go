package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"

	"freshet/static"
)

// What pages load is bundled from src by esbuild, which is a tool of this
// repository and not linked. One version always makes the same bytes.
//
//go:generate go tool -modfile=../../../tools/go.mod esbuild src/app.js src/app.css src/charts.js src/charts.css src/icon.svg --bundle --minify --format=esm --target=chrome100,firefox100,safari15 --loader:.svg=copy --legal-comments=inline --charset=utf8 --log-level=warning --outdir=dist

//go:embed dist
var dist embed.FS

// AssetPath is where [Handler] is to be mounted.
const AssetPath = "/assets/"

// URL is the address of an asset by its plain name: "app.css" is at
// "/assets/app.<hash>.css". The address changes when the asset does, so that
// it may be kept for ever. It panics on a name that there is not.
func URL(name string) string {
	url, ok := bundle().urls[name]
	if !ok {
		panic("monitor/ui: no asset " + name)
	}
	return url
}

// Handler serves the assets below [AssetPath] as files that never change:
// with entity-tags, codings, ranges and a lifetime of a year. It is one value
// for the process, holds at most a few hundred kilobytes, and needs no Close.
func Handler() http.Handler { return bundle().handler }

// assets are the embedded files under their public names.
type assets struct {
	urls    map[string]string // "app.css": "/assets/app.<hash>.css"
	files   map[string]string // "app.<hash>.css": "dist/app.css"
	handler http.Handler
}

var bundle = sync.OnceValue(func() *assets {
	a := &assets{urls: map[string]string{}, files: map[string]string{}}
	entries, err := dist.ReadDir("dist")
	must(err)
	for _, e := range entries {
		content, err := dist.ReadFile("dist/" + e.Name())
		must(err)
		sum := sha256.Sum256(content)
		ext := path.Ext(e.Name())
		// Long enough that package static takes it for a hash, whatever its
		// digits are, and answers as for a file that stays the same.
		public := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:12]) + ext
		a.urls[e.Name()] = AssetPath + public
		a.files[public] = "dist/" + e.Name()
	}
	h, err := static.New(static.Options{
		FS:        a,
		Immutable: true,
		Cache:     static.Auto,
		Listing:   static.ListingOff,
		Memory:    16 << 20, // a bound: a file may weigh a sixteenth of it
		ErrorLog:  slog.New(slog.DiscardHandler),
	})
	must(err)
	a.handler = http.StripPrefix(strings.TrimSuffix(AssetPath, "/"), h)
	return a
})

// must holds what the build made sure of.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Open opens an asset by its public name, and nothing else: no folder either.
func (a *assets) Open(name string) (fs.File, error) {
	file, ok := a.files[name]
	if !ok {
		if f, ok := a.openCoded(name); ok {
			return f, nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return dist.Open(file)
}
