package jobs

import "time"

// work is how far the running tasks of a job are.
type work struct {
	done    float64 // of them, as they say
	left    float64 // of them in ms, if each takes as long as the mean; at least none
	longest float64 // of those
	least   float64
}

// running looks at the running tasks of a job; of a job of very many they count as
// just begun.
func (s *Scheduler) workOf(j *job, c Counts, mean float64) (w work) {
	if c[Running] == 0 {
		return w
	}
	if j.many != nil && len(j.many.blocks) > maxFine {
		return work{left: mean * float64(c[Running]), longest: mean, least: mean}
	}
	now, first := s.now().UnixMilli(), true
	j.running(func(_ int64, t *task) {
		said := 0.0
		if l := s.leases.get(t.token); l != nil {
			said = l.progress.Fraction
		}
		age := float64(max(0, now-t.began))
		rest := max(0, mean-age)
		if said > 0 {
			rest = age * (1 - said) / said
		}
		w.done += said
		w.left += rest
		w.longest = max(w.longest, rest)
		if first || rest < w.least {
			w.least = rest
		}
		first = false
	})
	return w
}

// leastSaid is how far a task must be for its own progress to tell how long it
// takes, when no other has ended.
const leastSaid = 0.02

// mean is how long the tasks took that succeeded, in ms; 0: none has.
func (j *job) mean(c Counts) float64 {
	if j.many == nil || c[Succeeded] == 0 {
		return 0
	}
	return max(1, float64(j.many.spent)/float64(c[Succeeded]))
}

// estimate is how long the job will still take, if what waits is begun as what
// runs ends, and takes as long as what has ended; 0: nothing is known to tell by.
func (j *job) estimate(c Counts, mean float64, w work) time.Duration {
	running := float64(c[Running])
	switch {
	case running == 0, c[Queued] > 0 && j.flags&flagPaused != 0:
		return 0
	case mean == 0 && (c[Queued] > 0 || c.Total() > 1 || w.done < leastSaid):
		return 0
	}
	left := max((w.left+mean*float64(c[Queued]))/running, w.longest)
	if c[Queued] > 0 {
		left = max(left, w.least+mean)
	}
	return max(time.Second, time.Duration(left)*time.Millisecond)
}
