package app

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"freshet/httpd"
	"freshet/internal/config"
)

// openOrigins returns an opener of what the origins have.
func openOrigins(c *config.Origins, _ *config.Store) opener {
	return func(pages *httpd.Pages, log *slog.Logger) (content, error) {
		h, err := newOrigins(c, log)
		if err != nil {
			return content{}, err
		}
		return content{name: strings.Join(c.To, ", "), handler: h}, nil
	}
}

// newOrigins returns the handler that passes requests on.
func newOrigins(c *config.Origins, log *slog.Logger) (http.Handler, error) {
	to, err := url.Parse(c.To[0])
	if err != nil {
		return nil, err
	}
	p := httputil.NewSingleHostReverseProxy(to)
	p.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelError)
	return p, nil
}
