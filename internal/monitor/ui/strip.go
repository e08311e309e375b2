package ui

import (
	"strconv"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// Strip is many things of one kind side by side, each a small cell in the colour
// of its level: the tasks of a job, say. For those who cannot see it, and for the
// keyboard, the same is said as stretches of cells that are alike.
type Strip struct {
	Head
	Cells     []StripCell
	Stretches []Stretch
	More      string // what is said when there are more stretches than are listed; "" for none
}

// StripCell is a cell. Cells have no text but what is shown when one is pointed at.
type StripCell struct {
	Level Level  `json:"level,omitempty"`
	Title string `json:"title"`
	Href  string `json:"href"`
}

// Stretch is a row of cells that are alike, in words.
type Stretch struct {
	Level Level  `json:"level,omitempty"`
	Text  string `json:"text"`
	Href  string `json:"href"`
}

// StripEvent brings a strip anew, by its [Head.ID].
type StripEvent struct {
	Strip     string      `json:"strip"`
	Cells     []StripCell `json:"cells"`
	Stretches []Stretch   `json:"stretches"`
	More      string      `json:"more,omitempty"`
}

func (*Strip) part() string { return "strip" }

// html is the cells, appended by hand as those of a table are. The keyboard
// passes over them: it has the stretches.
func (s *Strip) html() template.HTML {
	b := make([]byte, 0, len(s.Cells)*100)
	for i := range s.Cells {
		c := &s.Cells[i]
		b = append(b, "\n<a tabindex=\"-1\""...)
		b = appendAttribute(b, "class", string(c.Level))
		b = appendAttribute(b, "href", linkTo(c.Href))
		b = append(appendAttribute(b, "title", visible(c.Title)), "></a>"...)
	}
	return template.HTML(b)
}

// appendMarked appends a text in which a part is set off, wherever it stands, in
// any case of ASCII letters.
func appendMarked(b []byte, text, part string) []byte {
	for part != "" {
		i := indexFold(text, part)
		if i < 0 {
			break
		}
		b = appendText(b, text[:i])
		b = append(appendText(append(b, "<mark>"...), text[i:i+len(part)]), "</mark>"...)
		text = text[i+len(part):]
	}
	return appendText(b, text)
}

// indexFold is where a part begins in a text, in any case of ASCII letters; -1:
// nowhere.
func indexFold(text, part string) int {
	for i := 0; i+len(part) <= len(text); i++ {
		if equalFold(text[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

func equalFold(a, b string) bool {
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Pick lets rows of a table be picked, by the checkboxes of their cells, and leads
// with those to a page that asks what becomes of them.
type Pick struct {
	Action  string
	Hidden  []Value
	Name    string // of the buttons
	Buttons []Option
	All     string // what a checkbox "all" says, for rows that are not shown, too; "" for none
}

// appendPick appends the checkbox of a row.
func appendPick(b []byte, value string) []byte {
	b = append(b, `<input type="checkbox" name="pick"`...)
	b = appendAttribute(b, "value", value)
	b = append(b, " aria-label="...)
	return append(strconv.AppendQuote(b, "Pick "+pickName(value)), '>')
}

// pickName is a value of a checkbox as it is read out: it is a name of ours, of
// letters and digits.
func pickName(value string) string {
	for i := range len(value) {
		if c := lower(value[i]); !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return "this"
		}
	}
	return value
}
