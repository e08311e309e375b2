package app

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"

	"freshet/cache"
	"freshet/forward"
	"freshet/internal/config"
)

func (e *Env) filter(args []string) int {
	c, err := config.ParseFilter(args, e.Environ)
	if err != nil {
		return e.misused("filter", err)
	}
	return e.result(serve(e, &c.Server, openFilter(c)))
}

// openFilter returns an opener of a forward proxy.
func openFilter(c *config.Filter) opener {
	return func(w *within) (content, error) {
		o, err := forwardOptions(&c.Forward)
		if err != nil {
			return content{}, err
		}
		if o.Name == "" {
			o.Name = pseudonym(&c.Server)
		}
		o.ErrorLog, o.Now = w.log, w.now
		o.Policy = forwardPolicy(&c.Policies, c.Data)
		served := content{name: "as a forward proxy", data: c.Data, given: c.Given, command: "filter", does: "forward proxy"}
		served.manage = &monitorPlace{}
		listOptions(&o, &c.Listing, c.Data, served.manage)
		if served.inside, err = w.inspection(&o, &c.Inspecting, &c.Server); err != nil {
			return content{}, err
		}
		if c.Caching.Enabled {
			if served.store, err = openStore(&c.Store, w.log); err != nil {
				return content{}, err
			}
			o.Store, o.Caching = served.store, cacheOptions(&c.Caching, o.Name)
		}
		h, err := forward.New(o)
		if err != nil {
			return content{}, errors.Join(err, closeStore(served.store))
		}
		served.handler, served.hot, served.explain = h, h, h
		served.filter = h
		served.close = func() error { return errors.Join(h.Close(), closeStore(served.store)) }
		return served, nil
	}
}

// forwardOptions says to the proxy what a command line says.
func forwardOptions(c *config.Forward) (forward.Options, error) {
	o := forward.Options{
		Clients: c.Clients, AllowPrivate: c.AllowPrivate, Destinations: c.Destinations,
		Parents: c.Parents, Name: c.Name, MaxTunnels: int(c.MaxTunnels), TunnelIdle: c.TunnelTimeout,
	}
	for _, text := range c.Ports {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return o, fmt.Errorf("--port %s: give a number from 1 to 65535", text)
		}
		o.Ports = append(o.Ports, int(port))
	}
	if c.Users != "" {
		users, err := readUsers(c.Users)
		if err != nil {
			return o, err
		}
		o.Login = users.login
	}
	return o, nil
}

// pseudonym is a name that two proxies of one chain do not share, that tells
// nothing of the machine, and that is the same at the next start.
func pseudonym(c *config.Server) string {
	host, _ := os.Hostname()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s", host, c.Listen, c.TLSListen))
	return fmt.Sprintf("freshet-%x", sum[:4])
}

func closeStore(s *cache.Store) error {
	if s == nil {
		return nil
	}
	return s.Close()
}
