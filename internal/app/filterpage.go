package app

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"

	"freshet/forward"
	"freshet/internal/config"
	"freshet/internal/why"
)

// listOptions says to the proxy which lists the command line names. What their
// addresses gave is kept beside the cache.
func listOptions(o *forward.Options, c *config.Listing, data string, manage *monitorPlace) {
	for _, text := range c.Lists {
		o.Lists = append(o.Lists, listSource(text))
	}
	o.ListRefresh = c.ListRefresh
	o.Hiding, _ = forward.ParseHiding(c.Hide)
	if data != "" {
		o.ListFolder = filepath.Join(data, "lists")
	}
	o.Manage = manage.page
}

// listSource reads [NAME=]FILE or [NAME=]URL.
func listSource(text string) forward.ListSource {
	var s forward.ListSource
	if name, rest, ok := strings.Cut(text, "="); ok && name != "" && rest != "" && !strings.ContainsAny(name, `/\:?`) {
		s.Name, text = name, rest
	}
	if strings.Contains(text, "://") {
		s.URL = text
	} else {
		s.File = text
	}
	return s
}

// monitorPlace is where people find the page that manages lists.
type monitorPlace struct{ address atomic.Pointer[string] }

// set says where the monitor listens.
func (p *monitorPlace) set(l net.Listener) {
	addr, ok := l.Addr().(*net.TCPAddr)
	if p == nil || !ok {
		return
	}
	ip := addr.AddrPort().Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	page := strings.TrimSuffix(webAddress("http", ip, addr.Port), "/") + "/filter"
	p.address.Store(&page)
}

// page is its address; "" when there is none.
func (p *monitorPlace) page() string {
	if page := p.address.Load(); page != nil {
		return *page
	}
	return ""
}

// announceLists tells by which lists a forward proxy filters.
func (s *service) announceLists() {
	if s.content.filter != nil {
		s.env.tell("%s", listsLine(s.content.filter.Lists()))
	}
}

// listsLine is what lists have in them, or how to give one, in one line.
func listsLine(all []forward.ListState) string {
	if len(all) == 0 {
		return "no lists: nothing is blocked or hidden; --list FILE or --list URL gives one"
	}
	var rules, left, missing int
	for i := range all {
		rules += all[i].Info.Counts.Rules()
		for _, u := range all[i].Info.Unsupported {
			left += u.Count
		}
		if !all[i].Loaded {
			missing++
		}
	}
	line := "filtering by " + why.Count(int64(len(all)), "list") + ": " + why.Count(int64(rules), "rule")
	if left > 0 {
		line += ", " + why.Count(int64(left), "line") + " not understood"
	}
	if missing > 0 {
		line += "; " + why.Count(int64(missing), "list") + " left out, which could not be read"
	}
	return line
}

// reloadLists reads all lists anew.
func (s *service) reloadLists() {
	if s.content.filter != nil {
		s.content.filter.Reload()
	}
}
