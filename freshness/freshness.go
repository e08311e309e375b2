package freshness

import "freshet/internal/rule"

// Fields are field lines by canonical name, as net/http.Header, which can be
// passed as it is.
type Fields = map[string][]string

// Times and durations are int64 nanoseconds, times since 1970.
const (
	second = int64(1e9)
	day    = 24 * 3600 * second

	// maxSeconds is what larger numbers of seconds are taken for (RFC 9111
	// §1.2.2).
	maxSeconds = 1 << 31
)

// Cache says whose rules apply. The zero value is a shared cache by RFC 9111
// and RFC 9213. A Cache is not changed by its methods, which may be called at
// the same time. Durations are in nanoseconds.
type Cache struct {
	// Private makes it the cache of one user: private answers, and those to
	// requests with Authorization, are stored; s-maxage, proxy-revalidate and
	// targeted fields mean nothing.
	Private bool

	// Targets are the names of targeted fields (RFC 9213), the strongest first; nil means "Freshet-Cache-Control" and
	// "CDN-Cache-Control". Only for shared caches.
	Targets []string

	// HeuristicPercent is how much of the time since Last-Modified an answer is
	// taken to be fresh that does not say. 0 means 10; more than 100 is 100;
	// negative: no heuristics.
	HeuristicPercent int

	// MaxHeuristic is the longest heuristic lifetime; 0 means 24 h.
	MaxHeuristic int64

	// MaxStale caps stale-while-revalidate, stale-if-error and a client's
	// max-stale; 0 means 7 days; negative: none of them counts.
	MaxStale int64

	// Disconnected is how long past its lifetime an answer may be used,
	// unasked, while the origin cannot be reached (RFC 9111 §4.2.4). 0 means
	// 24 h; negative: not at all.
	Disconnected int64

	// IgnoreRequest makes the client's Cache-Control and Pragma mean nothing,
	// but for no-store and only-if-cached.
	IgnoreRequest bool
}

// Request is what a decision needs of a request.
type Request struct {
	Method string
	URL    string // effective request URI, absolute
	Fields Fields

	// Authorized says that whoever sent it was authorized in another way than by
	// an Authorization in Fields, which counts as one (RFC 9111 §3.5).
	Authorized bool
}

// Response is what a decision needs of a response.
type Response struct {
	Status    int
	Fields    Fields
	Requested int64 // when the request was sent; 0: not known
	Received  int64 // when the head of the response arrived
}

// Terms are the terms on which a stored response may be reused: all numbers,
// computed once, when it is stored or freshened. Durations are in nanoseconds.
type Terms struct {
	Lifetime        int64   // freshness lifetime; 0 when it has none
	InitialAge      int64   // corrected_initial_age (RFC 9111 §4.2.3)
	Received        int64   // when it was received
	From            rule.ID // what gave the lifetime
	Heuristic       bool    // the lifetime is a guess
	NoCache         bool    // validate before each use
	MustRevalidate  bool    // never use it stale
	Immutable       bool    // it does not change while it is fresh (RFC 8246)
	WhileRevalidate int64   // stale-while-revalidate; -1: absent
	IfError         int64   // stale-if-error; -1: absent
}

// Storing is the decision whether an answer may be stored.
type Storing struct {
	Store bool
	Rule  rule.ID // why, or why not
	Terms Terms

	// AsGET marks an answer to POST that may serve later GET and HEAD requests
	// of the same URL (RFC 9110 §9.3.3).
	AsGET bool

	SetCookie  bool // the response has Set-Cookie or Set-Cookie2
	Authorized bool // the request has Authorization, or is Request.Authorized
	Cookied    bool // the request has Cookie
	Explicit   bool // the response says how long it is fresh
	Public     bool // the response says public
	VaryAny    bool // Vary has *
	Partial    bool // a 206 with one Content-Range that fits

	// Strip are the names of fields that are not to be stored, canonical: those
	// that private="…" names, in a shared cache, and no-cache="…", in any.
	Strip []string
}

// Verdict is what may be done with a stored response.
type Verdict uint8

// The verdicts.
const (
	Use              Verdict = iota // answer with it
	UseStale                        // answer with it although it is stale
	UseAndRevalidate                // answer with it, and validate it in the background
	Validate                        // ask the origin first
)

// Reuse is a verdict and the reason for it.
type Reuse struct {
	Verdict Verdict
	Rule    rule.ID
}

// Failure is how the origin failed to validate or to answer.
type Failure uint8

// The failures.
const (
	Unreachable Failure = iota // refused, timed out, or closed before an answer
	ServerError                // it answered 500, 502, 503 or 504 (RFC 5861 §4)
)
