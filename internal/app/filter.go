package app

import (
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"freshet/cache"
	"freshet/forward"
	"freshet/internal/config"
)

func (e *Env) filter(args []string) int {
	c, err := config.ParseFilter(args, e.Environ)
	if err == nil {
		err = checkFilter(c)
	}
	if err != nil {
		return e.misused("filter", err)
	}
	return e.result(serve(e, &c.Server, openFilter(c)))
}

// checkFilter returns, as config.Faults, what is wrong with values that the proxy
// itself understands.
func checkFilter(c *config.Filter) error {
	o := forward.Options{Parents: c.Parents, Policy: forwardPolicy(&c.Policies, "")}
	listOptions(&o, &c.Listing, "", &monitorPlace{})
	o.Inspect = forward.Inspection{Hosts: c.Inspect, PassThrough: c.PassThrough, Leaf: func(string) (*tls.Certificate, error) { return nil, errors.ErrUnsupported }}
	_, err := portsOf(c.Ports)
	if err = errors.Join(err, o.Check()); err == nil {
		return nil
	}
	var faults config.Faults
	for line := range strings.SplitSeq(err.Error(), "\n") {
		faults = append(faults, config.Fault{Text: line})
	}
	return faults
}

// checkLists says which file of a list is not there, before what else follows
// from that is told.
func checkLists(lists []forward.ListSource) error {
	var faults []error
	for _, l := range lists {
		if _, err := os.Stat(l.File); l.File != "" && err != nil {
			faults = append(faults, fileFault("--list", l.File, err))
		}
	}
	return errors.Join(faults...)
}

// portsOf reads the values of --port.
func portsOf(texts []string) (ports []int, err error) {
	for _, text := range texts {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil || port == 0 {
			return nil, fmt.Errorf("--port %s: give a number from 1 to 65535", text)
		}
		ports = append(ports, int(port))
	}
	return ports, nil
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
		if err := checkLists(o.Lists); err != nil {
			return content{}, err
		}
		if served.inside, err = w.inspection(&o, &c.Inspecting, &c.Server); err != nil {
			return content{}, err
		}
		if c.Caching.Enabled {
			if served.store, err = openStore(&c.Store, w); err != nil {
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
	var err error
	if o.Ports, err = portsOf(c.Ports); err != nil {
		return o, err
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
