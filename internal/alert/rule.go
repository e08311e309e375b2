package alert

import (
	"slices"
	"time"
)

// Severity says how bad it is.
type Severity string

// The severities.
const (
	Warning  Severity = "warning"  // look at it today
	Critical Severity = "critical" // look at it now
)

// A Rule is a condition that an alert is raised by.
type Rule struct {
	Name   string
	Figure string // of the figures that the caller knows
	Below  bool   // it is beyond its bound below it; else above it
	Bound  float64
	Unit   Unit          // of the bound
	For    time.Duration // for how long, before the alert is raised
	Least  float64       // of how many requests a share must be, to be known

	Severity Severity
	Off      bool
	Own      bool // of the configuration, and none of Rules

	What string // what is beyond the bound, in words
	Why  string // why it matters
	Do   string // what to do
}

// Rules returns the rules that hold unless the configuration says otherwise.
func Rules() []Rule { return slices.Clone(rules) }

var rules = []Rule{
	{Name: "hit-ratio", Figure: "hit_ratio_drop", Bound: 30, Unit: Percent, For: 10 * time.Minute, Least: 200, Severity: Warning,
		What: "share of hits of the cache, in points below that of the last day",
		Why:  "Origins get requests that the cache answered before.",
		Do:   "Look at the misses: freshet why URL of one says what kept it from being stored."},
	{Name: "origin-errors", Figure: "origin_error_ratio", Bound: 10, Unit: Percent, For: 2 * time.Minute, Least: 20, Severity: Critical,
		What: "share of failures among the requests sent to an origin",
		Why:  "Clients get errors, or answers that are stale.",
		Do:   "Look at the origin; the page Origins of the monitor has its last fault."},
	{Name: "origin-down", Figure: "origin_down", Bound: 0, For: 30 * time.Second, Severity: Critical,
		What: "an origin is left out because it failed",
		Why:  "What it alone has cannot be had, and the others carry its load.",
		Do:   "Look at the origin; the page Origins of the monitor has its last fault."},
	{Name: "errors", Figure: "error_ratio", Bound: 5, Unit: Percent, For: 2 * time.Minute, Least: 50, Severity: Critical,
		What: "share of answers with a status code of 5xx",
		Why:  "Clients do not get what they asked for.",
		Do:   "The page Requests of the monitor lists them; freshet why ID explains one."},
	{Name: "latency", Figure: "latency_p99", Bound: 5, Unit: Seconds, For: 5 * time.Minute, Least: 100, Severity: Warning,
		What: "time that one request in a hundred takes longer than",
		Why:  "Those who wait leave.",
		Do:   "The page Requests of the monitor, by duration, shows which ones; look at their origins."},
	{Name: "certificate-expiry", Figure: "certificate_left", Below: true, Bound: 14 * 86400, Unit: Seconds, Severity: Critical,
		What: "time until a certificate ends",
		Why:  "From then on clients refuse the connection.",
		Do:   "Put a new certificate and its key into their files, or find out why it was not renewed."},
	{Name: "certificate-renewal", Figure: "certificate_failing", Bound: 0, For: time.Hour, Severity: Warning,
		What: "a certificate could not be obtained, renewed, or loaded from its files",
		Why:  "It ends if that goes on; a name that has none is refused.",
		Do:   "The error log says why. An authority is asked again by itself; of files, put a certificate and the key of that certificate there."},
	{Name: "key-file", Figure: "key_file_failing", Bound: 0, For: time.Minute, Severity: Critical,
		What: "a file of keys has changed and is refused",
		Why:  "The keys before it hold, until the server is started anew, which it is not with that file.",
		Do:   "Mend the file, or put the previous one back; it is read again by itself."},
	{Name: "disk", Figure: "disk_free", Below: true, Bound: 5, Unit: Percent, For: 5 * time.Minute, Severity: Critical,
		What: "share of a disk that is free, of those that this server fills",
		Why:  "A full disk stops the queue, the cache on disk and the logs.",
		Do:   "Make room, or give the cache on disk less."},
	{Name: "memory", Figure: "memory_free", Below: true, Bound: 5, Unit: Percent, For: 5 * time.Minute, Severity: Critical,
		What: "share of the machine's memory that is free",
		Why:  "The system ends processes when there is none.",
		Do:   "Find out who takes it, or give the cache less."},
	{Name: "connections", Figure: "connections_percent", Bound: 90, Unit: Percent, For: time.Minute, Severity: Critical,
		What: "share of the connections that may be open",
		Why:  "Beyond the limit clients are turned away.",
		Do:   "See whether one client has many; else raise max-connections."},
	{Name: "job-dead", Figure: "job_dead", Bound: 0, Severity: Warning,
		What: "tasks of a job that failed, or that nobody tries again",
		Why:  "What the job was to do is not done.",
		Do:   "freshet job show ID says why; freshet job retry ID queues them again."},
	{Name: "job-stuck", Figure: "job_wait", Bound: 3600, Unit: Seconds, For: time.Minute, Severity: Warning,
		What: "time that a job waits and no task of it has run",
		Why:  "No worker takes it, or all are busy with other jobs.",
		Do:   "freshet job show ID says what it waits for; freshet servers, who is there."},
	{Name: "server-gone", Figure: "server_away", Bound: 60, Unit: Seconds, Severity: Critical,
		What: "time that a server of the fleet has not been heard of",
		Why:  "Its tasks are given to others; as a cache it asks origins about all it has.",
		Do:   "Look whether it runs and reaches this one; freshet servers has its last report."},
	{Name: "purge-unconfirmed", Figure: "purge_wait", Bound: 300, Unit: Seconds, Severity: Warning,
		What: "time that a server of the fleet has not confirmed a purge",
		Why:  "What was purged may not be gone there.",
		Do:   "freshet purge --receipt ID says what each server did; freshet servers, who is there."},
	{Name: "queue-stopped", Figure: "queue_away", Bound: 0, For: 30 * time.Second, Severity: Critical,
		What: "the queue of jobs does not answer",
		Why:  "No job is taken or run until it is there again.",
		Do:   "The error log says what stopped it: often a full disk, or NATS elsewhere."},
}

// back is the bound that the figure must have passed for the alert to be over: a
// tenth on the right side, so that what lies at the bound does not come and go.
func (r *Rule) back(bound float64) float64 {
	margin := bound / 10
	if margin < 0 {
		margin = -margin
	}
	if !r.Below {
		return bound - margin
	}
	if r.Unit == Percent {
		margin = min(margin, (100-bound)/2)
	}
	return bound + max(margin, 0)
}

// bound is the rule's for a subject; see Reading.Most.
func (r *Rule) bound(most float64) float64 {
	if r.Below && most > 0 {
		return min(r.Bound, most)
	}
	return r.Bound
}

// beyond reports whether a value is beyond a bound.
func (r *Rule) beyond(v, bound float64) bool {
	if r.Below {
		return v < bound
	}
	return v > bound
}
