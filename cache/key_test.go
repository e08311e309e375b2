package cache

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// Both ways to put parameters in order give the same.
func TestSortedQuery(t *testing.T) {
	k := KeyRules{Sort: true, Drop: []string{"d*"}}
	for range 2000 {
		var params []string
		for range rand.IntN(12) {
			params = append(params, pick(rand.New(rand.NewPCG(rand.Uint64(), 0)), "", "a", "a=1", "b", "b=2", "b=1", "=x", "c=&", "d", "dd=1", "aa"))
		}
		query := strings.Join(params, "&")
		one, other := string(k.appendSorted(nil, query)), string(k.appendManySorted(nil, query))
		if one != other {
			t.Errorf("%q: %q, %q", query, one, other)
		}
	}
}

// A query of as many parameters as fit into a request does not take long.
func TestManyParameters(t *testing.T) {
	var b strings.Builder
	for b.Len() < 60_000 {
		b.WriteString(string(rune('a'+rand.IntN(26))) + string(rune('a'+rand.IntN(26))) + string(rune('a'+rand.IntN(26))) + "&")
	}
	k := KeyRules{Sort: true}
	if took := wiretest.Busy(func() { k.appendQuery(nil, b.String()) }); took > time.Second {
		t.Errorf("it took %v", took)
	}
}
