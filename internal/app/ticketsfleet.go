package app

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// sentKey is a key of tickets as the servers of a fleet tell each other. Its age
// is told, and not when it was made: clocks differ.
type sentKey struct {
	Secret []byte        `json:"secret"`
	Age    time.Duration `json:"age"`
}

// is says whether two keys are the same one, whenever they were made.
func (k ticketKey) is(other ticketKey) bool {
	return subtle.ConstantTimeCompare(k.secret[:], other.secret[:]) == 1
}

// maxSentKeys bounds what is taken of them: one is made every 12 hours, and lives for 36.
const maxSentKeys = 4

// give returns the keys for other servers.
func (t *tickets) give() []byte {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn(now)
	var all []sentKey
	for _, k := range t.keys[:min(len(t.keys), maxSentKeys)] {
		all = append(all, sentKey{k.secret[:], now.Sub(k.made)})
	}
	sent, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return sent
}

// take has tickets sealed with the newest key of another server from now on, and
// opened with all of its keys. Those that there were open tickets until they end.
func (t *tickets) take(sent []byte) error {
	var all []sentKey
	if err := json.Unmarshal(sent, &all); err != nil {
		return fmt.Errorf("keys of session tickets: %w", err)
	}
	if len(all) == 0 || len(all) > maxSentKeys {
		return fmt.Errorf("keys of session tickets: there are %d of them", len(all))
	}
	now := t.now()
	var keys []ticketKey
	for _, k := range all {
		if len(k.Secret) != len(ticketKey{}.secret) || k.Age < 0 || k.Age >= ticketKeyLife {
			return fmt.Errorf("keys of session tickets: one has %d bytes and is %v old", len(k.Secret), k.Age)
		}
		keys = append(keys, ticketKey{[32]byte(k.Secret), now.Add(-k.Age)})
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.led && len(t.keys) > 0 && t.keys[0].is(keys[0]) {
		return nil // it is known
	}
	for _, k := range t.keys {
		known := slices.ContainsFunc(keys, k.is)
		if !known && len(keys) < 2*maxSentKeys {
			keys = append(keys, k)
		}
	}
	t.keys, t.led = keys, true
	t.turn(now)
	return nil
}

// giveTickets is what a hub gives its members; nil without TLS.
func (s *service) giveTickets() func() []byte {
	if s.tickets == nil {
		return nil
	}
	return s.tickets.give
}

// takeTickets takes what the hub gives.
func (s *service) takeTickets(keys []byte) {
	if err := s.tickets.take(keys); err != nil {
		s.log.Warn("the hub gave no keys of session tickets that can be used; those that there were go on", "err", err)
	}
}
