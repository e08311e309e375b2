// Package rule declares, once, every reason for which freshet answers as it
// does: an identifier that code passes around, and the row that turns it into
// words (sentence, clause, remedy) for logs, error pages and explanations.
//
// The package holds no logic. A decision is a value; its Rule says which
// sentence of which document decided it:
//
//	return Decision{Status: 304, Rule: rule.NotModifiedETag}
//
// Identifiers are grouped by the part of the program that uses them, a file and
// a range of 256 for each, and are not stable between versions; names are.
package rule

//go:generate go test . -run ^TestReference$ -update

// ID names a rule. The zero ID means "no rule": nothing was refused or decided.
type ID uint16

// Row is what is known about a rule.
type Row struct {
	Name     string // stable, kebab-case, used in logs and by scripts
	Status   int    // status code that the rule leads to; 0 when it depends
	Sentence string // one sentence, without a full stop, fit for an error page
	Clause   string // where it is written, as "RFC 9112 §2.2"
	Remedy   string // what to change to get another outcome; "" when nothing is wrong
}

// Group is a part of the program that has rules of its own.
type Group uint8

// The groups.
const (
	Engine Group = iota // message syntax, connections, preconditions, files
	Freshness
	Cache
	Proxy
	Site
	Script // CGI and FastCGI
	Filter // the forward proxy and its lists
	Guard  // who may have what a route has
)

// Group returns the part of the program that a rule belongs to.
func (id ID) Group() Group { return Group(id >> 8) }

// tables are the groups; the row of an identifier is tables[id>>8][id&0xff].
var tables = [...][]Row{table[:], freshnessTable[:], cacheTable[:], proxyTable[:], siteTable[:], scriptTable[:], filterTable[:], guardTable[:]}

// Of returns the row of id; unknown identifiers get the zero row.
func Of(id ID) Row {
	group, row := int(id>>8), int(id&0xff)
	if group < len(tables) && row < len(tables[group]) {
		return tables[group][row]
	}
	return Row{}
}

// Explain says in one line, for whoever was refused, what was wrong, where it
// is written, and what to do.
func (r Row) Explain() string {
	s := r.Sentence
	if r.Clause != "" {
		s += " (" + r.Clause + ")"
	}
	if r.Remedy != "" {
		s += ": " + r.Remedy
	}
	return s
}

// String returns the rule's stable name.
func (id ID) String() string { return Of(id).Name }

// Explain is Row.Explain for those who import another package of freshet: they
// meet identifiers, and not this package.
func (id ID) Explain() string { return Of(id).Explain() }

// All calls yield for every declared rule, in the order of their identifiers.
func All(yield func(ID, Row) bool) {
	for group, rows := range tables {
		for i, r := range rows {
			if r.Name != "" && !yield(ID(group<<8|i), r) {
				return
			}
		}
	}
}
