package monitor

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// exports are the forms of a table for programs, by the suffix of an address.
var exports = map[string]struct {
	contentType string
	write       func(t *table, rows []int, total int, w *window) ([]byte, error)
}{
	".json": {"application/json", (*table).json},
	".csv":  {"text/csv; charset=utf-8; header=present", (*table).csv},
	".prom": {"text/plain; version=0.0.4; charset=utf-8", (*table).prometheus},
}

// json writes the rows as objects by the keys of the columns. What is unknown
// is null, times are as in RFC 3339.
func (t *table) json(rows []int, total int, w *window) ([]byte, error) {
	b := []byte(`{"table":`)
	b = appendJSON(b, t.name)
	b = strconv.AppendInt(append(b, `,"total":`...), int64(total), 10)
	b = strconv.AppendInt(append(b, `,"offset":`...), int64(w.offset), 10)
	b = append(b, `,"rows":[`...)
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n{"...)
		for j := range t.columns {
			c := &t.columns[j]
			if j > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, c.key), ':')
			switch {
			case c.num == nil:
				b = appendJSON(b, c.text(row))
			case !finite(c.num(row)):
				b = append(b, "null"...)
			case c.kind == instant:
				b = appendJSON(b, moment(c.num(row)))
			default:
				b = appendNumber(b, c.num(row))
			}
		}
		b = append(b, '}')
	}
	return append(b, "\n]}\n"...), nil
}

func appendJSON(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a form
	}
	return append(dst, b...)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func appendNumber(dst []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

func moment(v float64) string {
	return time.UnixMilli(int64(v * 1000)).UTC().Format("2006-01-02T15:04:05.000Z")
}

// csv writes a line of keys and one for each row (RFC 4180). A text that a
// spreadsheet would take for a formula has an apostrophe before it, for clients
// choose hosts, methods and paths, and origins choose types.
func (t *table) csv(rows []int, _ int, _ *window) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	line := make([]string, len(t.columns))
	for i := range t.columns {
		line[i] = t.columns[i].key
	}
	w.Write(line) // errors come from Flush
	for _, row := range rows {
		for i := range t.columns {
			line[i] = t.columns[i].raw(row)
			if t.columns[i].num == nil && isFormula(line[i]) {
				line[i] = "'" + line[i]
			}
		}
		w.Write(line)
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

// isFormula reports whether spreadsheets take a text for more than text. The
// wide forms of the signs count where they are typed.
func isFormula(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return strings.ContainsRune("=+-@\t\r\n＝＋－＠", r)
}

// raw is a cell for programs.
func (c *column) raw(row int) string {
	switch {
	case c.num == nil:
		return c.text(row)
	case !finite(c.num(row)):
		return ""
	case c.kind == instant:
		return moment(c.num(row))
	}
	return string(appendNumber(nil, c.num(row)))
}

// prometheus writes each column of numbers as a gauge, with the columns of text
// as its labels (Prometheus text format 0.0.4).
func (t *table) prometheus(rows []int, _ int, _ *window) ([]byte, error) {
	var b []byte
	labels := make([]string, len(rows))
	for i, row := range rows {
		labels[i] = t.labels(row)
	}
	for j := range t.columns {
		c := &t.columns[j]
		if c.num == nil {
			continue
		}
		name := "freshet_" + t.name + "_" + strings.ReplaceAll(c.key, "-", "_") + c.kind.suffix()
		help := c.help
		if help == "" {
			help = c.title + "."
		}
		b = append(b, "# HELP "+name+" "+escapeHelp(help)+"\n# TYPE "+name+" gauge\n"...)
		for i, row := range rows {
			b = append(append(append(b, name...), labels[i]...), ' ')
			v := c.num(row)
			switch {
			case math.IsNaN(v):
				b = append(b, "NaN"...)
			case c.kind == percent:
				b = appendNumber(b, v/100)
			default:
				b = appendNumber(b, v)
			}
			b = append(b, '\n')
		}
	}
	return b, nil
}

// suffix is the unit in the name of a metric.
func (k kind) suffix() string {
	switch k {
	case octets:
		return "_bytes"
	case seconds:
		return "_seconds"
	case percent:
		return "_ratio"
	case instant:
		return "_timestamp_seconds"
	}
	return ""
}

// labels are the texts of a row.
func (t *table) labels(row int) string {
	var b strings.Builder
	for i := range t.columns {
		c := &t.columns[i]
		if c.num != nil {
			continue
		}
		if b.Len() == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		b.WriteString(strings.ReplaceAll(c.key, "-", "_") + `="` + escapeLabel(c.text(row)) + `"`)
	}
	if b.Len() > 0 {
		b.WriteByte('}')
	}
	return b.String()
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

func escapeHelp(s string) string  { return helpEscapes.Replace(s) }
func escapeLabel(s string) string { return labelEscapes.Replace(strings.ToValidUTF8(s, "\uFFFD")) }
