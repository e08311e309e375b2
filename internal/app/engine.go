package app

import (
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"freshet/httpd"
	"freshet/internal/accesslog"
	"freshet/internal/config"
	"freshet/static"
)

// newSite returns the handler of the folder.
func newSite(c *config.Serve, pages *httpd.Pages, log *slog.Logger) (*static.Handler, error) {
	if err := checkFolder(c.Dir); err != nil {
		return nil, err
	}
	if c.SPA != "" {
		if _, err := os.Stat(filepath.Join(c.Dir, filepath.FromSlash(c.SPA))); err != nil {
			log.Warn("the page of --spa cannot be read yet", "page", c.SPA, "err", cause(err))
		}
	}
	listing := static.ListingOn
	if !c.Listing {
		listing = static.ListingOff
	}
	return static.New(static.Options{
		Root:           c.Dir,
		Memory:         c.Memory,
		Coherence:      c.Coherence,
		Index:          c.Index,
		Listing:        listing,
		SPA:            c.SPA,
		CleanURLs:      c.CleanURLs,
		Hidden:         c.Hidden,
		FollowSymlinks: c.FollowSymlinks,
		Cache:          cachePolicy(c.Cache),
		MIME:           c.MIME,
		NoCompress:     !c.Compress,
		ErrorPages:     pages,
		ErrorLog:       log,
	})
}

func cachePolicy(c config.Cache) static.CachePolicy {
	switch c.Mode {
	case config.CacheAuto:
		return static.Auto
	case config.CacheFor:
		return static.CachePolicy(c.For)
	case config.CacheOff:
		return static.NoPolicy
	}
	return static.Revalidate
}

// newEngine returns a server with the limits of the command line; -1 there is
// "none" here too.
func newEngine(c *config.Serve, pages *httpd.Pages, log *slog.Logger) *httpd.Server {
	name := c.ServerHeader
	if name == "off" {
		name = "-"
	}
	return &httpd.Server{
		ServerName:         name,
		Pages:              pages,
		ErrorLog:           slog.NewLogLogger(log.Handler(), slog.LevelError),
		MaxConns:           int(c.MaxConnections),
		MaxConnsPerClient:  int(c.MaxConnectionsPerClient),
		QueueConns:         c.QueueConnections,
		MaxRequestsPerConn: int(c.MaxRequestsPerConnection),
		MaxHeaderBytes:     int(c.MaxHeadBytes),
		MaxFields:          int(c.MaxFields),
		MaxTargetBytes:     int(c.MaxTargetBytes),
		MaxBodyBytes:       c.MaxBodyBytes,
		ReadHeaderTimeout:  c.HeadTimeout,
		BodyTimeout:        c.BodyTimeout,
		MinBodyRate:        int(c.MinBodyRate),
		IdleTimeout:        c.IdleTimeout,
		SendTimeout:        c.SendTimeout,
		AllowHTTP09:        c.HTTP09,
		LenientLF:          c.LenientLF,
		LenientFold:        c.LenientFold,
	}
}

// newPages returns the error pages: those of the template, which must work for
// a common error, or nil for the built-in ones.
func newPages(path string) (*httpd.Pages, error) {
	if path == "" {
		return nil, nil
	}
	t, err := template.ParseFiles(path)
	if err == nil {
		err = t.Execute(io.Discard, httpd.PageData{Code: 404, Phrase: "Not Found", Explanation: "x", Message: "x"})
	}
	if err != nil {
		return nil, fileFault("--error-template", path, err)
	}
	return &httpd.Pages{Template: t}, nil
}

// openAccessLog returns nil when there is to be none.
func openAccessLog(c *config.Serve, stdout io.Writer, log *slog.Logger) (*accesslog.Logger, error) {
	if c.AccessLog == "off" {
		return nil, nil
	}
	format, err := accesslog.ParseFormat(c.LogFormat)
	if err != nil {
		return nil, err
	}
	var l *accesslog.Logger
	if c.AccessLog == "-" {
		l = accesslog.New(stdout, format)
	} else if l, err = accesslog.Open(c.AccessLog, format); err != nil {
		return nil, logFault("--access-log", c.AccessLog, err)
	}
	l.Log = log
	if c.DNSNames {
		l.Names = &accesslog.Names{TTL: time.Hour}
	}
	return l, nil
}

// stopTimeout is for the message that says how long a stop may take.
func stopTimeout(d time.Duration) string {
	if d <= 0 {
		return "cutting running requests"
	}
	return fmt.Sprintf("running requests have %v; again to stop at once", d)
}
