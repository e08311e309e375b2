package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"freshet/internal/worker"
	"freshet/jobs"
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

// CheckKind says what is wrong with the parameters of a job of a kind that every
// node has: warm and check. It knows nothing of others.
func CheckKind(kind string, params map[string]string) error {
	var err error
	switch kind {
	case "warm":
		err = worker.CheckWarm(params)
	case "check":
		err = new(checking).read(params)
	}
	if err != nil {
		return fmt.Errorf("kind %s: %w", kind, err)
	}
	return nil
}

// checkJob says what is wrong with a job that somebody submits: one that nobody
// could ever do would wait for ever.
func (n *Node) checkJob(s *jobs.Spec) error {
	if n.check != nil {
		if err := n.check(s); err != nil {
			return err
		}
	}
	_, own := n.kinds[s.Kind]
	switch all := kinds(n.kinds); {
	case s.Kind == "" || own:
		return nil
	case all[s.Kind] == nil:
		return fmt.Errorf("nobody here has a kind of work called %q; there are %s", s.Kind, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
	}
	return CheckKind(s.Kind, s.Params)
}
