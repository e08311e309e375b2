package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// saved is what outlives a machine.
type saved struct {
	Version int      `json:"version"`
	Alerts  []Alert  `json:"alerts"`
	History []Notice `json:"history"`
	Missed  int64    `json:"missed,omitempty"`
}

const savedVersion = 1

// Save returns what Restore takes.
func (m *Machine) Save() ([]byte, error) {
	s := saved{Version: savedVersion, Alerts: m.Alerts(), History: m.history, Missed: m.missed}
	for i := range s.Alerts {
		if v := s.Alerts[i].Value; math.IsNaN(v) || math.IsInf(v, 0) {
			s.Alerts[i].Value = 0
		}
	}
	return json.Marshal(&s)
}

// Restore has a machine go on where another one ended. Alerts whose rule is
// gone are told to be over by the next Step.
func (m *Machine) Restore(data []byte) error {
	var s saved
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("read the state of alerts: %w", err)
	}
	if s.Version != savedVersion {
		return fmt.Errorf("read the state of alerts: it is of version %d, and this program knows %d", s.Version, savedVersion)
	}
	if len(s.Alerts) > maxAlerts || len(s.History) > maxHistory {
		return errors.New("read the state of alerts: there is more in it than is ever written")
	}
	alerts := map[key]*Alert{}
	for _, a := range s.Alerts {
		a.Subject, a.Detail = clean(a.Subject, maxSubject), clean(a.Detail, maxDetail)
		switch {
		case !isName(a.Rule), a.State != Pending && a.State != Raised && a.State != Over, a.State == Raised && a.ID == "":
			return fmt.Errorf("read the state of alerts: %q is none", clean(a.Rule, maxName))
		}
		alerts[key{a.Rule, a.Subject}] = &a
	}
	m.alerts, m.history, m.missed, m.last = alerts, slices.Clone(s.History), s.Missed, time.Time{}
	return nil
}
