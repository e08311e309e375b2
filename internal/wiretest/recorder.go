package wiretest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// Recorder keeps what the server says about each request; give it to the
// server as its sink.
type Recorder struct {
	mu      sync.Mutex
	records []record.Record
	more    chan struct{} // holds a token when a record came since the last look
}

// NewRecorder returns an empty Recorder.
func NewRecorder() *Recorder { return &Recorder{more: make(chan struct{}, 1)} }

// Record implements record.Sink. Only what outlives the request is kept.
func (r *Recorder) Record(of *record.Record) {
	if strings.HasSuffix(of.Target, awaiting) || of.Agent == pollAgent {
		return
	}
	r.mu.Lock()
	r.records = append(r.records, record.Record{Status: of.Status, Bytes: of.Bytes, Rule: of.Rule, Verdict: of.Verdict, Hot: of.Hot})
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// wait returns the record of the n-th request, counted from 0. A client may
// see an answer before the record is made, never the other way round.
func (r *Recorder) wait(n int) (record.Record, error) {
	late := time.After(patience)
	for {
		r.mu.Lock()
		if n < len(r.records) {
			defer r.mu.Unlock()
			return r.records[n], nil
		}
		r.mu.Unlock()
		select {
		case <-r.more:
		case <-late:
			return record.Record{}, fmt.Errorf("the server made no record of request %d", n+1)
		}
	}
}

// summary is what must be equal in every way through the server: all but the
// length of what was cut off, and which of two requests ended first.
func (r *Recorder) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := make([]string, len(r.records))
	for i, of := range r.records {
		lines[i] = fmt.Sprintf("%d, %s, %s\n", of.Status, of.Verdict, of.Rule)
		if of.Rule != rule.StaticShrank && of.Rule != rule.ClientGone {
			lines[i] = fmt.Sprintf("%d bytes, ", of.Bytes) + lines[i]
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// hits counts the requests that the hot path answered.
func (r *Recorder) hits() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, of := range r.records {
		if of.Hot {
			n++
		}
	}
	return n
}
