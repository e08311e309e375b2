package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"freshet/internal/cookierule"
)

// maxChoices bounds the sites for which something is chosen.
const maxChoices = 10000

// choices are the policies that somebody chose for sites. They are kept in a
// file, if there is a folder.
type choices struct {
	file string // "" for none

	mu      sync.Mutex // held while they are changed
	current atomic.Pointer[map[string]cookierule.Policy]
}

// open reads what was kept. What cannot be read is told, and was never there.
func (c *choices) open(folder string) error {
	if folder == "" {
		return nil
	}
	c.file = filepath.Join(folder, "cookies.json")
	b, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var kept map[string]string
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	all := map[string]cookierule.Policy{}
	for site, name := range kept {
		p, bad := cookierule.ParsePolicy(name)
		if bad != nil || len(all) >= maxChoices {
			err = errors.Join(err, bad)
			continue
		}
		all[site] = p
	}
	c.current.Store(&all)
	if err != nil {
		return fmt.Errorf("read choices about cookies: %w", err)
	}
	return nil
}

// of returns what was chosen for a site.
func (c *choices) of(site string) cookierule.Policy {
	if all := c.current.Load(); all != nil {
		return (*all)[site]
	}
	return cookierule.Unset
}

// all returns a copy.
func (c *choices) all() map[string]cookierule.Policy {
	if all := c.current.Load(); all != nil {
		return maps.Clone(*all)
	}
	return map[string]cookierule.Policy{}
}

// choose chooses a policy for a site; Unset takes the choice back. It holds also
// if it cannot be kept.
func (c *choices) choose(site string, p cookierule.Policy) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all()
	switch _, there := all[site]; {
	case p == cookierule.Unset && !there:
		return nil
	case p == cookierule.Unset:
		delete(all, site)
	case !there && len(all) >= maxChoices:
		return fmt.Errorf("there are choices for %d sites; take one back first", maxChoices)
	default:
		all[site] = p
	}
	c.current.Store(&all)
	if c.file == "" {
		return nil
	}
	names := make(map[string]string, len(all))
	for site, p := range all {
		names[site] = p.String()
	}
	b, err := json.MarshalIndent(names, "", "\t")
	if err == nil {
		err = writeWhole(c.file, string(b)+"\n")
	}
	if err != nil {
		return fmt.Errorf("keep choices about cookies: %w", err)
	}
	return nil
}

// ChooseCookies chooses what becomes of the cookies of a site, for all its hosts
// and before every other rule: "allow", "session", "refuse" or "no-third-party";
// "" takes the choice back.
func (h *Handler) ChooseCookies(site, policy string) error {
	site = cookierule.Site(site)
	if site == "" || len(site) > 253 {
		return fmt.Errorf("%.60q is no site", site)
	}
	if policy == "" {
		return h.cookies.choices.choose(site, cookierule.Unset)
	}
	p, err := cookierule.ParsePolicy(policy)
	if err != nil {
		return err
	}
	return h.cookies.choices.choose(site, p)
}
