package static

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"freshet/httpd"
)

// Options say what a [Handler] serves and how. The zero value of every field
// but Root and FS is its default.
type Options struct {
	// Root is the folder to serve. Exactly one of Root and FS must be set.
	Root string

	// FS is served instead of a folder. It should know the sizes and
	// modification times of its files: one without modification times (as
	// embed.FS) is read anew for each request, unless Immutable is set.
	FS fs.FS

	// Immutable promises that no file of FS ever changes, so that a file is
	// read once. It is implied when FS is an embed.FS (not for an fs.Sub of one).
	Immutable bool

	// Memory bounds the bytes kept of files and listings: bodies, codings, heads
	// and book-keeping. When it is full, what was not asked for lately makes room.
	// Default 256 MiB.
	Memory int64

	// MaxInMemory is the size up to which a file is kept in memory, and
	// compressed there; larger ones are sent from an open file. Larger listings
	// are not compressed. It never exceeds a sixteenth of Memory. Default 1 MiB.
	MaxInMemory int64

	// Descriptors bounds how many large files are kept open between requests;
	// one that nobody asks for is closed within a minute. Default 256.
	Descriptors int

	// Coherence is for how long a file may be answered from memory without
	// asking the file system whether it changed. Default 0: each request asks.
	Coherence time.Duration

	// Index lists the files that answer for a folder, the preferred first.
	// Default index.html.
	Index []string

	// Listing says whether folders without an index file are listed.
	// Default ListingOn.
	Listing Listing

	// MaxListed bounds how many names of a folder are read for its listing; a
	// folder with more is refused (500). Default 200,000.
	MaxListed int

	// SPA names the page of a single-page application, such as index.html: it
	// answers for addresses that no file has, except those of assets.
	// Default none.
	SPA string

	// CleanURLs serves about.html as /about, and redirects /about.html there.
	CleanURLs bool

	// Hidden serves and lists also what is held back by default: dotfiles,
	// folders of version control systems, editors' backups, and keys.
	Hidden bool

	// FollowSymlinks serves what symbolic links lead to outside the folder.
	// Links that stay inside are always followed.
	FollowSymlinks bool

	// Programs reports whether a name below Root is that of a program that
	// somebody else runs: such a file is listed, and neither it nor a coding or
	// a backup of it is ever sent, whatever links lead to it (403). It gets names
	// with slashes, without one in front; of files outside the folder the last
	// part alone. It must be safe for use by many goroutines. Default none.
	Programs func(name string) bool

	// Cache says for how long clients and caches may reuse an answer without
	// asking. Default Revalidate.
	Cache CachePolicy

	// MIME adds media types by extension: ".glb": "model/gltf-binary".
	MIME map[string]string

	// NoCompress turns codings off, sidecar files included.
	NoCompress bool

	// ErrorPages makes the pages of errors. Default: those of the request's
	// context (see [httpd.Pages]) for ServeHTTP, the built-in ones for ServeHot.
	ErrorPages *httpd.Pages

	// ErrorLog takes faults that no client caused. Default slog.Default().
	ErrorLog *slog.Logger

	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Listing says whether folders are listed.
type Listing uint8

const (
	ListingOn Listing = iota
	ListingOff
)

const (
	defaultMemory      = 256 << 20
	defaultMaxInMemory = 1 << 20
	defaultDescriptors = 256
	defaultMaxListed   = 200_000
)

// check completes o with the defaults and returns all its faults at once.
func (o *Options) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if (o.Root == "") == (o.FS == nil) {
		fault("set one of Root and FS")
	}
	if o.Memory < 0 || o.MaxInMemory < 0 || o.Descriptors < 0 || o.Coherence < 0 || o.MaxListed < 0 {
		fault("Memory, MaxInMemory, Descriptors, Coherence and MaxListed must not be negative")
	}
	if o.Cache < NoPolicy || o.Cache > 0 && time.Duration(o.Cache) < time.Second {
		fault("cache policy %d is neither one of the constants nor a lifetime of a second or more", o.Cache)
	}
	for _, name := range o.Index {
		if name == "" || strings.ContainsAny(name, "/\\\x00") {
			fault("index file %q is not a plain name", name)
		}
	}
	if o.SPA != "" && !fs.ValidPath(o.SPA) {
		fault("SPA page %q is not a path inside the folder", o.SPA)
	}
	types := make(map[string]string, len(o.MIME))
	for ext, t := range o.MIME {
		if !strings.HasPrefix(ext, ".") || !strings.Contains(t, "/") || strings.ContainsAny(t, "\r\n") {
			fault("media type %q for %q: want .ext and type/subtype", t, ext)
		}
		types[strings.ToLower(ext)] = t
	}
	o.MIME = types
	o.Memory = cmp.Or(o.Memory, defaultMemory)
	o.MaxInMemory = cmp.Or(o.MaxInMemory, defaultMaxInMemory)
	o.MaxInMemory = min(o.MaxInMemory, o.Memory/16)
	o.Descriptors = cmp.Or(o.Descriptors, defaultDescriptors)
	o.MaxListed = cmp.Or(o.MaxListed, defaultMaxListed)
	if len(o.Index) == 0 {
		o.Index = []string{"index.html"}
	}
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return errors.Join(faults...)
}
