package check

import (
	"strings"

	"freshet/internal/field"
)

// dateNotes are about how dates are written, whatever field they stand in (RFC 9110
// §5.6.7).
var dateNotes = []Note{
	{
		ID: "date-form-obsolete", Severity: Warn,
		Sentence: "the date is written in a form that senders must not use, which some recipients cannot read",
		Clause:   "RFC 9110 §5.6.7", Remedy: "write dates as in Thu, 01 Oct 2026 12:00:00 GMT",
		Fires:  ok200("Last-Modified: Tuesday, 01-Sep-26 00:00:00 GMT", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			x.dates(func(name, value string, unix int64) {
				if fixed := string(field.AppendDate(nil, unix)); len(fixed) != len(value) {
					report(of(name), value)
				}
			})
		},
	},
	{
		ID: "date-letters", Severity: Warn,
		Sentence: "the date has its letters in another case than the grammar, and not every recipient reads that",
		Clause:   "RFC 9110 §5.6.7", Remedy: "write dates as in Thu, 01 Oct 2026 12:00:00 GMT",
		Fires:  ok200("Last-Modified: tue, 01 sep 2026 00:00:00 gmt", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			x.dates(func(name, value string, _ int64) {
				if _, ok := field.ParseDateAt(value, x.now); !ok {
					report(of(name), value)
				}
			})
		},
	},
	{
		ID: "date-weekday", Severity: Info,
		Sentence: "the day of the week is not that of the date",
		Clause:   "RFC 9110 §5.6.7", Remedy: "let a library write dates",
		Fires:  ok200("Last-Modified: Mon, 01 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache"),
		Silent: ok200("Last-Modified: Tue, 01 Sep 2026 00:00:00 GMT", "Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			x.dates(func(name, value string, unix int64) {
				fixed := string(field.AppendDate(nil, unix))
				if len(fixed) == len(value) && !strings.EqualFold(fixed[:3], value[:3]) {
					report(of(name), value+" is a "+fixed[:3])
				}
			})
		},
	},
}

// dates calls yield for the lines of fields that are one date, and can be read.
func (s *subject) dates(yield func(name, value string, unix int64)) {
	for name, lines := range s.answerFields {
		if row := knownField(name); row != nil && row.grammar == gHTTPDate {
			for _, line := range lines {
				if unix, ok := field.ParseDateFold(line, s.now); ok {
					yield(row.name, line, unix)
				}
			}
		}
	}
}
