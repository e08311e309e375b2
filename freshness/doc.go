// Package freshness is RFC 9111, HTTP Caching, as values: may an answer be
// stored, how long is it fresh, how old is it, may it be reused without asking
// the origin, for which requests, what an unsafe request makes invalid, and how
// stored answers are brought up to date and put together.
package freshness
