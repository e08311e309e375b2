package app

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"freshet/httpd"
	"freshet/internal/accesslog"
	"freshet/internal/config"
)

// newEngine returns a server with the limits of the command line; -1 there is
// "none" here too.
func newEngine(c *config.Server, pages *httpd.Pages, log *slog.Logger) *httpd.Server {
	name := c.ServerHeader
	if name == "off" {
		name = "-"
	}
	return &httpd.Server{
		ServerName:         name,
		RequestIDs:         requestIDs[c.RequestID],
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

// requestIDs are the words for which answers tell the name of their request.
var requestIDs = map[string]httpd.RequestIDs{
	"errors": httpd.RequestIDOnErrors,
	"always": httpd.RequestIDAlways,
	"never":  httpd.RequestIDNever,
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
func openAccessLog(c *config.Server, stdout io.Writer, log *slog.Logger) (*accesslog.Logger, error) {
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
