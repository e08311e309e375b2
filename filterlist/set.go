package filterlist

// Source is a list: its name, for people, and its text.
type Source struct{ Name, Text string }

// Limits of what is compiled; what is beyond them is counted as not supported.
const (
	maxSources  = 1000
	maxText     = 256 << 20 // bytes of one list
	maxAllText  = 1 << 30   // bytes of all; patterns, three times as long at most, have offsets of 32 bits
	maxLine     = 32 << 10  // bytes of one line
	maxReported = 5         // first lines that are kept for each reason
)

// generation changes when this package starts to answer otherwise for the same
// lists, and Version with it.
const generation = "1"

// Set is what lists were compiled to. Its zero value, like nil, has no rules.
type Set struct {
	sources []Source
	lists   []ListInfo
	version string

	patterns  []byte
	extras    []extra
	matchCase bool // a rule has $match-case
	generic   bool // a rule has $genericblock
	// scopesRegexp says that an exception for pages is a regular expression.
	scopesRegexp bool

	important index // blocking, with $important
	block     index
	allow     index // exceptions
	scopes    index // exceptions for whole pages
	redirect  index // stand-ins, and exceptions from them
	params    index // $removeparam, likewise
	policies  index // $csp and $permissions, likewise

	hide hiding
}

// Version is a short hash of what can change an answer: the rules that are in
// force, in their order, and how this package reads them.
func (s *Set) Version() string {
	if s == nil || s.version == "" {
		return Compile(nil).version
	}
	return s.version
}

// Lists says what became of the sources, in their order.
func (s *Set) Lists() []ListInfo {
	if s == nil {
		return nil
	}
	return append([]ListInfo(nil), s.lists...)
}

// place is where a rule stands.
type place struct {
	source uint16
	offset uint32
	line   uint32
}

// rule returns what stands at a place.
func (s *Set) rule(at place) Rule {
	source := &s.sources[at.source]
	return Rule{List: source.Name, Line: int(at.line), Text: lineAt(source.Text, at.offset)}
}
