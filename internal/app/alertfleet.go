package app

import (
	"context"
	"errors"
	"math"
	"time"

	"freshet/fleet"
	"freshet/internal/alert"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/jobs"
)

// How many jobs are told of, in how many pages they are looked for, and how long
// after its end one that failed is told.
const (
	alertJobs  = 200
	alertPages = 5
	deadFor    = 24 * time.Hour
)

// lookAtJobs looks at the queue, if it is kept here.
func (s *service) lookAtJobs(ctx context.Context, look alert.Look, k *sampler, now time.Time) {
	if s.jobs == nil || s.joins() {
		return
	}
	away := s.jobs.Away()
	look["queue_away"] = queueAway(away)
	if away != nil {
		return
	}
	q := s.jobs.Queue()
	if list, more, err := listJobs(ctx, q, jobs.Filter{States: []jobs.State{jobs.Failed, jobs.Dead}, Changed: now.Add(-deadFor)}); err == nil {
		look["job_dead"] = more
		for i := range list {
			if j := &list[i]; !j.Ended.IsZero() && now.Sub(j.Ended) < deadFor {
				look["job_dead"] = append(look["job_dead"], alert.Reading{Subject: jobSubject(j), Value: float64(max(j.Counts.Broken(), 1)), Detail: j.Reason})
			}
		}
	}
	if list, more, err := listJobs(ctx, q, jobs.Filter{Waiting: true, Oldest: true}); err == nil {
		look["job_wait"] = append(k.jobWaits(list, now), more...)
	}
}

// listJobs lists the first jobs that a filter has. What there is besides is one
// reading that says so.
func listJobs(ctx context.Context, q jobs.Queue, f jobs.Filter) (list []jobs.Info, more []alert.Reading, err error) {
	for range alertPages {
		f.N = alertJobs - len(list)
		page, err := q.Jobs(ctx, f)
		if err != nil {
			return nil, nil, err
		}
		list = append(list, page.Jobs...)
		if page.Next == "" {
			return list, nil, nil
		}
		if f.After = page.Next; len(list) >= alertJobs {
			break
		}
	}
	return list, []alert.Reading{{Rest: true}}, nil
}

// queueAway says of why the queue is not open here whether that is a fault. A
// standby has none, and that is well as long as another server leads.
func queueAway(away error) []alert.Reading {
	if away == nil || errors.Is(away, fleet.ErrStandby) && !errors.Is(away, fleet.ErrNoLeader) {
		return one(0, 0)
	}
	return []alert.Reading{{Value: 1, Detail: away.Error()}}
}

// jobWaits is how long jobs wait.
func (k *sampler) jobWaits(list []jobs.Info, now time.Time) (all []alert.Reading) {
	seen := lasting{}
	for i := range list {
		j := &list[i]
		all = append(all, alert.Reading{Subject: jobSubject(j), Value: k.jobs.seconds(seen, string(j.ID), j.Submitted, now, k.ran), Detail: j.Waits})
	}
	k.jobs = seen
	return all
}

func jobSubject(j *jobs.Info) string {
	if j.Spec.Name == "" {
		return string(j.ID)
	}
	return string(j.ID) + " " + j.Spec.Name
}

// lookAtServers looks at those of the fleet.
func (s *service) lookAtServers(ctx context.Context, look alert.Look, k *sampler, now time.Time) {
	if s.jobs == nil {
		return
	}
	list, err := s.jobs.Servers(ctx)
	if err != nil {
		return
	}
	look["server_away"] = k.fleet.look(list, now, k.ran)
}

// lookAtPurges looks at which servers have not confirmed them: they are waited
// for, or away. What has said goodbye serves nothing, and what has no token any
// more is gone.
func (s *service) lookAtPurges(look alert.Look, k *sampler, now time.Time) {
	if _, known := look["server_away"]; !known || s.content.purger == nil || s.jobs == nil {
		return
	}
	a, err := s.content.purger.Purge(&control.Request{Receipts: true})
	if err != nil {
		return
	}
	look["purge_wait"] = k.purgeWaits(a.Receipts, now)
}

// purgeWaits is for how long each server of the fleet has not confirmed a purge.
// When that is not known of one purge, nothing is known of the server.
func (k *sampler) purgeWaits(receipts []control.Receipt, now time.Time) (all []alert.Reading) {
	waits, seen := map[string]alert.Reading{}, lasting{}
	for i := range receipts {
		r := &receipts[i]
		for _, n := range r.Nodes {
			if _, there := k.fleet.heard[n.Node]; !there {
				continue
			}
			longest, known := waits[n.Node]
			if !known {
				longest.Subject = n.Node
			}
			if n.State != control.NodeDone {
				age := k.purges.seconds(seen, r.ID, r.Time, now, k.ran)
				if math.IsNaN(age) || age > longest.Value {
					longest.Value, longest.Detail = age, "The purge "+r.ID+" is not confirmed."
				}
			}
			waits[n.Node] = longest
		}
	}
	k.purges = seen
	for _, r := range waits {
		all = append(all, r)
	}
	return all
}

// joins reports whether the queue is another server's, whose fleet this one is of.
func (s *service) joins() bool { return s.conf.Jobs.Join != (config.Secret{}) }
