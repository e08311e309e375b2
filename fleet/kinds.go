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
