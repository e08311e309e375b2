package freshness

import (
	"freshet/internal/rule"
)

func (c *Cache) Store(q *Request, r *Response) Storing { return Storing{Rule: rule.FreshNone} }
func (c *Cache) Terms(r *Response) Terms               { return Terms{WhileRevalidate: -1, IfError: -1} }

type Directives struct {
	NoStore, NoCache, OnlyIfCached      bool
	MaxAge, MinFresh, MaxStale, IfError int64 // -1: absent
}

func NoDirectives() Directives {
	return Directives{MaxAge: -1, MinFresh: -1, MaxStale: -1, IfError: -1}
}
func ParseDirectives(cacheControl, pragma []string) Directives { return NoDirectives() }

func (c *Cache) Reuse(t *Terms, d *Directives, now int64) Reuse {
	return Reuse{Validate, rule.ReuseStale}
}
func (c *Cache) OnFailure(t *Terms, d *Directives, f Failure, now int64) Reuse {
	return Reuse{Validate, rule.FailureTooStale}
}

type Vary struct {
	Any   bool
	Names []string // canonical, sorted, once each
}

func ParseVary(lines []string) Vary { return Vary{} }
func AppendSelecting(dst []byte, name string, values []string) []byte {
	for _, v := range values {
		dst = append(dst, v...)
	}
	return append(dst, 0)
}

func Invalidates(q *Request, status int, r Fields) []string       { return nil }
func Groups(r Fields) []string                                    { return nil }
func InvalidatedGroups(q *Request, status int, r Fields) []string { return nil }
func SafeMethod(method string) bool                               { return method == "GET" || method == "HEAD" }

func StoredFields(r Fields) Fields                        { return r }
func Update(stored, notModified Fields) Fields            { return stored }
func Confirms(stored, notModified Fields, only bool) bool { return only }
func UpdateFromHead(stored Fields, length int64, head Fields) (updated Fields, ok bool) {
	return nil, false
}
func SetValidators(request Fields, stored []Fields) {}

func ParseContentRange(s string) (first, last, size int64, ok bool) { return 0, 0, 0, false }
func StrongTag(r Fields) string                                     { return "" }
func SameRepresentation(a, b Fields) bool                           { return false }

type NoVarySearch struct{ keyOrder bool }

func ParseNoVarySearch(lines []string) NoVarySearch { return NoVarySearch{} }
func (n *NoVarySearch) IsDefault() bool             { return true }
func (n *NoVarySearch) AppendKey(dst []byte, query string) []byte {
	return append(dst, query...)
}

func (t *Terms) Age(now int64) int64 { return t.InitialAge + max(now-t.Received, 0) }
func (t *Terms) TTL(now int64) int64 { return t.Lifetime - t.Age(now) }
