package fleet

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"freshet/internal/atrest"
	"freshet/internal/bus"
	"freshet/internal/control"
)

// What a fleet puts into NATS is sealed when there are keys, by package bus. Of one
// that had none before, something is plain when they come: who leads writes that
// anew, little by little, while all goes on. Pages and objects are written as they
// are, but sealed. Entries of a log cannot be changed; a log is cut when what they
// say is elsewhere, too: that of jobs behind its pages, that of purges when all
// members have applied them.

// Sealing says how much of what a fleet keeps on NATS is sealed.
type Sealing struct {
	All  bool     `json:"all"`            // nothing is plain, nor sealed by an older secret
	Left []string `json:"left,omitempty"` // what is, in words
}

// Between two tries while something is left: at first, and at most, twice as long
// each time that nothing has changed; and how often the keys are looked at when nothing is.
const (
	sealSoon      = time.Second
	sealAgainMost = time.Minute
)

// sealing has what a node keeps on NATS be sealed.
type sealing struct {
	ring  *atrest.Ring  // nil: nothing is to be sealed
	every time.Duration // between two looks at the keys
	parts []sealedPart

	mu    sync.Mutex // guards what follows; a leaf
	state *Sealing   // nil: not known yet
}

// sealedPart is a log, or objects.
type sealedPart struct {
	name   string
	reseal func(ctx context.Context) (plain uint64, err error)
	cut    func(ctx context.Context) error // has plain entries go, soon
}

func (s *sealing) add(part sealedPart) {
	if s.ring != nil {
		s.parts = append(s.parts, part)
	}
}

// now is how far it is; nil without keys, and before that is known.
func (s *sealing) now() *Sealing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *sealing) set(is *Sealing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = is
}

// words say what is left.
func (s *Sealing) words() string { return strings.Join(s.Left, ", ") }

// seal seals what is left, until ctx ends or the node has failed. When another key is
// the first of the file, the record of the fleet's secrets is sealed by that.
func (n *Node) seal(ctx context.Context) {
	s := &n.sealing
	wait, told, by, before, lost := sealSoon, "", "", "", ""
	for ctx.Err() == nil && n.Fault() == nil {
		first := s.ring.First()
		if by == first && s.now().All {
			if sleep(ctx, s.every); ctx.Err() == nil {
				lost = n.keepSecrets(ctx, lost)
			}
			continue
		}
		is, err := n.sealOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil:
			if err.Error() != told {
				told = err.Error()
				n.log.Warn("not all that the fleet keeps on NATS can be sealed yet; it is tried again", "err", err)
			}
			if is.Left = append(is.Left, "what is not known: "+err.Error()); is.All {
				is.All = false
			}
		case !is.All && told == "":
			told = is.words()
			n.log.Info("not all that the fleet keeps on NATS is sealed yet; it is being done", "left", told)
		case is.All:
			by = first
			if told != "" {
				n.log.Info("all that the fleet keeps on NATS is sealed")
			}
			told = ""
		}
		s.set(is)
		if is.words() != before {
			wait, before = sealSoon, is.words() // it goes on
		}
		if !is.All {
			sleep(ctx, wait)
			wait = min(2*wait, sealAgainMost)
		}
	}
}

// keepSecrets has the record of the fleet's secrets be as it is known here: without it
// nothing could be opened after the next start. said is what was wrong before.
func (n *Node) keepSecrets(ctx context.Context, said string) string {
	err := n.recordSecrets(ctx)
	if err == nil || ctx.Err() != nil {
		return ""
	}
	if err.Error() != said {
		n.log.Warn("the fleet's secrets are not kept as this server has them", "err", err)
	}
	return err.Error()
}

// recordSecrets looks at the record, which is sealed by the first key then.
func (n *Node) recordSecrets(ctx context.Context) error {
	_, err := n.conn.Log(ctx, logNodes, bus.LogOptions{})
	return err
}

// sealOnce goes once through all.
func (n *Node) sealOnce(ctx context.Context) (*Sealing, error) {
	is := &Sealing{All: true}
	err := n.recordSecrets(ctx)
	faults := []error{err}
	for _, part := range n.sealing.parts {
		plain, err := part.reseal(ctx)
		if err == nil && plain > 0 {
			is.Left = append(is.Left, fmt.Sprintf("%d of %s", plain, part.name))
			if part.cut != nil {
				err = part.cut(ctx)
			}
		}
		faults = append(faults, err)
	}
	err = errors.Join(faults...)
	is.All = err == nil && len(is.Left) == 0
	return is, err
}

// ofLog is a log as a part; cut may be nil.
func ofLog(name string, log *bus.Log, cut func(context.Context) error) sealedPart {
	return sealedPart{"the log of " + name, log.Reseal, cut}
}

// ofObjects are objects as a part.
func ofObjects(o *bus.Objects) sealedPart {
	return sealedPart{"files of jobs", func(ctx context.Context) (uint64, error) { return 0, o.Reseal(ctx) }, nil}
}

// cutJobs has pages say what entries do.
func (n *Node) cutJobs(ctx context.Context) error { return n.scheduler.Cut(ctx) }

// cutAll leaves the last entry alone.
func cutAll(log *bus.Log) func(context.Context) error {
	return func(ctx context.Context) error { return log.Trim(ctx, math.MaxUint64) }
}

// sealTag is what the purge is about that is made so that the last one is sealed:
// nothing has it.
const sealTag = "freshet-seal"

// cutPlain forgets the purges that are plain, once all members have applied them, or
// may use nothing that they have stored. One that is away validates all that it has
// when it is back. The last entry of a log stays, so that another one is made first.
func (h *hub) cutPlain(context.Context) error {
	h.mu.Lock()
	behind := h.behind
	h.mu.Unlock()
	if behind == nil {
		p, a, waits, err := h.begin(&control.Request{Tags: []string{sealTag}, Soft: true})
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.behind = &purgeBehind{p, waits}
		h.mu.Unlock()
		h.finish(p, a)
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if behind.waits = h.stillWaits(behind.p.n, behind.waits); len(behind.waits) > 0 {
		return nil // another time
	}
	behind.p.settled = true
	drop := 0
	for drop < len(h.purges) && h.purges[drop].n < behind.p.n {
		drop++
	}
	h.forget(drop)
	h.first = max(h.first, behind.p.n)
	return nil
}

// purgeBehind is the purge behind those that are plain, and who has not applied it.
type purgeBehind struct {
	p     *purge
	waits []waiting
}
