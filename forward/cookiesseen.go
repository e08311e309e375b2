package forward

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/internal/cookierule"
)

// Bounds of what is remembered of cookies, which never is what is in them: sites,
// of which the one goes that was not heard of for the longest time, and names of
// each, beyond which they are counted alone. That is some megabytes, whatever
// servers set.
const (
	maxSeenSites  = 1000
	maxSeenNames  = 100
	maxSeenTotal  = 10000 // names of all sites; then the same site goes
	maxNameLength = 100   // bytes; the rest of a longer name is cut off
	maxHostLength = 253   // of names of the DNS; nothing is known of a longer one
)

// SeenCookie is what is known of the cookies of a name. Nothing of their values
// is.
type SeenCookie struct {
	Name string // "" for those that have none
	Host string // that sets and gets them

	Set, Sent   int64         // how often it set one, and would have got one
	Refused     int64         // how often that was refused, of both
	Changed     int64         // how often one was set for a shorter time than it asked for
	First       int64         // how often that was for a page of its own site, of set and sent
	Third       int64         // how often it was for one of another site
	Page        string        // the last other site; "" if there was none, or it is not known
	Life        time.Duration // that it asked for last; 0 for the session
	Partitioned bool          // it was last set with Partitioned, for each site apart
	Last        time.Time

	// Done is what was done the last time, and why; Rule what decided; Instead
	// what would have been done without it.
	Done, Rule, Instead string
}

// CookieSite is what is known of the cookies of a site.
type CookieSite struct {
	Site    string
	Chosen  string // the policy that somebody chose; "" for none
	Rule    string // what decides on its cookies, for pages of its own
	Cookies []SeenCookie
	Others  int64 // how often there were cookies of further names
	Last    time.Time
}

// cookieSites are the sites whose cookies were seen, and what was chosen for
// them.
type cookieSites struct {
	choices choices

	mu    sync.Mutex // guards the rest
	of    map[string]*seenSite
	total int // names of all of them
}

type seenSite struct {
	names  map[nameOfHost]*SeenCookie
	others int64
	last   time.Time
	kept   bool // it is one of the sites
}

type nameOfHost struct{ name, host string }

// sent decides on the cookies that a request sends, and returns the lines that
// are left.
func (s *cookieSites) sent(t *cookierule.Table, v *visit, lines []string, now time.Time) (left []string, taken int) {
	chosen := s.choices.of(v.site)
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.site(v.site, now)
	for _, line := range lines {
		line, n := cookierule.Without(line, func(name string) bool {
			seen := s.cookie(site, name, v.host)
			d := t.Decide(&cookierule.Case{Host: v.host, Name: name, ThirdParty: v.third, Chosen: chosen, Now: now})
			seen.note(v, &d, now)
			if seen != nil {
				seen.Sent++
			}
			return d.What == cookierule.Refused
		})
		if taken += n; line != "" || n == 0 {
			left = append(left, line)
		}
	}
	return left, taken
}

// set decides on the cookies that an answer sets, and returns the lines that are
// left.
func (s *cookieSites) set(t *cookierule.Table, v *visit, lines []string, now time.Time) (left []string, tally setTally) {
	chosen := s.choices.of(v.site)
	left = make([]string, 0, len(lines))
	s.mu.Lock()
	defer s.mu.Unlock()
	site := s.site(v.site, now)
	for _, line := range lines {
		set := cookierule.ParseSet(line)
		d := t.Decide(&cookierule.Case{Host: v.host, Name: set.Name, ThirdParty: v.third, Chosen: chosen, Set: set, Now: now})
		tally.count(d.What)
		s.remember(site, set, v, &d, now)
		if line, passes := set.Apply(d, now); passes {
			left = append(left, line)
		}
	}
	return left, tally
}

// refusedForAll takes out those that are refused whoever asks.
func (s *cookieSites) refusedForAll(t *cookierule.Table, v *visit, lines []string, now time.Time) (left []string, tally setTally) {
	chosen := s.choices.of(v.site)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range lines {
		set := cookierule.ParseSet(line)
		d := t.Decide(&cookierule.Case{Host: v.host, Name: set.Name, Chosen: chosen, Set: set, Now: now})
		if d.What != cookierule.Refused {
			left = append(left, line)
			continue
		}
		tally.count(d.What)
		s.remember(s.site(v.site, now), set, v, &d, now)
	}
	return left, tally
}

// site returns what is known of a site. The caller holds mu.
func (s *cookieSites) site(name string, now time.Time) *seenSite {
	x := s.of[name]
	if x == nil {
		x = &seenSite{names: map[nameOfHost]*SeenCookie{}}
		if len(name) > maxHostLength {
			return x // for this once
		}
		if s.of == nil {
			s.of = map[string]*seenSite{}
		}
		if len(s.of) >= maxSeenSites {
			s.forgetOldest(nil)
		}
		x.kept = true
		s.of[strings.Clone(name)] = x
	}
	x.last = now
	return x
}

// forgetOldest makes room for another site, or for another name of one that
// stays.
func (s *cookieSites) forgetOldest(stays *seenSite) {
	oldest, found := "", (*seenSite)(nil)
	for name, x := range s.of {
		if x != stays && (found == nil || x.last.Before(found.last)) {
			oldest, found = name, x
		}
	}
	if found != nil {
		s.forget(oldest)
	}
}

// forget forgets a site.
func (s *cookieSites) forget(name string) {
	if x := s.of[name]; x != nil {
		s.total -= len(x.names)
		delete(s.of, name)
	}
}

// cookie returns what is known of the cookies of a name, nil when there is no
// room for it. Strings that are kept are copies: those of a message would keep
// all of it.
func (s *cookieSites) cookie(x *seenSite, name, host string) *SeenCookie {
	if len(name) > maxNameLength {
		name = name[:maxNameLength]
	}
	c := x.names[nameOfHost{name, host}]
	switch {
	case c != nil:
	case len(x.names) >= maxSeenNames || !x.kept:
		x.others++
	default:
		if s.total >= maxSeenTotal {
			s.forgetOldest(x)
		}
		c = &SeenCookie{Name: strings.Clone(name), Host: strings.Clone(host)}
		x.names[nameOfHost{c.Name, c.Host}] = c
		s.total++
	}
	return c
}

// remember remembers a cookie that was set.
func (s *cookieSites) remember(x *seenSite, set *cookierule.Set, v *visit, d *cookierule.Decision, now time.Time) {
	c := s.cookie(x, set.Name, v.host)
	if c == nil {
		return
	}
	c.note(v, d, now)
	c.Set++
	c.Life, _ = set.Life(now)
	c.Partitioned = set.Partitioned
	if d.What == cookierule.ToSession || d.What == cookierule.Shortened {
		c.Changed++
	}
}

// note remembers what was decided on a cookie. c may be nil.
func (c *SeenCookie) note(v *visit, d *cookierule.Decision, now time.Time) {
	if c == nil {
		return
	}
	c.Last, c.Rule = now, d.Rule
	c.Done, c.Instead = d.What.String()+": "+d.Reason.String(), ""
	if d.Instead != d.What {
		c.Instead = d.Instead.String()
	}
	if d.What == cookierule.Refused {
		c.Refused++
	}
	if !v.third {
		c.First++
		return
	}
	c.Third++
	if v.page != "" && v.page != c.Page && len(v.page) <= maxHostLength {
		c.Page = strings.Clone(v.page)
	}
}

// CookieSites returns what is known of cookies: the sites that were heard of
// last first, the names in order. It may be called at any time.
func (h *Handler) CookieSites() []CookieSite {
	s := &h.cookies
	chosen := s.choices.all()
	var all []CookieSite
	s.mu.Lock()
	for name, x := range s.of {
		if len(x.names) == 0 && x.others == 0 {
			continue
		}
		c := CookieSite{Site: name, Others: x.others, Last: x.last, Cookies: make([]SeenCookie, 0, len(x.names))}
		for _, seen := range x.names {
			c.Cookies = append(c.Cookies, *seen)
		}
		all = append(all, c)
	}
	s.mu.Unlock()
	for i := range all {
		c := &all[i]
		slices.SortFunc(c.Cookies, func(a, b SeenCookie) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Host, b.Host))
		})
		c.Chosen = chosen[c.Site].String()
		delete(chosen, c.Site)
	}
	for name, p := range chosen {
		all = append(all, CookieSite{Site: name, Chosen: p.String()})
	}
	for i := range all {
		c := &all[i]
		d := h.privacy.cookies.Decide(&cookierule.Case{Host: c.Site, Chosen: s.choices.of(c.Site)})
		c.Rule = d.Rule
	}
	slices.SortFunc(all, func(a, b CookieSite) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Site, b.Site)) })
	return all
}

// ForgetCookies forgets what is known of the cookies of a site, and what was
// chosen for it. Browsers keep the cookies that they have.
func (h *Handler) ForgetCookies(site string) error {
	site = cookierule.Site(site)
	h.cookies.mu.Lock()
	h.cookies.forget(site)
	h.cookies.mu.Unlock()
	return h.cookies.choices.choose(site, cookierule.Unset)
}
