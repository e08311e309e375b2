package cache

import (
	"slices"
	"strings"

	"freshet/internal/why"
)

// near is something stored under another key, which differs only by what seldom
// makes a difference.
type near struct {
	key   string
	fixes []why.Fix // of the configuration, after which the keys are one
	what  string    // in words: "without utm_source"
}

// tracking are parameters by which others follow a visitor's way to the page:
// origins give the same answer with and without them. A "*" at the end stands for
// any rest.
var tracking = []string{
	"utm_*", "gclid", "gclsrc", "gbraid", "wbraid", "dclid", "gad_source", "fbclid", "msclkid", "yclid", "ttclid", "twclid", "li_fat_id",
	"igshid", "mc_cid", "mc_eid", "srsltid", "mkt_tok", "_ga", "_gl", "_hsenc", "_hsmi", "vero_id", "oly_enc_id",
}

// trackers returns the tracking parameters of a query that are a part of the
// key, each once.
func (h *Handler) trackers(query string) (names []string) {
	for p := range strings.SplitSeq(query, "&") {
		if name := parameterName(p); p != "" && h.opt.Key.matters(p) && listed(tracking, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// findNear looks whether the request would have found something if tracking
// parameters did not count, or the order of parameters: a handful of look-ups.
func (x *explanation) findNear() *near {
	h, q := x.h, x.q
	if q.object != nil || !q.to.hasQuery || isIgnoring(q.key) {
		return nil
	}
	for _, n := range h.nearRules(&q.to) {
		if !n.rules.Sort {
			if key := string(n.rules.appendKey(nil, &q.to, &q.src)); x.holds(key) {
				return &near{key, n.fixes, n.what}
			}
			continue
		}
		// The stored key is of the same parameters in another order: a few are tried.
		for order := range orders(&q.to, &n.rules) {
			to := q.to
			to.query, to.hasQuery = order, order != ""
			if key := string(h.opt.Key.appendKey(nil, &to, &q.src)); key != q.key && x.holds(key) {
				return &near{key, n.fixes, n.what}
			}
		}
	}
	return nil
}

// holds reports whether there is something under a key that the request would
// select.
func (x *explanation) holds(key string) bool {
	o := x.h.store.peek(key).match(&x.q.src)
	return o != nil && !x.h.store.gone(o, key)
}

// nearRule is a rule for keys that could have been.
type nearRule struct {
	rules KeyRules
	fixes []why.Fix
	what  string
}

func (h *Handler) nearRules(to *target) (near []nearRule) {
	names := h.trackers(to.query)
	if len(names) > 0 {
		n := nearRule{rules: h.opt.Key, what: "without " + strings.Join(names, " and ")}
		n.rules.Drop = slices.Concat(n.rules.Drop, names)
		for _, name := range names {
			n.fixes = append(n.fixes, why.Fix{Who: why.Configuration, Do: "add", Name: "key-drop", Value: name})
		}
		near = append(near, n)
	}
	if !h.opt.Key.Sort && strings.Contains(to.query, "&") {
		for _, base := range append([]nearRule{{rules: h.opt.Key}}, near...) {
			n := nearRule{rules: base.rules, what: strings.TrimSpace(base.what + " with its parameters in another order")}
			n.rules.Sort = true
			n.fixes = append(slices.Clone(base.fixes), why.Fix{Who: why.Configuration, Do: "set", Name: "key-sort", Value: "on"})
			near = append(near, n)
		}
	}
	return near
}

// maxOrdered is up to how many parameters other orders are tried.
const maxOrdered = 4

// orders yields the parameters that matter by the rules in every order.
func orders(to *target, rules *KeyRules) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		var params []string
		for p := range strings.SplitSeq(to.query, "&") {
			if p == "" || !rules.matters(p) {
				continue
			}
			if params = append(params, p); len(params) > maxOrdered {
				return
			}
		}
		permute(params, 0, func() bool { return yield(strings.Join(params, "&")) })
	}
}

// permute calls yield with each order of the elements from i on.
func permute(p []string, i int, yield func() bool) bool {
	if i >= len(p)-1 {
		return yield()
	}
	for j := i; j < len(p); j++ {
		p[i], p[j] = p[j], p[i]
		more := permute(p, i+1, yield)
		p[i], p[j] = p[j], p[i]
		if !more {
			return false
		}
	}
	return true
}
