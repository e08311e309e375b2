package fastcgi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"freshet/internal/field"
	"freshet/internal/gateway"
)

// Defaults of Options.
const (
	DefaultConns          = 16
	DefaultConnectTimeout = 5 * time.Second
	DefaultTimeout        = 60 * time.Second
	DefaultIdle           = 60 * time.Second
)

// Options configure a Handler. The zero value of a field means its default.
type Options struct {
	// Address of the backend: "127.0.0.1:9000", "[::1]:9000", "unix:/run/a.sock".
	// "" with Workers, and only then.
	Address string

	// Root is the folder of the scripts, as the backend sees it and as we do.
	// "" means that the backend is an application: it gets all paths, with
	// SCRIPT_NAME = Prefix and PATH_INFO = the rest. Where a script was seen is
	// not looked again for a tenth of a second; what is new is found at once.
	Root string
	// Prefix is the URL path at which Root, or the application, is. Default "/".
	Prefix string
	// Split are the extensions of scripts: SCRIPT_NAME ends there, PATH_INFO
	// begins. Case is ignored. Default ".php".
	Split []string
	// Index are names tried in a folder, in order. Default "index.php". Those
	// that are no scripts are served by Files.
	Index []string
	// Fallback is the path, below Prefix, of the script that is run for what
	// neither is a file nor has an index: "/index.php". Default: that is 404.
	Fallback string
	// Files serves files that are no scripts, and folders that have an
	// index.html or no script for them. nil: they are 404. It never gets a
	// path that names a script's source.
	Files http.Handler
	// Redirects answers the requests that local redirects lead to. Default: the
	// handler itself.
	Redirects http.Handler

	// Conns is how many connections there are at most: as many as the backend
	// has workers. Default 16; with Workers it is Workers.Max. Half of them, and
	// at least one, are for requests whose bodies are too long to be read first:
	// clients that send those slowly do not keep all.
	Conns int
	// Queue is how many requests wait for a connection. Default 128, negative none.
	Queue int
	// QueueTime is how long each waits. Default 10 s.
	QueueTime time.Duration
	// ConnectTimeout bounds connecting. Default 5 s.
	ConnectTimeout time.Duration
	// Timeout bounds the wait for the head of an answer, from when the request
	// was sent, or its body last got further. Default 60 s, negative none.
	// Limits on time are kept to a quarter of their length.
	Timeout time.Duration
	// Pause bounds the wait between two records of an answer that has begun.
	// Default 60 s, negative none.
	Pause time.Duration
	// Idle is how long a connection is kept without a request. Default 60 s;
	// negative: connections are not kept.
	Idle time.Duration

	// MaxOutput bounds the body of an answer, in octets. Default none.
	MaxOutput int64
	// MaxHead bounds the fields of an answer, in octets. Default 32 KiB, at most 64.
	MaxHead int
	// SpoolMemory is how much of a body of unknown length is kept in memory,
	// and how long a body may be that is read before the backend is asked.
	// Default 64 KiB.
	SpoolMemory int64
	// MaxSpool bounds a body of unknown length, in octets; beyond it is 413.
	// Default 256 MiB. All of them together may have four times as much; beyond
	// it is 503. It bounds what is kept in a file of an answer for a client that
	// reads slowly, too, those together to twice as much; beyond it the backend
	// waits for the client.
	MaxSpool int64
	// SpoolDir is where the rest of those is kept. Default os.TempDir.
	SpoolDir string

	// Sendfile are folders that an answer may name a file in which is then
	// sent with the fields of the answer. "/srv/private": by X-Sendfile and
	// X-Accel-Redirect, with the file's path. "/files/=/srv/private": by
	// X-Accel-Redirect with a URI below /files/, percent-encoded. Links out of
	// a folder are not followed. An answer that names something else is
	// refused with 502; without folders that are all.
	Sendfile []string

	// Env are further parameters, "NAME=value". They replace those of that name.
	Env []string
	// Trusted are the networks of the proxies in front: their Forwarded,
	// X-Real-IP and X-Forwarded-… fields are passed on, those of others are not.
	// Default none.
	Trusted []netip.Prefix
	// HideAuthorization keeps the client's credentials, HTTP_AUTHORIZATION,
	// from the backend. By default they are passed: most applications check
	// them themselves.
	HideAuthorization bool

	// Workers, when not nil, are started and looked after by the handler.
	Workers *Workers

	// Software is SERVER_SOFTWARE. Default "freshet".
	Software string
	// ErrorLog hears what backends say on FCGI_STDERR, why there was no answer,
	// or not all of one, and of workers that end.
	// Default slog.Default().
	ErrorLog *slog.Logger

	network, address string // of Address
}

// check completes o with the defaults and returns all its faults at once.
func (o *Options) check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	o.network, o.address = splitAddress(o.Address)
	switch {
	case o.Address != "" && o.address == "":
		fault("address %q is neither host:port nor unix:/path", o.Address)
	case o.Workers == nil && o.address == "":
		fault("no address, and no workers")
	case o.Workers != nil && o.Address != "":
		fault("workers have an address of their own: name none")
	}
	if o.Root != "" && !filepath.IsAbs(o.Root) {
		fault("root %q is not an absolute path", o.Root)
	}
	if o.Prefix == "" {
		o.Prefix = "/"
	}
	if !strings.HasPrefix(o.Prefix, "/") {
		fault("prefix %q does not begin with a slash", o.Prefix)
	}
	o.Prefix = strings.TrimRight(o.Prefix, "/")
	if o.Fallback != "" && (!strings.HasPrefix(o.Fallback, "/") || o.Root == "") {
		fault("fallback %q: it is the path of a script below root", o.Fallback)
	}
	if o.Split == nil {
		o.Split = []string{".php"}
	}
	for _, s := range o.Split {
		if len(s) < 2 || s[0] != '.' || strings.ContainsAny(s, "/ ") {
			fault("split %q is not an extension", s)
		}
	}
	if o.Index == nil {
		o.Index = []string{"index.php"}
	}
	for _, s := range o.Index {
		if s == "" || strings.ContainsAny(s, `/\`) {
			fault("index %q is not the name of a file", s)
		}
	}
	for _, s := range o.Sendfile {
		if _, dir := parseSendfile(s); !filepath.IsAbs(dir) {
			fault("sendfile %q is not an absolute path, or that behind a URI and =", s)
		}
	}
	for _, e := range o.Env {
		name, value, ok := strings.Cut(e, "=")
		if !ok || !field.IsToken(name) || strings.IndexByte(value, 0) >= 0 {
			fault("env %q is not NAME=value", e)
		}
	}
	if o.Conns < 0 || o.ConnectTimeout < 0 || o.MaxOutput < 0 || o.MaxHead < 0 || o.SpoolMemory < 0 || o.MaxSpool < 0 || o.QueueTime < 0 {
		fault("a limit is negative")
	}
	if w := o.Workers; w != nil {
		copied := *w
		o.Workers = &copied
		faults = append(faults, copied.check()...)
		o.Conns = copied.Max
	}
	o.defaults()
	return errors.Join(faults...)
}

func (o *Options) defaults() {
	o.Conns = gateway.OrDefault(o.Conns, DefaultConns)
	o.ConnectTimeout = gateway.OrDefault(o.ConnectTimeout, DefaultConnectTimeout)
	o.Timeout = gateway.OrDefault(o.Timeout, DefaultTimeout)
	o.Pause = gateway.OrDefault(o.Pause, DefaultTimeout)
	o.Idle = gateway.OrDefault(o.Idle, DefaultIdle)
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
}

// splitAddress tells a Unix socket from a TCP address; address is "" for what
// is neither.
func splitAddress(s string) (network, address string) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		return "unix", path
	}
	if i := strings.LastIndexByte(s, ':'); i < 0 || i == len(s)-1 {
		return "tcp", ""
	}
	return "tcp", s
}
