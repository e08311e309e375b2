package fleet

import "freshet/internal/worker"

// kinds are the kinds of work that need no program.
func kinds() map[string]worker.Kind {
	return map[string]worker.Kind{"warm": worker.Warm(worker.WarmOptions{})}
}
