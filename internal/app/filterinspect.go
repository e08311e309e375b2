package app

import (
	"errors"
	"fmt"

	"freshet/forward"
	"freshet/httpd"
	"freshet/internal/authority"
	"freshet/internal/config"
)

// inspection completes the options of a forward proxy with what looks into
// https, and returns the engine that serves what is inside; nil without.
func (w *within) inspection(o *forward.Options, c *config.Inspecting, server *config.Server) (*httpd.Server, error) {
	o.Inspect = forward.Inspection{Hosts: c.Inspect, PassThrough: c.PassThrough}
	if len(c.Inspect) == 0 {
		return nil, nil
	}
	dir, err := authorityFolder(c.Authority, w.environ)
	if err != nil {
		return nil, errors.New("--inspect needs an authority, and its folder is not known: set HOME or XDG_DATA_HOME, or give --authority")
	}
	a, err := authority.Open(dir, w.ring)
	if errors.Is(err, authority.ErrNone) {
		return nil, fmt.Errorf("--inspect needs an authority, and there is none in %s; make one with \"freshet tls ca\" and have the browser trust it (\"freshet tls trust\"), or name its folder with --authority", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("--inspect: %w", err)
	}
	inside := newEngine(server, w.pages, w.log)
	o.Inspect.Leaf, o.Inspect.Certificate, o.Inspect.Engine = a.Leaf, a.PEM(), inside
	return inside, nil
}
