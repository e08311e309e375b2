package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"freshet/jobs"
)

// How often it is looked for what forgotten jobs have left; and when it is looked
// again after something could not be removed, each time twice as late.
const (
	cleanEvery = time.Hour
	cleanAgain = time.Minute
)

// clean looks for what forgotten jobs have left, until ctx ends.
func (n *Node) clean(ctx context.Context) {
	again(ctx, func() error {
		err := n.cleanOnce(ctx)
		if n.shared != nil {
			err = errors.Join(err, n.shared.objects.Sweep(ctx))
		}
		if err != nil && ctx.Err() == nil {
			n.log.Warn("what forgotten jobs have left is not removed, or not all of it", "err", err)
		}
		return err
	})
}

// again does something every hour, and sooner when it has failed, until ctx ends.
func again(ctx context.Context, do func() error) {
	for late := cleanAgain; ctx.Err() == nil; {
		wait := cleanEvery
		if do() == nil {
			late = cleanAgain
		} else {
			wait, late = late, min(2*late, cleanEvery)
		}
		sleep(ctx, wait)
	}
}

// cleanOnce removes what it can: what cannot be removed or counted keeps nothing else.
func (n *Node) cleanOnce(ctx context.Context) error {
	forgotten := func(id jobs.ID) (bool, error) {
		_, err := n.scheduler.Job(ctx, id)
		if errors.Is(err, jobs.ErrUnknown) {
			return true, nil
		}
		return false, err
	}
	err := forgetEach(ctx, n.logs.kept, forgotten, n.logs.forget)
	err = errors.Join(err, n.inputs.forget(func(needs func(string)) error { return n.eachInput(ctx, needs) }))
	err = errors.Join(err, n.outputs.room.known(ctx)) // what cannot be counted is forgotten all the same
	return errors.Join(err, forgetEach(ctx, n.outputs.kept, forgotten, n.outputs.forget))
}

// forgetEach forgets the jobs that are kept and forgotten, as many of them as it can.
func forgetEach(ctx context.Context, kept func() ([]jobs.ID, error), forgotten func(jobs.ID) (bool, error), forget func(jobs.ID) error) error {
	ids, err := kept()
	if err != nil {
		return err
	}
	var left leftovers
	for _, id := range ids {
		gone, err := forgotten(id)
		if err = errors.Join(err, ctx.Err()); err != nil {
			return errors.Join(left.err(), err) // it would be so for all that follow
		}
		if gone {
			left.add(forget(id))
		}
	}
	return left.err()
}

// leftovers are errors of many things of one kind, of which the first says enough.
type leftovers struct {
	first error
	n     int
}

func (l *leftovers) add(err error) {
	if err == nil {
		return
	}
	if l.n++; l.first == nil {
		l.first = err
	}
}

func (l *leftovers) err() error {
	if l.n > 1 {
		return fmt.Errorf("%w, and %d more like it", l.first, l.n-1)
	}
	return l.first
}
