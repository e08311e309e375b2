package control

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// A Purger forgets answers.
type Purger interface {
	// Purge does what a request asks for. Its error is about the request itself.
	Purge(q *Request) (*Answer, error)
}

// A Request asks for a purge: of all that is named, in one receipt. Or it asks
// for receipts, or to undo a purge.
type Request struct {
	URLs     []string `json:"urls,omitempty"` // absolute
	Tags     []string `json:"tags,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"` // of URLs
	Hosts    []string `json:"hosts,omitempty"`
	Where    []string `json:"where,omitempty"` // conditions, by the words of freshet purge --where
	All      bool     `json:"all,omitempty"`   // everything

	Soft   bool   `json:"soft,omitempty"`    // validated before the next use, not gone
	DryRun bool   `json:"dry_run,omitempty"` // only counted
	ID     string `json:"id,omitempty"`      // the receipt's name; "": one is made. A purge with a name that there is, is not done again

	Undo     string `json:"undo,omitempty"`     // the receipt of a soft purge that is not to hold
	Receipt  string `json:"receipt,omitempty"`  // one that is asked for
	Receipts bool   `json:"receipts,omitempty"` // the latest are asked for

	// Here has only the server that is asked do it, and not its fleet, if it has
	// one: the purge, the undo, or the receipts, which are then its own.
	Here bool `json:"here,omitempty"`
}

// Purges reports whether something is to be purged.
func (q *Request) Purges() bool {
	return q.All || len(q.URLs)+len(q.Tags)+len(q.Prefixes)+len(q.Hosts)+len(q.Where) > 0
}

// check says what is wrong with a request as a whole.
func (q *Request) check() error {
	n := 0
	for _, asked := range []bool{q.Purges(), q.Undo != "", q.Receipt != "", q.Receipts} {
		if asked {
			n++
		}
	}
	switch {
	case n == 0:
		return errors.New("nothing is asked for")
	case n > 1:
		return errors.New("a purge, an undo and receipts are asked for one at a time")
	case !q.Purges() && (q.Soft || q.DryRun || q.ID != ""):
		return errors.New("soft, dry_run and id are of a purge")
	}
	return nil
}

// An Answer says what came of a Request.
type Answer struct {
	Purged   []int     `json:"purged,omitempty"` // for each URL, how many answers
	Faults   []string  `json:"faults,omitempty"`
	Receipt  *Receipt  `json:"receipt,omitempty"` // of what was purged, undone or asked for
	Receipts []Receipt `json:"receipts,omitempty"`
}

// A Receipt says what a purge was about and what has come of it.
type Receipt struct {
	ID       string    `json:"id"`   // "" of a dry run
	What     []string  `json:"what"` // in words, the first of them
	More     int       `json:"more,omitempty"`
	Soft     bool      `json:"soft"`
	Time     time.Time `json:"time"`
	Objects  int64     `json:"objects"`            // stored answers
	Bytes    int64     `json:"bytes"`              // of bodies that are gone
	Counting bool      `json:"counting,omitempty"` // Objects and Bytes still grow
	Done     time.Time `json:"done,omitzero"`
	Undone   time.Time `json:"undone,omitzero"`
	Undoable bool      `json:"undoable,omitempty"`

	// Nodes are the servers of a fleet for which the purge is; none for the purge of
	// a server by itself. Objects and Bytes above are then of all of them together.
	Nodes []NodeReceipt `json:"nodes,omitempty"`
}

// A NodeReceipt says what has come of a purge at a node of a fleet.
type NodeReceipt struct {
	Node     string    `json:"node"`
	State    string    `json:"state"` // NodeDone, NodeWaiting or NodeAway
	Objects  int64     `json:"objects"`
	Bytes    int64     `json:"bytes"`
	Counting bool      `json:"counting,omitempty"` // Objects and Bytes still grow
	Done     time.Time `json:"done,omitzero"`      // when it was applied
	Since    time.Time `json:"since,omitzero"`     // since when it is away
	Fault    string    `json:"fault,omitempty"`    // what went wrong with it there
}

// States of a NodeReceipt.
const (
	NodeDone    = "done"    // the purge holds there
	NodeWaiting = "waiting" // it is expected to, within seconds; until then the purge is not acknowledged
	// NodeAway is a node that does not answer: it uses nothing that it has stored
	// without asking the origin, and applies the purge before it does again.
	NodeAway = "away"
	// NodeUnasked is a node that a dry run does not look at.
	NodeUnasked = "unasked"
)

// Missing returns the nodes at which the purge is not applied yet.
func (r *Receipt) Missing() (missing []NodeReceipt) {
	for _, n := range r.Nodes {
		if n.State != NodeDone {
			missing = append(missing, n)
		}
	}
	return missing
}

// PurgeHandler returns the handler that does by p what a [Request], as JSON,
// asks for with POST, and answers with an [Answer].
func PurgeHandler(p Purger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { servePurge(w, r, p) })
}

func servePurge(w http.ResponseWriter, r *http.Request, p Purger) {
	var q Request
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTimeout)) // where there are deadlines
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	d.DisallowUnknownFields()
	err := d.Decode(&q)
	if err == nil {
		err = q.check()
	}
	var a *Answer
	if err == nil {
		a, err = p.Purge(&q)
	}
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		var refused interface{ Status() int }
		if errors.As(err, &refused) {
			status = refused.Status()
		}
		http.Error(w, err.Error(), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(a) // an error means that the command is gone
}
