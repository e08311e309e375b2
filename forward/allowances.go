package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of allowances.
const (
	maxAllowances = 1000
	mostAllowed   = 30 * 24 * time.Hour
)

// Allowance lets something pass for a time: all that the pages of a site need,
// or what one rule of a list blocks.
type Allowance struct {
	// Site is the host of pages; with all below it. Or
	Site string `json:"site,omitempty"`
	// Rule is the text of a rule, in whichever list.
	Rule  string    `json:"rule,omitempty"`
	Until time.Time `json:"until"`
}

// allowances are those that hold. They are kept in a file, if there is a folder.
type allowances struct {
	file string // "" for none
	now  func() time.Time

	mu  sync.RWMutex // guards all
	all []Allowance
}

// open reads what was kept. What cannot be read is told, and was never there.
func (a *allowances) open(folder string, now func() time.Time) error {
	a.now = now
	if folder == "" {
		return nil
	}
	a.file = filepath.Join(folder, "allowances.json")
	b, err := os.ReadFile(a.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var all []Allowance
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		return fmt.Errorf("read allowances: %w", err)
	}
	a.all = all[:min(len(all), maxAllowances)]
	return nil
}

// find returns the allowance that lets a request pass; nil for none.
func (a *allowances) find(j *judged) *Allowance {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(a.all) == 0 {
		return nil
	}
	site, now := j.site(), a.now()
	for i := range a.all {
		x := &a.all[i]
		if now.Before(x.Until) && (x.Site != "" && isBelow(site, x.Site) || x.Rule != "" && (x.Rule == j.verdict.Rule.Text || x.Rule == j.verdict.RedirectRule.Text)) {
			found := *x
			return &found
		}
	}
	return nil
}

func isBelow(host, site string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == site || strings.HasSuffix(host, "."+site)
}

// same reports whether two are for the same.
func (x *Allowance) same(y *Allowance) bool { return x.Site == y.Site && x.Rule == y.Rule }

// add adds an allowance, in place of one for the same.
func (a *allowances) add(x Allowance) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	all := slices.DeleteFunc(slices.Clone(a.all), func(y Allowance) bool { return x.same(&y) || !now.Before(y.Until) })
	if len(all) >= maxAllowances {
		return fmt.Errorf("there are %d allowances; remove one first", maxAllowances)
	}
	return a.replace(append(all, x))
}

// remove takes an allowance away, and reports whether it was there.
func (a *allowances) remove(x Allowance) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(a.all), func(y Allowance) bool { return x.same(&y) })
	if len(all) == len(a.all) {
		return false, nil
	}
	return true, a.replace(all)
}

// replace makes all those that hold; they hold also if they cannot be kept. The
// caller holds mu.
func (a *allowances) replace(all []Allowance) error {
	a.all = all
	if a.file == "" {
		return nil
	}
	b, err := json.MarshalIndent(all, "", "\t")
	if err == nil {
		err = writeWhole(a.file, string(b)+"\n")
	}
	if err != nil {
		return fmt.Errorf("keep allowances: %w", err)
	}
	return nil
}

// Allow lets something pass from now on, until a.Until, which is at most 30 days
// away. The error may be that it holds, but could not be kept.
func (h *Handler) Allow(a Allowance) error {
	now := h.allowances.now()
	a.Site = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(a.Site), "."))
	a.Rule = strings.TrimSpace(a.Rule)
	switch {
	case (a.Site == "") == (a.Rule == ""):
		return errors.New("say what may pass: a site or a rule")
	case strings.ContainsAny(a.Site, "/: \t") || len(a.Site) > 253 || len(a.Rule) > 32<<10:
		return fmt.Errorf("%q is no name of a host", a.Site)
	case !a.Until.After(now) || a.Until.Sub(now) > mostAllowed:
		return errors.New("say until when it may pass: at most 30 days")
	}
	return h.allowances.add(a)
}

// Forbid takes an allowance away, whatever its time, and reports whether it was
// there.
func (h *Handler) Forbid(a Allowance) (bool, error) { return h.allowances.remove(a) }

// Allowances are those that hold, the newest last.
func (h *Handler) Allowances() []Allowance {
	h.allowances.mu.RLock()
	defer h.allowances.mu.RUnlock()
	now := h.allowances.now()
	return slices.DeleteFunc(slices.Clone(h.allowances.all), func(a Allowance) bool { return !now.Before(a.Until) })
}

// writeWhole writes a file that appears as a whole.
func writeWhole(name, text string) error {
	folder := filepath.Dir(name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
