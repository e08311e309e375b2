package fleet

import (
	"maps"

	"freshet/internal/worker"
)

// kinds are the kinds of work that need no program: those that any node has, and
// more.
func kinds(more map[string]worker.Kind) map[string]worker.Kind {
	all := map[string]worker.Kind{
		"warm":  worker.Warm(worker.WarmOptions{}),
		"check": checkURLs,
	}
	maps.Copy(all, more)
	return all
}

// membersKinds are the kinds of work that a member of a fleet is given tasks of.
// Those of Options.Kinds need what the hub's own server has, such as its cache: a
// member that took their tasks would end them, and nothing would be done.
var membersKinds = map[string]bool{"warm": true, "check": true}
