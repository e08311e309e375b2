package app

import (
	"freshet/internal/guard"
	counters "freshet/internal/metrics"
)

// addGuardGauges has the tables of guards shown, once there are some.
func (s *service) addGuardGauges() {
	m, now := s.figures.Metrics, s.clock()
	if signed := s.within.signatures; signed.opened {
		of := func(value func(guard.ReplayFigures) float64) func() float64 {
			return func() float64 { return value(signed.replays.Figures(now().UnixNano())) }
		}
		m.AddGauge(counters.Gauge{Name: "signatures_held", Help: "Signatures of requests that are remembered, so that each is good once",
			Value: of(func(f guard.ReplayFigures) float64 { return float64(f.Held) }), Limit: of(func(f guard.ReplayFigures) float64 { return float64(f.Most) })})
		m.AddGauge(counters.Gauge{Name: "signatures_refused", Help: "Signed requests that were refused, for there was no room to remember them", Counter: true,
			Value: of(func(f guard.ReplayFigures) float64 { return float64(f.Refused) })})
	}
	if tries := s.within.access.tries; tries != nil {
		of := func(value func(guard.TriesFigures) float64) func() float64 {
			return func() float64 { return value(tries.Figures(now())) }
		}
		most := of(func(f guard.TriesFigures) float64 { return float64(f.Most) })
		m.AddGauge(counters.Gauge{Name: "tries_clients", Help: "Clients that gave wrong passwords within five minutes; beyond the limit all others count as one",
			Value: of(func(f guard.TriesFigures) float64 { return float64(f.Clients) }), Limit: most})
		m.AddGauge(counters.Gauge{Name: "tries_names", Help: "Names for which wrong passwords came within five minutes; beyond the limit all others count as one",
			Value: of(func(f guard.TriesFigures) float64 { return float64(f.Names) }), Limit: most})
		m.AddGauge(counters.Gauge{Name: "tries_refused", Help: "Passwords that were not looked at after too many wrong ones", Counter: true,
			Value: of(func(f guard.TriesFigures) float64 { return float64(f.Refused) })})
		m.AddGauge(counters.Gauge{Name: "forward_auth_waiting", Help: "Requests that wait for the answer of a service that decides who may pass",
			Value: func() float64 { return float64(s.within.access.waiting.Load()) }})
		m.AddGauge(counters.Gauge{Name: "forward_auth_failing", Help: "Services that decide who may pass and gave no usable answer when asked last",
			Value: func() float64 { return float64(s.within.access.health.failing()) }})
	}
	if tokens := &s.within.access.tokens; tokens.used() {
		of := func(value func(tokensFigures) float64) func() float64 {
			return func() float64 { return value(tokens.figures()) }
		}
		m.AddGauge(counters.Gauge{Name: "tokens_held", Help: "Tokens that are remembered, so that each is verified once; a guard at its limit forgets all of its own",
			Value: of(func(f tokensFigures) float64 { return float64(f.held) }), Limit: of(func(f tokensFigures) float64 { return float64(f.most) })})
		m.AddGauge(counters.Gauge{Name: "tokens_waiting", Help: "Tokens that wait to be verified",
			Value: of(func(f tokensFigures) float64 { return float64(f.verifying.Waiting) }), Limit: of(func(f tokensFigures) float64 { return float64(f.verifying.Most) })})
		m.AddGauge(counters.Gauge{Name: "tokens_refused", Help: "Tokens that were not verified, for too many others were", Counter: true,
			Value: of(func(f tokensFigures) float64 { return float64(f.verifying.Refused) })})
		m.AddGauge(counters.Gauge{Name: "token_keys_age", Unit: "seconds", Help: "How long ago the oldest keys of tokens came that an address has; 0 when all are of files",
			Value: of(func(f tokensFigures) float64 { return f.keysAge.Seconds() })})
	}
}
