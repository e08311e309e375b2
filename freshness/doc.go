// Package freshness is RFC 9111, HTTP Caching, as values: may an answer be
// stored, how long is it fresh, how old is it, may it be reused and for which
// requests, what does an unsafe request make invalid, and how are stored answers
// brought up to date and put together. Beside it stand the targeted fields of RFC
// 9213, the stale answers of RFC 5861, the immutable ones of RFC 8246, the groups
// of RFC 9875, and No-Vary-Search. It serves shared and private caches, and who
// explains what they do: every decision names its rule.
//
//	var c freshness.Cache // a shared cache
//	s := c.Store(&freshness.Request{Method: "GET", URL: u, Fields: r.Header}, &freshness.Response{
//		Status: 200, Fields: w.Header, Requested: sent, Received: now,
//	})
//	if s.Store {
//		// keep freshness.StoredFields(w.Header) less s.Strip, the content, s.Terms
//	}
//	...
//	d := freshness.ParseDirectives(r.Header["Cache-Control"], r.Header["Pragma"])
//	switch c.Reuse(&s.Terms, &d, now).Verdict { ... }
//
// It is not a cache. It has no clock, no storage and no network, starts no
// goroutine, and allocates nothing for what is asked on every hit: [Terms.Age],
// [Terms.TTL], [Cache.Reuse], [Cache.OnFailure], [ParseDirectives] and
// [AppendSelecting]. Preconditions and ranges that a stored answer can satisfy are
// decided by package conditional. Functions do not keep or change what they are
// given, but for [SetValidators]; the field lines of a map that they return can be
// those of the map that they were given.
//
// What holds everywhere: field names are canonical, as those of net/http.Header;
// times are nanoseconds since 1970, durations are nanoseconds, and arithmetic is
// clamped, so that no field can make it overflow; what cannot be read never makes
// an answer fresher, or shared more widely, than leaving it out would.
//
// # RFC 9111 by section
//
//	§3       Cache.Store
//	§3.1     StoredFields, Cache.Strip
//	§3.2     Update
//	§3.3     Cache.Store (Partial), ParseContentRange
//	§3.4     SameRepresentation, Update
//	§3.5     Cache.Store
//	§4       Cache.Reuse
//	§4.1     ParseVary, AppendSelecting
//	§4.2     Terms.TTL
//	§4.2.1   Cache.Terms
//	§4.2.2   Cache.Terms
//	§4.2.3   Terms.Age
//	§4.2.4   Cache.Reuse, Cache.OnFailure
//	§4.3.1   SetValidators
//	§4.3.2   package conditional
//	§4.3.3   Cache.OnFailure
//	§4.3.4   Confirms, Update
//	§4.3.5   UpdateFromHead
//	§4.4     Invalidates
//	§5.1     Terms.Age
//	§5.2.1   ParseDirectives, Cache.Reuse
//	§5.2.2   Cache.Store, Cache.Terms (no-transform is for who transforms)
//	§5.3     Cache.Terms
//	§5.4     ParseDirectives
//	§5.5     (Warning is obsolete: nothing is done)
//
// # Where the RFC leaves a choice
//
// Of a directive that stands twice the first counts (§4.2.1). An answer that has
// neither freshness nor a validator is not stored. Heuristic freshness is a tenth
// of the time since Last-Modified, a day at most. An answer with Set-Cookie is
// shared only if it says how long it is fresh, or public. While the origin cannot
// be reached, stale answers are used for a day, unless they forbid it; when it
// answers with an error, only if stale-if-error allows it. s-maxage forbids stale
// answers to shared caches (§5.2.2.10), also beside stale-while-revalidate.
package freshness
