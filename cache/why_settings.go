package cache

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/rule"
	"freshet/internal/why"
)

// settings are the parameters of the configuration that had a part in it.
func (x *explanation) settings() (s []why.Setting) {
	h := x.h
	add := func(key, value string) { s = append(s, why.Setting{Key: key, Value: value}) }
	for _, id := range [...]rule.ID{rule.CacheSetCookie, rule.CacheAuthorized, rule.CacheCookied, rule.CacheTypeMismatch, rule.CacheErrorStatus, rule.CacheMethodOverride} {
		if x.rule == id {
			add("profile", h.opt.Profile.String())
		}
	}
	k := &h.opt.Key
	if x.q.to.hasQuery {
		if len(k.Drop) > 0 {
			add("key-drop", strings.Join(k.Drop, ", "))
		}
		if len(k.Keep) > 0 {
			add("key-keep", strings.Join(k.Keep, ", "))
		}
		if k.Sort {
			add("key-sort", "on")
		}
	}
	if x.near != nil {
		s = x.nearSettings(s)
	}
	if len(k.Headers) > 0 {
		add("key-header", strings.Join(k.Headers, ", "))
	}
	switch x.rule {
	case rule.CacheTooLarge:
		add("max-object", sizeText(h.opt.MaxObject))
	case rule.CacheVariantsFull, rule.CacheVaryMiss:
		add("max-variants", strconv.Itoa(h.opt.MaxVariants))
	case rule.CacheEvicted, rule.CacheNotKept:
		add("memory", sizeText(h.store.opt.Memory))
	case rule.CacheHitForMiss:
		add("hit-for-miss", timeText(h.opt.HitForMiss))
	case rule.CacheLease:
		add("lease", timeText(h.opt.Lease))
	case rule.ReuseRequestNoCache, rule.ReuseRequestMaxAge, rule.ReuseRequestMinFresh:
		add("ignore-request", onOff(h.policy.IgnoreRequest))
	case rule.ReuseWhileRevalidate, rule.ReuseRequestMaxStale:
		add("max-stale", timeText(cmp.Or(time.Duration(h.policy.MaxStale), 7*24*time.Hour)))
	}
	if o := x.q.object; o != nil && o.terms.Heuristic {
		add("heuristic-percent", strconv.Itoa(cmp.Or(h.policy.HeuristicPercent, 10)))
	}
	return s
}

// nearSettings adds the parameters that the fixes of a near key are about.
func (x *explanation) nearSettings(s []why.Setting) []why.Setting {
	for _, f := range x.near.fixes {
		if !slices.ContainsFunc(s, func(have why.Setting) bool { return have.Key == f.Name }) {
			value := "none"
			if f.Name == "key-sort" {
				value = "off"
			}
			s = append(s, why.Setting{Key: f.Name, Value: value})
		}
	}
	return s
}

// Values of settings are written as in configurations.

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func sizeText(n int64) string {
	switch {
	case n > 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	case n > 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dKiB", n>>10)
	}
	return strconv.FormatInt(n, 10)
}

// roundSize returns a size in MiB, a power of two, that is not less.
func roundSize(n int64) string {
	size := int64(1 << 20)
	for size < n {
		size *= 2
	}
	return sizeText(size)
}

// timeText writes days and seconds; -1 is how a configuration says "none".
func timeText(d time.Duration) string {
	switch day := 24 * time.Hour; {
	case d < 0:
		return "none"
	case d > 0 && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Second == 0:
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return d.String()
}
