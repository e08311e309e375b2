package ui

import "freshet/internal/field"

// Table is a table, or the part of one that is shown: a window of Rows out of
// Total. Sorting, paging and formats are links, made by whoever made the rows.
type Table struct {
	Head

	// Caption names the table, for the eye and for screen readers; "" stands
	// for the section's title.
	Caption string

	Columns []Column
	Rows    []Row

	// Empty is what is said instead of rows when there are none.
	Empty string

	// Total is how many rows there are with the filter that holds, Offset how
	// many of them come before the first one shown. A Total of 0 says nothing
	// about it.
	Total, Offset int

	Prev, Next string // the neighbouring windows; "" for none
	Formats    []Link // the same rows for programs: {"JSON", "/requests.json?…"}

	// MaxRows makes the table grow: rows of a [RowsEvent] for its ID come in
	// at the top, and those beyond MaxRows leave at the bottom. 0 for a table
	// that stays. With it comes a button to pause.
	MaxRows int

	// Pick lets rows be picked that have a cell with a checkbox; nil: none can be.
	Pick *Pick
}

// Column is the head of a column and what its cells have in common.
type Column struct {
	Key     string // what the column is called in addresses and exports
	Title   string
	Unit    string // in the heading; "" for none
	Help    string // a sentence that says what it means; "" for none
	Numeric bool   // set to the right
	Mono    bool   // in a fixed-width font
	Badge   bool   // cells are set off as labels, in the colour of their level
	Wide    bool   // takes the room that the others leave, and breaks long words
	Act     bool   // has the links that do something with a row: it stays in sight when the others are scrolled

	Sort   string // the address of the page sorted by this column; "" when it cannot be
	Sorted Order
}

// Order is how a column is sorted.
type Order string

const (
	Unsorted   Order = ""
	Ascending  Order = "ascending"
	Descending Order = "descending"
)

// Row is a row of a table.
type Row struct {
	// ID tells the row from others of its table, so that an event that comes
	// twice shows it once; "" for a row that no event brings.
	ID    string `json:"id,omitempty"`
	Level Level  `json:"level,omitempty"`
	Cells []Cell `json:"cells"` // one for each column
}

// Cell is a cell of a table. Its zero value is an empty one.
type Cell struct {
	Text  string `json:"text"`
	Href  string `json:"href,omitempty"`  // the text as a link
	Title string `json:"title,omitempty"` // the same in more words, when the pointer rests on it
	Level Level  `json:"level,omitempty"`
	Gauge *Gauge `json:"gauge,omitempty"` // beside the text
	Links []Link `json:"-"`               // more links, as for actions
	Pick  string `json:"pick,omitempty"`  // what a checkbox in the cell stands for, see [Table.Pick]; "" for none
	Mark  string `json:"-"`               // a part of the text that is set off, where it stands; "" for none
}

// Label is the name of the table.
func (t *Table) Label() string {
	if t.Caption != "" {
		return t.Caption
	}
	return t.Title
}

// Window says which rows are shown: "1–50 of 12,345".
func (t *Table) Window() string {
	switch {
	case t.Total <= 0:
		return ""
	case len(t.Rows) == 0:
		return "none of " + grouped(t.Total)
	case len(t.Rows) == t.Total && t.Offset == 0:
		if t.Total == 1 {
			return "1 row"
		}
		return grouped(t.Total) + " rows"
	}
	return grouped(t.Offset+1) + "–" + grouped(t.Offset+len(t.Rows)) + " of " + grouped(t.Total)
}

// grouped writes a number with a comma at each thousand.
func grouped(n int) string { return field.Thousands(int64(n)) }

func (*Table) part() string { return "table" }
