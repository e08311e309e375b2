package forward

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"freshet/filterlist"
	"freshet/internal/rule"
)

// Bounds of what is remembered of cuts: sites beyond the first are counted
// together.
const (
	maxCutSites = 1000
	maxLatest   = 200
)

// saved is what a request that is not made is taken to spare, in bytes: about
// what such an answer has at the median of the web, coded. Nobody knows the true
// number, for it is not asked for.
var saved = map[filterlist.Type]int64{
	filterlist.Document: 30 << 10, filterlist.Subdocument: 10 << 10, filterlist.Script: 22 << 10, filterlist.Image: 12 << 10,
	filterlist.Stylesheet: 8 << 10, filterlist.Font: 25 << 10, filterlist.Media: 500 << 10, filterlist.Object: 10 << 10, filterlist.XHR: 2 << 10,
}

// CutSite is what was cut of the pages of a site.
type CutSite struct {
	Site  string // "" for those beyond the first thousand
	Count int64
	// Saved is an estimate of the bytes that were not fetched: a constant for
	// each request, by what it was for.
	Saved int64
}

// Cut is a request that was not made.
type Cut struct {
	Number int64 // counts them from 1
	Time   time.Time
	URL    string
	Site   string
	Kind   filterlist.Type
	Rule   filterlist.Rule // of a list
	By     rule.ID         // what the answer was
}

// cuts count what was cut. Its mutex is a leaf.
type cuts struct {
	mu     sync.Mutex
	sites  map[string]*CutSite
	rest   CutSite
	latest [maxLatest]Cut // a ring
	next   int64
}

// add counts a request.
func (c *cuts) add(j *judged, by rule.ID, now int64) {
	cut := Cut{Time: time.Unix(0, now), URL: j.address[:min(len(j.address), 2048)], Site: j.site(), Kind: j.kind, Rule: j.verdict.Rule, By: by}
	if j.verdict.RedirectRule.Line != 0 {
		cut.Rule = j.verdict.RedirectRule
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sites[cut.Site]
	switch {
	case s != nil:
	case len(c.sites) >= maxCutSites:
		s = &c.rest
	default:
		if c.sites == nil {
			c.sites = map[string]*CutSite{}
		}
		s = &CutSite{Site: cut.Site}
		c.sites[cut.Site] = s
	}
	s.Count++
	s.Saved += saved[j.kind]
	c.next++
	cut.Number = c.next
	c.latest[c.next%maxLatest] = cut
}

// CutSites says what was cut since the start, the site with most first.
func (h *Handler) CutSites() []CutSite {
	c := &h.cuts
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]CutSite, 0, len(c.sites)+1)
	for _, s := range c.sites {
		all = append(all, *s)
	}
	if c.rest.Count > 0 {
		all = append(all, c.rest)
	}
	slices.SortFunc(all, func(a, b CutSite) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Site, b.Site)) })
	return all
}

// LatestCuts are the latest requests that were not made, the newest first; 200
// are remembered.
func (h *Handler) LatestCuts() []Cut {
	c := &h.cuts
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]Cut, 0, min(c.next, maxLatest))
	for i := c.next; i > 0 && i > c.next-maxLatest; i-- {
		all = append(all, c.latest[i%maxLatest])
	}
	return all
}
