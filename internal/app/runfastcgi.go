package app

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"

	"freshet/fastcgi"
	"freshet/internal/config"
)

// poolState says how the connections to a FastCGI backend are; nil without one.
type poolState func() fastcgi.PoolState

// openFastCGI opens a route with fastcgi.
func (p *programs) openFastCGI(r *config.Route, w *within) error {
	p.kind = "fastcgi"
	c := &r.FastCGI
	o, err := fastcgiOptions(c, w)
	if err != nil {
		return err
	}
	o.Prefix, o.Redirects = r.Path, w.whole
	if c.Root != "" {
		if err := checkFolder(c.Root); err != nil {
			return err
		}
		if err := p.serveBeside(c.Root, r.Path, routeFiles(), isProgram(nil, c.Split), w); err != nil {
			return err
		}
		o.Files = p.files
	}
	h, err := fastcgi.New(o)
	if err != nil {
		return err
	}
	p.runner, p.finder, p.pool = h, h, h.Pool
	return nil
}

// fastcgiOptions says to package fastcgi what a configuration says; -1 there is
// "none" here too.
func fastcgiOptions(c *config.FastCGI, w *within) (fastcgi.Options, error) {
	o := fastcgi.Options{
		Address:           c.Address,
		Split:             c.Split,
		Index:             c.Index,
		Conns:             int(c.Connections),
		Queue:             int(c.Queue),
		QueueTime:         c.QueueTime,
		ConnectTimeout:    c.ConnectTimeout,
		Timeout:           c.Timeout,
		Pause:             c.Pause,
		Idle:              c.Idle,
		MaxOutput:         c.Output,
		Env:               variables(c.Env, w.environ),
		HideAuthorization: c.HideAuthorization,
		Trusted:           c.Trust,
		ErrorLog:          w.log,
	}
	if c.Root != "" {
		o.Root = absoluteOf(c.Root)
	}
	if c.Fallback != "" {
		o.Fallback = "/" + c.Fallback
	}
	for _, dir := range c.Sendfile {
		o.Sendfile = append(o.Sendfile, absoluteOf(dir))
	}
	if c.Address != "workers" {
		return o, nil
	}
	program, err := exec.LookPath(c.Workers[0])
	if err == nil {
		program, err = filepath.Abs(program)
	}
	if err != nil {
		return o, fmt.Errorf("workers: there is no program %q; install it, or give its path", c.Workers[0])
	}
	if w.dry { // the rest is checked as if the workers ran already
		o.Address = "127.0.0.1:9"
		return o, nil
	}
	o.Address = ""
	o.Workers = &fastcgi.Workers{
		Command: append([]string{program}, c.Workers[1:]...),
		Min:     int(c.MinWorkers), Max: int(c.MaxWorkers), Idle: c.WorkerIdle,
		User: cmp.Or(c.WorkerUser, whoWorks()), Env: variables(c.Env, w.environ),
	}
	return o, nil
}
