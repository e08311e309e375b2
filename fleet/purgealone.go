package fleet

import (
	"net/http"

	"freshet/internal/control"
)

// Alone is what may be purged by a member itself: with Here only, for purges are
// made at the hub. What is asked for is what it has itself.
func Alone(own control.Purger) control.Purger { return alone{own} }

type alone struct{ own control.Purger }

// Purge implements control.Purger.
func (a alone) Purge(q *control.Request) (*control.Answer, error) {
	if (q.Purges() || q.Undo != "") && !q.Here && !q.DryRun {
		return nil, errElsewhere{}
	}
	if err := checkHere(q); err != nil {
		return nil, err
	}
	return a.own.Purge(q)
}

// errElsewhere is of purges that are made at the hub.
type errElsewhere struct{}

func (errElsewhere) Error() string {
	return "this server is part of a fleet: purge at its hub, and it is purged here, too; --here purges this server alone"
}

// Status is that of an answer.
func (errElsewhere) Status() int { return http.StatusConflict }
