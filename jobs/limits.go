package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PoolUse is how much a pool that has a limit is used.
type PoolUse struct {
	Pool    string `json:"pool"`
	Running int64  `json:"running"` // tasks
	Limit   int    `json:"limit"`   // as many at most; more run if it was higher when they began
}

// maxPools is how many pools a list of jobs tells of.
const maxPools = 1000

// SetLimits sets Options.Pools and Options.Shares anew. Tasks that run go on:
// a limit that is lower now holds for those that are begun. Nothing is written;
// who starts the scheduler says them again.
func (s *Scheduler) SetLimits(ctx context.Context, pools, shares map[string]int) error {
	pools, shares = maps.Clone(pools), maps.Clone(shares)
	return s.ask(ctx, &request{write: func() error {
		s.options.Pools, s.options.Shares = pools, shares
		s.m.setLimits(pools, shares)
		return nil
	}})
}

func (m *machine) setLimits(pools, shares map[string]int) {
	m.limits, m.shares = pools, shares
	for name, p := range m.pools {
		p.limit = pools[name]
	}
	for name, o := range m.owners {
		o.share = max(1, shares[name])
	}
	m.woken = true
}

// full says whether no further task of the pool may be begun.
func (p *pool) full() bool { return p.limit > 0 && p.running >= int64(p.limit) }

// words says why no further task is begun of a pool that is full.
func (p *pool) words() string {
	if p.running > int64(p.limit) { // the limit was lowered, or set, since
		return fmt.Sprintf("pool %q runs %d tasks, and its limit is %d", p.name, p.running, p.limit)
	}
	return fmt.Sprintf("pool %q runs %d tasks, which is its limit", p.name, p.running)
}

// poolUse lists the pools that have a limit, by name.
func (m *machine) poolUse() []PoolUse {
	var list []PoolUse
	for name, limit := range m.limits {
		if limit <= 0 {
			continue
		}
		use := PoolUse{Pool: name, Limit: limit}
		if p := m.pools[name]; p != nil {
			use.Running = p.running
		}
		list = append(list, use)
	}
	slices.SortFunc(list, func(a, b PoolUse) int { return strings.Compare(a.Pool, b.Pool) })
	return list[:min(len(list), maxPools)]
}
