package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"freshet/freshness"
)

// keepApart makes Authorization one of the fields that select an object of a
// private cache. RFC 9111 lets such a cache answer any request of its user with
// it; but a user may have several accounts, and what one may see is not what
// another may. Invalidation still is for all of them: they share the key.
func (o *object) keepApart(policy *freshness.Cache) {
	const name = "Authorization"
	if policy == nil || !policy.Private || o.vary.Any {
		return
	}
	if i, has := slices.BinarySearch(o.vary.Names, name); !has {
		o.vary.Names = slices.Insert(o.vary.Names, i, name)
	}
}

// digested returns what is kept of credentials to compare others with: the
// scheme, and a digest in place of the rest, for what is kept can be a file.
func digested(values []string) []string {
	all := strings.Join(values, "\n")
	scheme, _, has := strings.Cut(all, " ")
	if !has {
		scheme = "" // a token without a scheme
	}
	sum := sha256.Sum256([]byte(all))
	return []string{scheme + " " + hex.EncodeToString(sum[:])}
}
