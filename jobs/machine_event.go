package jobs

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An entry of the log is a version, the time, and events until its end:
//
//	version 1 · time, Unix ms · { kind · job's number · what the kind needs }
//
// Numbers are varints; texts have their length in front. Encodings of pages
// are made of the same.

// entryVersion is the first byte of an entry. One that is not known is an
// error: what it says must not be left out.
const entryVersion = 1

type eventKind uint8

const (
	evStarted   eventKind = iota + 1 // a scheduler has begun to write
	evSubmitted                      // job, spec
	evClaimed                        // job, pos, worker; the token is made of the entry's number and the event's
	evEnded                          // job, pos, token, to, at, how, result
	evCancelled                      // job, tasks, reason
	evRetried                        // job, tasks
	evPaused                         // job, on
	evUnmet                          // job, reason: what it comes after did not succeed
	evForgotten                      // job
	evFired                          // job (a template), at: the minute it was submitted for
	evPreempted                      // job, pos, token, by: it is to be given back for a task of that job
)

// event is one thing that happened. Time and entry number are its entry's.
type event struct {
	kind   eventKind
	job    uint64
	pos    int64 // of the task
	token  uint64
	worker string
	spec   string // JSON
	full   *Spec  // the same, when it is at hand
	tasks  Array  // numbers; empty: all
	to     State  // what the task is now
	at     int64  // queued again: not before this time; ms
	how    howEnded
	result Result
	reason string
	on     bool
	by     uint64
}

// howEnded says what an end of a run counts as.
type howEnded uint8

const (
	howFinished  howEnded = iota // its worker said how; a failure uses up an attempt
	howLost                      // its worker said that there is no result
	howExpired                   // its worker said nothing: the lease ran out
	howReturned                  // nobody has seen it: the one who claimed was gone
	howPreempted                 // its worker gave it back, as it was asked to
)

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// appendEntry begins an entry.
func appendEntry(b []byte, ms int64) []byte {
	return binary.AppendVarint(append(b, entryVersion), ms)
}

func (e *event) append(b []byte) []byte {
	b = append(b, byte(e.kind))
	b = binary.AppendUvarint(b, e.job)
	switch e.kind {
	case evSubmitted:
		b = appendText(b, e.spec)
	case evClaimed:
		b = binary.AppendVarint(b, e.pos)
		b = appendText(b, e.worker)
	case evEnded:
		b = binary.AppendVarint(b, e.pos)
		b = binary.AppendUvarint(b, e.token)
		b = append(b, byte(e.to), byte(e.how))
		b = binary.AppendVarint(b, e.at)
		b = appendResult(b, &e.result)
	case evCancelled:
		b = appendText(b, e.tasks.String())
		b = appendText(b, e.reason)
	case evRetried:
		b = appendText(b, e.tasks.String())
	case evPaused:
		b = appendBool(b, e.on)
	case evUnmet:
		b = appendText(b, e.reason)
	case evFired:
		b = binary.AppendVarint(b, e.at)
	case evPreempted:
		b = binary.AppendVarint(b, e.pos)
		b = binary.AppendUvarint(b, e.token)
		b = binary.AppendUvarint(b, e.by)
	}
	return b
}

func appendResult(b []byte, r *Result) []byte {
	b = binary.AppendVarint(b, int64(r.Exit))
	b = appendText(b, r.Signal)
	b = appendText(b, r.Reason)
	b = appendBool(b, r.Lost)
	b = binary.AppendVarint(b, int64(r.Usage.CPU))
	b = binary.AppendVarint(b, int64(r.Usage.Wall))
	b = binary.AppendVarint(b, r.Usage.MaxRSS)
	return appendText(b, string(r.Output))
}

// errFormat says that bytes are not what this package has written.
var errFormat = errors.New("not an entry or page of this version")

// reader takes encodings apart; after the first fault everything is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.b, r.bad = nil, true }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.fail()
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) bool() bool { return r.byte() == 1 }

// state reads a State.
func (r *reader) state() State {
	s := State(r.byte())
	if s >= states {
		r.fail()
	}
	return s
}

func (r *reader) array() Array {
	a, err := ParseArray(r.text())
	if err != nil {
		r.fail()
	}
	return a
}

func (r *reader) err() error {
	if r.bad {
		return errFormat
	}
	return nil
}

func (r *reader) result() (v Result) {
	v.Exit = int(r.int())
	v.Signal, v.Reason = r.text(), r.text()
	v.Lost = r.bool()
	v.Usage.CPU, v.Usage.Wall, v.Usage.MaxRSS = duration(r.int()), duration(r.int()), r.int()
	if out := r.text(); out != "" {
		v.Output = []byte(out)
	}
	return v
}

// event reads the next event.
func (r *reader) event() (e event) {
	e.kind = eventKind(r.byte())
	e.job = r.uint()
	switch e.kind {
	case evStarted, evForgotten:
	case evSubmitted:
		e.spec = r.text()
	case evClaimed:
		e.pos = r.int()
		e.worker = r.text()
	case evEnded:
		e.pos = r.int()
		e.token = r.uint()
		e.to = r.state()
		if e.how = howEnded(r.byte()); e.how > howPreempted {
			r.fail()
		}
		e.at = r.int()
		e.result = r.result()
	case evCancelled:
		e.tasks = r.array()
		e.reason = r.text()
	case evRetried:
		e.tasks = r.array()
	case evPaused:
		e.on = r.bool()
	case evUnmet:
		e.reason = r.text()
	case evFired:
		e.at = r.int()
	case evPreempted:
		e.pos, e.token, e.by = r.int(), r.uint(), r.uint()
	default:
		r.fail()
	}
	return e
}

// readEntry calls f with each event of an entry and its index.
func readEntry(entry []byte, f func(ms int64, index int, e *event) error) error {
	r := &reader{b: entry}
	if v := r.byte(); v != entryVersion {
		return fmt.Errorf("%w: it begins with %d", errFormat, v)
	}
	ms := r.int()
	for i := 0; len(r.b) > 0 && !r.bad; i++ {
		e := r.event()
		if r.bad {
			break
		}
		if err := f(ms, i, &e); err != nil {
			return err
		}
	}
	return r.err()
}
