package app

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"freshet/internal/alert"
	"freshet/internal/journal"
	counters "freshet/internal/metrics"
	"freshet/internal/record"
	"freshet/proxy"
)

// Over how long figures of requests are told, and how much there has to be of the
// day before to compare them with.
const (
	alertWindow = 5 * time.Minute
	rateWindow  = time.Minute
	leastBefore = 1000 // requests
	askLimit    = 2 * time.Second
)

// A sampler keeps what was counted in the last minutes.
type sampler struct {
	of    []counted // the oldest first
	pairs map[keyPairFiles]pairLook
	fleet presence

	began  time.Time     // the first look
	ran    time.Duration // since then, whatever was done to the clock
	jobs   lasting       // that wait
	purges lasting       // likewise
}

type counted struct {
	at     time.Time
	counts counters.Counts
}

// look gathers all figures. One that cannot be had now is left out.
func (s *service) look(k *sampler, now time.Time) alert.Look {
	if k.began.IsZero() {
		k.began = now
	}
	k.ran = now.Sub(k.began)
	look := alert.Look{}
	s.lookAtGauges(look)
	s.lookAtRequests(look, k, now)
	s.lookAtOrigins(look, now)
	s.lookAtCertificates(look, k, now)
	s.lookAtKeyFile(look)
	s.lookAtMachine(look)
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	s.lookAtJobs(ctx, look, k, now)
	s.lookAtServers(ctx, look, k, now)
	s.lookAtPurges(look, k, now)
	return look
}

func one(v, of float64) []alert.Reading { return []alert.Reading{{Value: v, Of: of}} }

func (s *service) lookAtGauges(look alert.Look) {
	for _, g := range s.figures.Gauges() {
		v := g.Value()
		look[g.Name] = one(v, 0)
		if g.Limit == nil {
			continue
		}
		if limit := g.Limit(); limit > 0 {
			look[g.Name+"_percent"] = one(100*v/limit, 0)
		}
	}
}

// lookAtRequests compares what is counted with what was some minutes ago.
func (s *service) lookAtRequests(look alert.Look, k *sampler, now time.Time) {
	k.of = append(k.of, counted{now, s.figures.Total()})
	for len(k.of) > 1 && now.Sub(k.of[1].at) >= alertWindow {
		k.of = slices.Delete(k.of, 0, 1)
	}
	last := &k.of[len(k.of)-1]
	if len(k.of) < 2 {
		return
	}
	recent := &k.of[0]
	for i := range k.of[:len(k.of)-1] {
		if now.Sub(k.of[i].at) >= rateWindow {
			recent = &k.of[i]
		}
	}
	if d := now.Sub(recent.at).Seconds(); d > 0 {
		look["request_rate"] = one(float64(last.counts.Requests-recent.counts.Requests)/d, 0)
		look["byte_rate"] = one(float64(last.counts.Bytes-recent.counts.Bytes)/d, 0)
	}
	since := last.counts
	since.Sub(&k.of[0].counts)
	n := float64(since.Requests)
	if n == 0 {
		return
	}
	look["error_ratio"] = one(100*float64(since.Classes[5])/n, n)
	look["latency_p50"] = one(since.Latency.Quantile(0.5).Seconds(), n)
	look["latency_p99"] = one(since.Latency.Quantile(0.99).Seconds(), n)
	v := &since.Verdicts
	hits := v[record.Hit] + v[record.Stale] + v[record.Revalidated]
	asked := float64(hits + v[record.Miss] + v[record.Bypass])
	if asked == 0 {
		return
	}
	share := 100 * float64(hits) / asked
	look["hit_ratio"] = one(share, asked)
	if before, ok := s.hitsBefore(now); ok {
		look["hit_ratio_drop"] = one(before-share, asked)
	}
}

// hitsBefore is the share of hits of the day before the last minutes.
func (s *service) hitsBefore(now time.Time) (float64, bool) {
	var hits, asked float64
	for _, p := range s.figures.Series(counters.Minutes, now.Add(-24*time.Hour), now.Add(-2*alertWindow), nil) {
		h := float64(p.Hits) + float64(p.Stale) + float64(p.Revalidated)
		hits += h
		asked += h + float64(p.Misses) + float64(p.Bypass)
	}
	return 100 * hits / max(asked, 1), asked >= leastBefore
}

// lookAtOrigins looks at the circuits of origins, and at what the latest requests
// say of them.
func (s *service) lookAtOrigins(look alert.Look, now time.Time) {
	down := originsDown(s.origins())
	look["origin_down"] = down
	type seen struct {
		asked, failed int
		waits         []int64
		fault         string
	}
	all := map[string]*seen{}
	from := now.Add(-alertWindow).UnixNano()
	s.journal.Latest(1, func(e *journal.Entry) bool {
		d := e.Detail
		if d == nil || d.Origin == "" || e.Start < from {
			return false
		}
		o := all[d.Origin]
		if o == nil {
			o = &seen{}
			all[d.Origin] = o
		}
		asked, failed := e.OfOrigin()
		if !asked {
			return false
		}
		o.asked++
		if !failed {
			o.waits = append(o.waits, d.Wait)
			return false
		}
		o.failed++
		switch {
		case o.fault != "":
		case d.Error != "":
			o.fault = d.Error
		case d.OriginStatus > 0:
			o.fault = "status " + strconv.Itoa(d.OriginStatus)
		}
		return false
	})
	look["origin_error_ratio"], look["origin_wait"] = nil, nil
	for name, o := range all {
		if o.asked == 0 {
			continue
		}
		look["origin_error_ratio"] = append(look["origin_error_ratio"], alert.Reading{Subject: name, Value: 100 * float64(o.failed) / float64(o.asked), Of: float64(o.asked), Detail: o.fault})
		if n := len(o.waits); n > 0 {
			slices.Sort(o.waits)
			look["origin_wait"] = append(look["origin_wait"], alert.Reading{Subject: name, Value: float64(o.waits[(n-1)*95/100]) / 1e9, Of: float64(n)})
		}
	}
	// Of one that was not asked nothing is known, which is not that it is gone.
	look["origin_error_ratio"] = withUnknown(look["origin_error_ratio"], down)
	look["origin_wait"] = withUnknown(look["origin_wait"], down)
}

// withUnknown adds a reading that says nothing for each origin that has none.
func withUnknown(readings, origins []alert.Reading) []alert.Reading {
	for i := range origins {
		name := origins[i].Subject
		if !slices.ContainsFunc(readings, func(r alert.Reading) bool { return r.Subject == name }) {
			readings = append(readings, alert.Reading{Subject: name, Value: math.NaN()})
		}
	}
	return readings
}

// originsDown says of each origin whether it is left out. A circuit begins closed:
// until there was an answer, and while the last requests failed, that says nothing.
// An origin of several routes is as in the one that knows the worst.
func originsDown(all []proxy.OriginState) (down []alert.Reading) {
	const (
		untried = iota
		answers
		fails
		leftOut
	)
	worst := map[string]int{}
	for i := range all {
		o := &all[i]
		is, r := untried, alert.Reading{Subject: o.Origin, Value: math.NaN()}
		switch {
		case o.Circuit != proxy.Closed:
			is, r.Value = leftOut, 1
		case o.Fails > 0:
			is = fails
		case o.Status != 0:
			is, r.Value = answers, 0
		}
		if o.LastErr != nil {
			r.Detail = o.LastErr.Error()
		}
		was, known := worst[o.Origin]
		if !known {
			down = append(down, r)
		} else if is > was {
			down[slices.IndexFunc(down, func(d alert.Reading) bool { return d.Subject == o.Origin })] = r
		}
		worst[o.Origin] = max(is, was)
	}
	return down
}

// origins are those of all routes; one of several routes is there as often.
func (s *service) origins() []proxy.OriginState {
	l := s.content.live
	if l == nil {
		if s.content.states == nil {
			return nil
		}
		return s.content.states()
	}
	var all []proxy.OriginState
	for _, b := range l.sites().backends() {
		if b.states != nil {
			all = append(all, b.states()...)
		}
	}
	return all
}
