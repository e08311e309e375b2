package check

import (
	"fmt"
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// kindSet is a set of kinds of structured values.
type kindSet uint16

func kinds(all ...field.Kind) (set kindSet) {
	for _, k := range all {
		set |= 1 << k
	}
	return set
}

func (s kindSet) has(k field.Kind) bool { return s == 0 || s&(1<<k) != 0 }

var kindNames = [...]string{
	field.Boolean: "a boolean (?1, ?0)", field.Integer: "a whole number", field.Decimal: "a decimal number",
	field.String: "a string in quotes", field.Token: "a token without quotes", field.Bytes: "bytes in colons",
	field.Date: "a date (@seconds)", field.Display: "a display string", field.Inner: "an inner list in parentheses",
}

func (s kindSet) String() string {
	var all []string
	for k, name := range kindNames {
		if s&(1<<k) != 0 {
			all = append(all, name)
		}
	}
	return strings.Join(all, " or ")
}

// The kinds that fields have.
var (
	kBool    = kinds(field.Boolean)
	kInt     = kinds(field.Integer)
	kNumber  = kinds(field.Integer, field.Decimal)
	kString  = kinds(field.String)
	kToken   = kinds(field.Token)
	kName    = kinds(field.String, field.Token)
	kBytes   = kinds(field.Bytes)
	kDate    = kinds(field.Date)
	kInner   = kinds(field.Inner)
	kAllow   = kinds(field.String, field.Token, field.Inner)
	kFlagged = kinds(field.Boolean, field.Inner)
)

// An sfShape says of which kind the members of a structured field are.
type sfShape struct {
	members kindSet            // of an item, and of what keys does not name; 0: any
	keys    map[string]kindSet // of a dictionary
}

// targetedKeys are those of the fields of RFC 9213 that have a number.
var targetedKeys = map[string]kindSet{
	"max-age": kInt, "s-maxage": kInt, "stale-while-revalidate": kInt, "stale-if-error": kInt,
}

// sfShapes are the shapes of structured fields, by canonical name.
var sfShapes = canonicalKeys(map[string]sfShape{
	"Accept-CH":                                {members: kToken},
	"Accept-Query":                             {members: kName},
	"Accept-Signature":                         {members: kInner},
	"Activate-Storage-Access":                  {members: kToken},
	"Available-Dictionary":                     {members: kBytes},
	"CDN-Cache-Control":                        {keys: targetedKeys},
	"Cache-Group-Invalidation":                 {members: kString},
	"Cache-Groups":                             {members: kString},
	"Cache-Status":                             {members: kName},
	"Capsule-Protocol":                         {members: kBool},
	"Client-Cert":                              {members: kBytes},
	"Client-Cert-Chain":                        {members: kBytes},
	"Content-Digest":                           {members: kBytes},
	"Critical-CH":                              {members: kToken},
	"Cross-Origin-Embedder-Policy":             {members: kToken},
	"Cross-Origin-Embedder-Policy-Report-Only": {members: kToken},
	"Cross-Origin-Opener-Policy":               {members: kToken},
	"Cross-Origin-Opener-Policy-Report-Only":   {members: kToken},
	"Document-Isolation-Policy":                {members: kToken},
	"Document-Isolation-Policy-Report-Only":    {members: kToken},
	"Deprecation":                              {members: kDate},
	"Dictionary-ID":                            {members: kString},
	"Freshet-Cache-Control":                    {keys: targetedKeys},
	"Incremental":                              {members: kBool},
	"Integrity-Policy":                         {members: kInner},
	"Integrity-Policy-Report-Only":             {members: kInner},
	"Link-Template":                            {members: kString},
	"No-Vary-Search":                           {keys: map[string]kindSet{"key-order": kBool, "params": kFlagged, "except": kInner}},
	"Observe-Browsing-Topics":                  {members: kBool},
	"Origin-Agent-Cluster":                     {members: kBool},
	"Permissions-Policy":                       {members: kAllow},
	"Permissions-Policy-Report-Only":           {members: kAllow},
	"Priority":                                 {keys: map[string]kindSet{"u": kInt, "i": kBool}},
	"Proxy-Status":                             {members: kName},
	"Reporting-Endpoints":                      {members: kString},
	"Repr-Digest":                              {members: kBytes},
	"Sec-CH-Device-Memory":                     {members: kNumber},
	"Sec-CH-UA":                                {members: kString},
	"Sec-CH-UA-Arch":                           {members: kString},
	"Sec-CH-UA-Bitness":                        {members: kString},
	"Sec-CH-UA-Form-Factors":                   {members: kString},
	"Sec-CH-UA-Full-Version":                   {members: kString},
	"Sec-CH-UA-Full-Version-List":              {members: kString},
	"Sec-CH-UA-Mobile":                         {members: kBool},
	"Sec-CH-UA-Model":                          {members: kString},
	"Sec-CH-UA-Platform":                       {members: kString},
	"Sec-CH-UA-Platform-Version":               {members: kString},
	"Sec-CH-UA-WoW64":                          {members: kBool},
	"Sec-CH-Viewport-Height":                   {members: kInt},
	"Sec-Fetch-Dest":                           {members: kToken},
	"Sec-Fetch-Mode":                           {members: kToken},
	"Sec-Fetch-Site":                           {members: kToken},
	"Sec-Fetch-Storage-Access":                 {members: kToken},
	"Sec-Fetch-User":                           {members: kBool},
	"Sec-Purpose":                              {members: kToken},
	"Signature":                                {members: kBytes},
	"Signature-Input":                          {members: kInner},
	"Speculation-Rules":                        {members: kString},
	"Supports-Loading-Mode":                    {members: kToken},
	"Unencoded-Digest":                         {members: kBytes},
	"Use-As-Dictionary":                        {keys: map[string]kindSet{"match": kString, "match-dest": kInner, "id": kString, "type": kToken}},
	"Want-Content-Digest":                      {members: kInt},
	"Want-Repr-Digest":                         {members: kInt},
	"Want-Unencoded-Digest":                    {members: kInt},
})

func canonicalKeys[V any](rows map[string]V) map[string]V {
	out := make(map[string]V, len(rows))
	for name, v := range rows {
		out[wire.CanonicalName(name)] = v
	}
	return out
}

// wrongKind returns what is wrong with the kinds of a field's members.
func (s *sfShape) wrongKind(members []sfMember) (detail string, wrong bool) {
	for i := range members {
		m := &members[i]
		want := s.members
		if k, ok := s.keys[m.Key]; ok {
			want = k
		}
		if !want.has(m.Kind) {
			name := m.Key
			if name != "" {
				name += ": "
			}
			return fmt.Sprintf("%s%s where there should be %s", name, kindNames[m.Kind], want), true
		}
	}
	return "", false
}

// olderForm reports whether a field is malformed only because it follows an
// earlier draft, which notes of its own say.
func olderForm(name string, lines []string) bool {
	return strings.EqualFold(name, "RateLimit") && parseSF(sfDictionary, lines).Fault == nil
}

// structured calls f for every structured field of the request and the answer.
func (s *subject) structured(f func(row *fieldRow, where string, lines []string)) {
	for name, lines := range s.answerFields {
		if row := knownField(name); row != nil && row.grammar.structured && row.in&inAnswer != 0 {
			f(row, of(row.name), lines)
		}
	}
	for name, lines := range sortedFields(s.RequestHeader) {
		if row := knownField(name); row != nil && row.grammar.structured && row.in&inAsk != 0 {
			f(row, ofRequest(row.name), lines)
		}
	}
}

// sf returns the members of a structured field of the answer, nil if it is not
// there or malformed.
func (s *subject) sf(name string) []sfMember { return membersOf(name, s.lines(name)) }

// sfAsked is sf for the request.
func (s *subject) sfAsked(name string) []sfMember { return membersOf(name, s.asked(name)) }

func membersOf(name string, lines []string) []sfMember {
	row := knownField(name)
	if row == nil || len(lines) == 0 {
		return nil
	}
	return parseSF(row.grammar.sf, lines).Members
}

// tokenOf returns the value of a structured item that is a token, "" if it is
// none.
func (s *subject) tokenOf(name string) string {
	if m := s.sf(name); len(m) == 1 && m[0].Kind == field.Token {
		return m[0].Text
	}
	return ""
}

// structuredNotes are about structured fields (RFC 9651).
var structuredNotes = []Note{
	{
		ID: "structured-syntax", Severity: Bad,
		Sentence: "a structured field breaks its grammar, and recipients ignore all of it",
		Clause:   "RFC 9651 §4.2", Remedy: "correct the place that is named",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: geolocation 'none'\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nPermissions-Policy: geolocation=()\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.structured(func(row *fieldRow, where string, lines []string) {
				fault := parseSF(row.grammar.sf, lines).Fault
				if fault != nil && !olderForm(row.name, lines) && trimSpace(strings.Join(lines, "")) != "" {
					report(where, fault.String())
				}
			})
		},
	},
	{
		ID: "structured-kind", Severity: Bad,
		Sentence: "a value of a structured field is of another kind than the field defines, and recipients ignore it",
		Clause:   "RFC 9651 §2", Remedy: "write it in the form that is named",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nOrigin-Agent-Cluster: 1\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nOrigin-Agent-Cluster: ?1\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.structured(func(row *fieldRow, where string, lines []string) {
				shape, ok := sfShapes[wire.CanonicalName(row.name)]
				if !ok {
					return
				}
				if detail, wrong := shape.wrongKind(parseSF(row.grammar.sf, lines).Members); wrong {
					report(where, detail)
				}
			})
		},
	},
	{
		ID: "structured-key-twice", Severity: Warn,
		Sentence: "a key stands twice in a structured field, and only the last value counts",
		Clause:   "RFC 9651 §4.2.2", Remedy: "state it once",
		Fires:  Example{Response: "HTTP/1.1 200 OK\nPriority: u=1, i, u=2\n\n"},
		Silent: Example{Response: "HTTP/1.1 200 OK\nPriority: u=1, i\n\n"},
		find: func(x *subject, report func(where, detail string)) {
			x.structured(func(row *fieldRow, where string, lines []string) {
				for _, key := range parseSF(row.grammar.sf, lines).Twice {
					report(where, key)
				}
			})
		},
	},
}
