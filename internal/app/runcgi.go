package app

import (
	"freshet/cgi"
	"freshet/internal/child"
	"freshet/internal/config"
)

// openCGI opens a route with cgi.
func (p *programs) openCGI(r *config.Route, w *within) error {
	if err := checkFolder(r.Dir); err != nil {
		return err
	}
	if ext := r.Programs.Extensions; len(ext) > 0 {
		if err := p.serveBeside(r.Dir, r.Path, routeFiles(), isProgram(nil, ext), w); err != nil {
			return err
		}
	}
	o := cgiOptions(&r.Programs, w)
	o.Dir, o.Index, o.Redirects = r.Dir, r.Programs.Index, w.whole
	if r.Path != "/" {
		o.Prefix = r.Path
	}
	return p.runCGI(o, w)
}

func (p *programs) runCGI(o cgi.Options, w *within) error {
	p.kind = "cgi"
	if err := mayEnter(o.Dir, o.User); err != nil {
		return err
	}
	child.WithoutSIGCHLD()
	h, err := cgi.New(o)
	if err != nil {
		return err
	}
	p.runner, p.finder, p.most = h, h, o.Running
	return nil
}

// cgiOptions says to package cgi what a configuration says; -1 there is "none"
// here too, and 0 "unset".
func cgiOptions(c *config.Programs, w *within) cgi.Options {
	return cgi.Options{
		Extensions:        c.Extensions,
		User:              c.User,
		AllowWritable:     c.AllowWritable,
		Env:               variables(c.Env, w.environ),
		PassAuthorization: c.Authorization,
		Trusted:           c.Trust,
		Timeout:           c.Timeout,
		Running:           int(c.Max),
		Queue:             int(c.Queue),
		QueueTime:         c.QueueTime,
		MaxOutput:         c.Output,
		MaxSpool:          c.Spool,
		Limits:            cgi.Limits{Memory: c.Memory, CPU: c.CPU, Processes: int(c.Processes)},
		NoNetwork:         c.NoNetwork,
		Landlock:          c.Landlock,
		Writable:          c.Writable,
		Cgroup:            c.Cgroup,
		ErrorLog:          w.log,
	}
}
