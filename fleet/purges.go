package fleet

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"freshet/cache"
	"freshet/internal/control"
)

// A Cache is what purges of a fleet are applied to.
type Cache interface {
	// Purge does a purge once under its ID. An error means that nothing was
	// purged.
	control.Purger
	// Hold has nothing used that was stored before without being validated,
	// until Release. Holding what is held changes nothing.
	Hold()
	Release()
	// Mark is what SetMark has kept, beside what is stored, or "".
	Mark() string
	// SetMark keeps a text of 128 bytes at most. When it succeeds all purges
	// before it are kept, too.
	SetMark(string) error
}

// callPurges is what members ask for.
const callPurges = "fleet.purges"

// purgeTimes are how long things take. Tests have other ones.
type purgeTimes struct {
	lease time.Duration // how long a member may use what it has stored, from when it sent a question
	slack time.Duration // by how much longer the hub waits
	poll  time.Duration // how long the hub has a question wait for something new
	reply time.Duration // how long a member waits for an answer beyond that
	again time.Duration // a member asks again after the first failure; the next ones wait longer
	most  time.Duration // at most so long
	flush time.Duration // how often what is told is written
}

var usualTimes = purgeTimes{lease: 5 * time.Second, slack: 500 * time.Millisecond, poll: 2 * time.Second, reply: 1500 * time.Millisecond,
	again: 50 * time.Millisecond, most: 5 * time.Second, flush: time.Second}

func (t *purgeTimes) or(usual purgeTimes) purgeTimes {
	if t == nil || *t == (purgeTimes{}) {
		return usual
	}
	return *t
}

// Bounds of purges in a fleet.
const (
	keptPurges  = 10_000     // the latest, that a member may have missed
	keptBytes   = 64 << 20   // of them
	keptAbove   = 1_000      // how many more there may be before the oldest are forgotten
	maxPurge    = 1000 << 10 // bytes of one
	maxBatch    = 256        // of an answer
	maxAnswer   = 512 << 10  // bytes of an answer, beyond its first purge
	maxTold     = 256        // receipts that a question tells of
	maxFault    = 300        // bytes of what is wrong with one
	keptTold    = 1000       // purges of which it is known what each node said
	maxReplaced = 16         // processes that had a node's token before
)

// A question of a member asks for the purges after a place. It says by that that
// all up to there hold in its process.
type question struct {
	place
	Process string    `json:"process"`          // which one of those that were started with the token
	Told    []outcome `json:"told,omitempty"`   // receipts that have changed
	Leaves  bool      `json:"leaves,omitempty"` // its cache is held, and stays so: it asks no more
}

// A reply is the hub's answer.
type reply struct {
	place           // unless there are purges: the end, from where on the member asks
	Lost   bool     `json:"lost,omitempty"` // the member's place is not known: nobody knows what it has missed
	Purges []passed `json:"purges,omitempty"`
	More   bool     `json:"more,omitempty"` // they are not all
}

// passed is a purge on its way to a member.
type passed struct {
	N    uint64          `json:"n"`
	Late int64           `json:"late,omitempty"` // milliseconds since it was made
	Text json.RawMessage `json:"purge"`          // a purge as in the log
}

// purge is an entry of the log.
type purge struct {
	ID      string          `json:"id"`
	Time    time.Time       `json:"time"`
	Request control.Request `json:"request"`

	n       uint64
	made    time.Time // in this process, by the monotonic clock; zero: before
	text    []byte
	undone  uint64 // the number of the purge that undoes it; 0: none
	settled bool   // whoever has not applied it uses nothing that it had before
}

// late is how long ago it was made. Of a purge from before this process only the time
// of day says so, which may have been set since: it is not taken for one of just now.
func (p *purge) late() time.Duration {
	if p.made.IsZero() {
		return max(time.Since(p.Time), (lateAges+1)*time.Millisecond)
	}
	return time.Since(p.made)
}

// outcome is what a node says of a purge that it has applied.
type outcome struct {
	N        uint64    `json:"n,omitempty"`
	ID       string    `json:"id,omitempty"` // instead of N, of receipts from before a restart
	Objects  int64     `json:"objects,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"`
	Counting bool      `json:"counting,omitempty"`
	Done     time.Time `json:"done,omitzero"` // by the hub's clock
	Fault    string    `json:"fault,omitempty"`
}

// A place is a purge in a log, or its beginning.
type place struct {
	Log string `json:"log"`          // which log
	N   uint64 `json:"n"`            // 0: before the first one
	ID  string `json:"id,omitempty"` // of the purge with that number
}

// String is the place as a mark of a cache.
func (p place) String() string {
	return strings.TrimSuffix(fmt.Sprintf("%s %d %s", p.Log, p.N, p.ID), " ")
}

// placeOf is what String made a mark of; the zero place, which no log knows, of
// any other.
func placeOf(mark string) (p place) {
	if n, _ := fmt.Sscan(mark, &p.Log, &p.N, &p.ID); n < 2 || p.String() != mark {
		return place{}
	}
	return p
}

// Beginnings of names that purges of a fleet cannot have: those that a node has
// made for itself. A purge with the name of one that there is would not be done.
const (
	hereID   = "here-"
	joinedID = "joined-"
)

// newPurgeID makes a name that no other purge has.
func newPurgeID() string { return strings.ToLower(rand.Text()[:12]) }

// checkPurge says what is wrong with a purge, as far as that is the same
// everywhere. Addresses that are none are left out, and told.
func checkPurge(q *control.Request) (faults []string, err error) {
	if q.ID != "" && !cache.ValidReceiptID(q.ID) || strings.HasPrefix(q.ID, hereID) || strings.HasPrefix(q.ID, joinedID) {
		return nil, fmt.Errorf("%q is no name for the receipt of a purge: letters, digits, - and _, %d at most, not %s or %s in front", q.ID, cache.MaxReceiptID, hereID, joinedID)
	}
	var urls []string
	for _, text := range q.URLs {
		u, err := url.Parse(text)
		switch {
		case err != nil:
			faults = append(faults, err.Error())
		case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			faults = append(faults, fmt.Sprintf("%q is no address; give one with its scheme, such as http://example.org/path", text))
		default:
			urls = append(urls, text)
		}
	}
	q.URLs = urls
	others, err := Selectors(q)
	if err != nil {
		return nil, err
	}
	// An address may be kept under two keys.
	if n := len(others) + 2*len(urls); n > cache.MaxSelectors {
		return nil, fmt.Errorf("a purge of %d tags, prefixes, hosts and conditions and %d addresses, which count twice; %d are the most at once", len(others), len(urls), cache.MaxSelectors)
	}
	return faults, nil
}

// Selectors are what a purge is about, besides addresses.
func Selectors(q *control.Request) (all []cache.Selector, err error) {
	if q.All {
		all = append(all, cache.Everything())
	}
	for _, by := range []struct {
		values []string
		parse  func(string) (cache.Selector, error)
	}{{q.Tags, cache.ByTag}, {q.Prefixes, cache.ByPrefix}, {q.Hosts, cache.ByHost}, {q.Where, cache.ParseWhere}} {
		for _, v := range by.values {
			s, err := by.parse(v)
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// maxWords is how much of a long purge is told.
const maxWords = 100

// receipt is that of a purge that only other nodes have applied.
func (p *purge) receipt() *control.Receipt {
	r := &control.Receipt{ID: p.ID, Soft: p.Request.Soft, Time: p.Time}
	r.What = append(r.What, p.Request.URLs...)
	all, _ := Selectors(&p.Request) // it was checked
	for _, s := range all {
		r.What = append(r.What, s.String())
	}
	if r.More = max(len(r.What)-maxWords, 0); r.More > 0 {
		r.What = r.What[:maxWords]
	}
	return r
}

// notKept reports whether an answer says that a purge holds, but not after a
// restart.
func notKept(a *control.Answer) bool {
	for _, f := range a.Faults {
		if strings.Contains(f, cache.ErrNotKept.Error()) {
			return true
		}
	}
	return false
}

// toldOf is what a node says of a purge that it has applied.
func toldOf(p *purge, a *control.Answer, err error) outcome {
	t := outcome{N: p.n}
	if a != nil && a.Receipt != nil {
		t.Objects, t.Bytes, t.Counting = a.Receipt.Objects, a.Receipt.Bytes, a.Receipt.Counting
	}
	switch {
	case err != nil:
		t.Fault = err.Error()
	case a != nil && len(a.Faults) > 0 && (p.Request.Purges() || notKept(a)):
		t.Fault = a.Faults[0]
	}
	t.Fault = t.Fault[:min(len(t.Fault), maxFault)]
	return t
}

// errNoPurge is of receipts that are asked for.
var errNoPurge = errors.New("no such purge, or not any more")
