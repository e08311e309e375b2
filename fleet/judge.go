package fleet

import (
	"fmt"
	"time"
)

// From when on something is wrong with a server.
const (
	maxOffset = time.Second
	leastDisk = 0.05 // of all, free
)

// judge says in words what is wrong with servers, each for itself and beside
// the others.
func judge(list []Server, now time.Time) {
	version := common(list, func(s *Server) string { return s.Version })
	config := common(list, func(s *Server) string { return s.Config })
	for i := range list {
		s := &list[i]
		say := func(format string, args ...any) { s.Wrong = append(s.Wrong, fmt.Sprintf(format, args...)) }
		if !s.Away.IsZero() {
			if s.State == StateAway {
				say("away for %s", span(now.Sub(s.Away)))
			}
			continue // what it said last does not hold any more
		}
		if s.State == StateQuarantined {
			say("could not start tasks, and takes none for a while: %s", s.Tasks.Why)
		}
		if s.Version != "" && s.Version != version {
			say("runs %s; most run %s", s.Version, version)
		}
		if s.Config != "" && s.Config != config {
			say("its configuration (%s) is not that of most (%s)", s.Config, config)
		}
		if c := s.Clock; c != nil && c.Offset.Abs()-c.Round/2 > maxOffset {
			side := "behind"
			if c.Offset < 0 {
				side = "ahead of"
			}
			say("its clock is %s %s the hub's", span(c.Offset.Abs()), side)
		}
		if d := s.Disk; d != nil && d.Total > 0 && float64(d.Free) < leastDisk*float64(d.Total) {
			say("%.1f %% of its disk is free", 100*float64(d.Free)/float64(d.Total))
		}
		if s.Behind {
			say("has not got all yet that the peers keep together; stop no other one")
		}
		if s.Sealing != nil && !s.Sealing.All {
			say("not all that the fleet keeps on NATS is sealed yet: %s", s.Sealing.words())
		}
		if s.Purges != nil && s.Purges.Held {
			say("asks origins about all that it has stored, until it has caught up with purges")
		}
	}
}

// common is what most of those that are there have, and of two that as many
// have, the one that comes first: the hub's.
func common(list []Server, of func(*Server) string) (most string) {
	count := map[string]int{}
	for i := range list {
		if list[i].Away.IsZero() {
			count[of(&list[i])]++
		}
	}
	delete(count, "")
	for i := range list {
		if name := of(&list[i]); count[name] > count[most] {
			most = name
		}
	}
	return most
}

// span is a length of time in its two largest units at most.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
