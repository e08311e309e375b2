package check

import (
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// A direction is where a field means something. They can be added.
type direction uint8

const (
	inAsk    direction = 1 << iota // in requests
	inAnswer                       // in answers
	inBoth   = inAsk | inAnswer
)

// A fieldMark is something that is to be known of a field.
type fieldMark uint8

const (
	hop       fieldMark = 1 << iota // it belongs to the connection (RFC 9110 §7.6.1)
	noTrailer                       // it must not stand in trailers (RFC 9110 §6.5.1)
	mayEmpty                        // an empty value means something
	vendor                          // no standard: not what others are taken to be meant for
	obsolete                        // instead says what to do
)

// A fieldRow is what is known of a field.
type fieldRow struct {
	name    string // as it is spelled in its document
	in      direction
	grammar *grammar
	clause  string
	marks   fieldMark
	instead string // of an obsolete field, completing "it is obsolete: "
}

func (r *fieldRow) is(m fieldMark) bool { return r.marks&m != 0 }

// fieldTables are all fields that are known, by subject.
var fieldTables = [...][]fieldRow{
	coreFields, requestFields, extensionFields, browserFields, fetchFields, webdavFields, vendorFields, obsoleteFields,
}

// fieldsByName has the rows by canonical name.
var fieldsByName = func() map[string]*fieldRow {
	rows := map[string]*fieldRow{}
	for _, table := range fieldTables {
		for i := range table {
			rows[wire.CanonicalName(table[i].name)] = &table[i]
		}
	}
	return rows
}()

// knownField returns the row of a field, nil if it is not known.
func knownField(name string) *fieldRow { return fieldsByName[wire.CanonicalName(name)] }

// spelled returns the name of a field as its document spells it.
func spelled(name string) string {
	if row := knownField(name); row != nil {
		return row.name
	}
	return name
}

// meantFor returns the field that the name of an unknown one was probably meant
// to be, nil if there is none: equal but for separators, or with one letter
// wrong, or two behind the first of a long name. Names of vendors, obsolete and
// very short ones are no candidates.
func meantFor(name string) *fieldRow {
	if len(name) > field.LongestWord {
		return nil
	}
	name = strings.ToLower(name)
	bare := bareLetters(name)
	var best *fieldRow
	least := 3
	for i := range candidates {
		c := &candidates[i]
		if c.bare == bare {
			return c.row
		}
		most := 1
		if len(c.lower) >= 12 && name != "" && name[0] == c.lower[0] {
			most = 2
		}
		if d := field.Distance(name, c.lower, most); d <= most && d < least {
			best, least = c.row, d
		}
	}
	return best
}

// A candidate is a field that another name can be meant for.
type candidate struct {
	row         *fieldRow
	lower, bare string // its name in lower case, and without separators
}

var candidates = func() []candidate {
	var all []candidate
	for _, table := range fieldTables {
		for i := range table {
			if row := &table[i]; !row.is(vendor|obsolete) && len(row.name) >= 6 && len(row.name) <= field.LongestWord {
				lower := strings.ToLower(row.name)
				all = append(all, candidate{row, lower, bareLetters(lower)})
			}
		}
	}
	return all
}()

// bareLetters leaves out what separates words.
func bareLetters(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, name)
}
