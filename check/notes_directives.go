package check

import (
	"strings"

	"freshet/internal/field"
)

// A directiveRow is what is known of a directive of an answer's Cache-Control.
type directiveRow struct {
	name     string
	argument byte // 0 none, 's' seconds, 'f' field names, which may be left out
}

// answerDirectives are those of RFC 9111 §5.2.2, RFC 5861 and RFC 8246.
var answerDirectives = []directiveRow{
	{"immutable", 0}, {"max-age", 's'}, {"must-revalidate", 0}, {"must-understand", 0}, {"no-cache", 'f'}, {"no-store", 0},
	{"no-transform", 0}, {"private", 'f'}, {"proxy-revalidate", 0}, {"public", 0}, {"s-maxage", 's'},
	{"stale-if-error", 's'}, {"stale-while-revalidate", 's'},
}

// requestDirectives mean something in requests only (RFC 9111 §5.2.1).
var requestDirectives = []string{"max-stale", "min-fresh", "only-if-cached"}

// knownDirective returns the row of a directive, nil if it is not known.
func knownDirective(name string) *directiveRow {
	for i := range answerDirectives {
		if answerDirectives[i].name == name {
			return &answerDirectives[i]
		}
	}
	return nil
}

// meantDirective returns the directive that an unknown one was probably meant to
// be, "" if there is none.
func meantDirective(name string) string {
	if len(name) > 64 || len(name) < 5 {
		return ""
	}
	for _, row := range answerDirectives {
		if bareLetters(name) == bareLetters(row.name) || field.Distance(name, row.name, 2) <= min(2, len(row.name)/6) {
			return row.name
		}
	}
	return ""
}

// misshapen reports whether a directive is no directive at all: then a note
// about its shape says so, and others about its meaning are silent.
func (d *directive) misshapen() bool {
	return !field.IsToken(d.name) || d.hasArg && !d.quoted && !field.IsToken(d.arg)
}

// directiveNotes are about how Cache-Control is written.
var directiveNotes = []Note{
	{
		ID: "cache-control-semicolon", Severity: Bad,
		Sentence: "directives are separated by semicolons, so caches take them for one that they do not know",
		Clause:   "RFC 9111 §5.2", Remedy: "separate the directives by commas",
		Fires:  ok200("Cache-Control: public; max-age=60"),
		Silent: ok200("Cache-Control: public, max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			x.misshapen(func(d *directive) {
				if strings.Contains(d.raw, ";") {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-space", Severity: Bad,
		Sentence: "there is white space inside of a directive, so caches do not know it",
		Clause:   "RFC 9111 §5.2", Remedy: "separate directives by commas, and write = without spaces around it",
		Fires:  ok200("Cache-Control: max-age = 60"),
		Silent: ok200("Cache-Control: max-age=60 , public"),
		find: func(x *subject, report func(where, detail string)) {
			x.misshapen(func(d *directive) {
				if strings.ContainsAny(d.raw, " \t") && !strings.Contains(d.raw, ";") {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-syntax", Severity: Bad,
		Sentence: "a member of Cache-Control is no directive",
		Clause:   "RFC 9111 §5.2", Remedy: "write directives as in public, max-age=60",
		Fires:  ok200("Cache-Control: max-age:60"),
		Silent: ok200("Cache-Control: max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			x.misshapen(func(d *directive) {
				if !strings.ContainsAny(d.raw, "; \t") && knownDirective(d.name) == nil {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-misspelled", Severity: Warn,
		Sentence: "a directive is not known, but its name is nearly that of one that is, which caches will not guess",
		Clause:   "RFC 9111 §5.2.3", Remedy: "correct the name",
		Fires:  ok200("Cache-Control: s-max-age=60"),
		Silent: ok200("Cache-Control: s-maxage=60"),
		find: func(x *subject, report func(where, detail string)) {
			x.unknownDirectives(func(d *directive) {
				if meant := meantDirective(d.name); meant != "" {
					report(of("Cache-Control"), d.raw+", meant for "+meant+"?")
				}
			})
		},
	},
	{
		ID: "cache-control-unknown", Severity: Info,
		Sentence: "a directive is not one of HTTP's own, so most caches ignore it",
		Clause:   "RFC 9111 §5.2.3", Remedy: "leave it out, unless it is for a cache that knows it",
		Fires:  ok200("Cache-Control: max-age=60, tepid=3"),
		Silent: ok200("Cache-Control: max-age=60, stale-if-error=3"),
		find: func(x *subject, report func(where, detail string)) {
			x.unknownDirectives(func(d *directive) {
				if meantDirective(d.name) == "" && d.name != "pre-check" && d.name != "post-check" {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-pre-check", Severity: Info,
		Sentence: "pre-check and post-check were for Internet Explorer, and nothing reads them any more",
		Clause:   "", Remedy: "leave them out",
		Fires:  ok200("Cache-Control: no-cache, pre-check=0, post-check=0"),
		Silent: ok200("Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"pre-check", "post-check"} {
				if d := x.cc.get(name); d != nil {
					report(of("Cache-Control"), d.raw)
				}
			}
		},
	},
	{
		ID: "cache-control-for-requests", Severity: Warn,
		Sentence: "a directive means something in requests only",
		Clause:   "RFC 9111 §5.2.1", Remedy: "leave it out of the answer; stale-while-revalidate and stale-if-error are the answer's way to allow stale use",
		Fires:  ok200("Cache-Control: max-age=60, max-stale=30"),
		Silent: ok200("Cache-Control: max-age=60").asked("Cache-Control: max-stale=30"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range requestDirectives {
				if d := x.cc.get(name); d != nil {
					report(of("Cache-Control"), d.raw)
				}
			}
		},
	},
	{
		ID: "cache-control-argument-missing", Severity: Bad,
		Sentence: "a directive lacks its number of seconds, so the answer counts as stale or the directive as absent",
		Clause:   "RFC 9111 §5.2.2.1", Remedy: "write the seconds, as in max-age=60",
		Fires:  ok200("Cache-Control: max-age"),
		Silent: ok200("Cache-Control: max-age=0"),
		find: func(x *subject, report func(where, detail string)) {
			x.timed(func(d *directive) {
				if d.arg == "" {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-argument-not-seconds", Severity: Bad,
		Sentence: "the argument of a directive is no whole number of seconds, so the answer counts as stale",
		Clause:   "RFC 9111 §1.2.2", Remedy: "write a number with digits only",
		Fires:  ok200("Cache-Control: max-age=1h"),
		Silent: ok200("Cache-Control: max-age=3600"),
		find: func(x *subject, report func(where, detail string)) {
			x.timed(func(d *directive) {
				if _, ok := d.seconds(); !ok && d.arg != "" {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-seconds-large", Severity: Info,
		Sentence: "a directive has more seconds than recipients must be able to count, which they take for 2^31",
		Clause:   "RFC 9111 §1.2.2", Remedy: "write 31536000, a year",
		Fires:  ok200("Cache-Control: max-age=99999999999"),
		Silent: ok200("Cache-Control: max-age=31536000"),
		find: func(x *subject, report func(where, detail string)) {
			x.timed(func(d *directive) {
				if n, ok := d.seconds(); ok && n > 1<<31 {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-seconds-quoted", Severity: Warn,
		Sentence: "the number of a directive stands in quotes, which senders must not write and not every cache reads",
		Clause:   "RFC 9111 §5.2.2.1", Remedy: "write the number without quotes",
		Fires:  ok200("Cache-Control: max-age=\"60\""),
		Silent: ok200("Cache-Control: no-cache=\"set-cookie\", max-age=60"),
		find: func(x *subject, report func(where, detail string)) {
			x.timed(func(d *directive) {
				if d.quoted {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-argument-unwanted", Severity: Warn,
		Sentence: "a directive that has no argument is written with one, and caches differ in what they make of that",
		Clause:   "RFC 9111 §5.2.2", Remedy: "write the directive alone",
		Fires:  ok200("Cache-Control: no-store=1"),
		Silent: ok200("Cache-Control: no-store"),
		find: func(x *subject, report func(where, detail string)) {
			for i := range x.cc {
				d := &x.cc[i]
				if row := knownDirective(d.name); row != nil && row.argument == 0 && d.hasArg {
					report(of("Cache-Control"), d.raw)
				}
			}
		},
	},
	{
		ID: "cache-control-fields-unquoted", Severity: Warn,
		Sentence: "the field names of a directive stand without quotes, which not every cache reads",
		Clause:   "RFC 9111 §5.2.2.4", Remedy: "write the names in quotes",
		Fires:  ok200("Cache-Control: max-age=60, private=set-cookie"),
		Silent: ok200("Cache-Control: max-age=60, private=\"set-cookie\""),
		find: func(x *subject, report func(where, detail string)) {
			x.qualified(func(d *directive) {
				if !d.quoted && d.arg != "" {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-fields-wrong", Severity: Bad,
		Sentence: "the argument of no-cache or private is no list of field names",
		Clause:   "RFC 9111 §5.2.2.4", Remedy: "name fields, or leave the argument out",
		Fires:  ok200("Cache-Control: max-age=60, private=\"set cookie\""),
		Silent: ok200("Cache-Control: max-age=60, private=\"set-cookie, x-user\""),
		find: func(x *subject, report func(where, detail string)) {
			x.qualified(func(d *directive) {
				names := elements([]string{d.arg})
				for _, name := range names {
					if !field.IsToken(name) {
						report(of("Cache-Control"), d.raw)
						return
					}
				}
				if len(names) == 0 {
					report(of("Cache-Control"), d.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-fields-all", Severity: Info,
		Sentence: "many caches take no-cache or private with field names as if it stood alone, for the whole answer",
		Clause:   "RFC 9111 §5.2.2.4", Remedy: "expect that, or do not send those fields in answers that are to be stored",
		Fires:  ok200("Cache-Control: max-age=60, no-cache=\"set-cookie\""),
		Silent: ok200("Cache-Control: no-cache"),
		find: func(x *subject, report func(where, detail string)) {
			x.qualified(func(d *directive) { report(of("Cache-Control"), d.raw) })
		},
	},
	{
		ID: "cache-control-contradicts-itself", Severity: Bad,
		Sentence: "a directive stands twice with different arguments, and caches differ in which one counts",
		Clause:   "RFC 9111 §4.2.1", Remedy: "send the directive once; look for a second place that sets the field",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Control: max-age=0"),
		Silent: ok200("Cache-Control: max-age=60, s-maxage=0"),
		find: func(x *subject, report func(where, detail string)) {
			x.twice(func(a, b *directive) {
				if row := knownDirective(a.name); a.arg != b.arg && row != nil && row.argument == 's' {
					report(of("Cache-Control"), a.raw+" and "+b.raw)
				}
			})
		},
	},
	{
		ID: "cache-control-repeats-itself", Severity: Info,
		Sentence: "a directive stands twice",
		Clause:   "RFC 9111 §4.2.1", Remedy: "send it once; look for a second place that sets the field",
		Fires:  ok200("Cache-Control: max-age=60", "Cache-Control: max-age=60"),
		Silent: ok200("Cache-Control: max-age=60", "Cache-Control: public"),
		find: func(x *subject, report func(where, detail string)) {
			x.twice(func(a, b *directive) {
				if a.arg == b.arg {
					report(of("Cache-Control"), a.raw)
				}
			})
		},
	},
	{
		ID: "request-cache-control-unfit", Severity: Info,
		Sentence: "a directive of the request means something in answers only",
		Clause:   "RFC 9111 §5.2.1", Remedy: "leave it out of the request",
		Fires:  ok200("Cache-Control: max-age=60").asked("Cache-Control: s-maxage=0, public"),
		Silent: ok200("Cache-Control: max-age=60").asked("Cache-Control: no-cache, max-age=0"),
		find: func(x *subject, report func(where, detail string)) {
			for _, name := range []string{"public", "private", "s-maxage", "must-revalidate", "proxy-revalidate", "must-understand", "immutable", "stale-while-revalidate"} {
				if d := x.askCC.get(name); d != nil {
					report(ofRequest("Cache-Control"), d.raw)
				}
			}
		},
	},
}

// misshapen calls yield for what Cache-Control has that is no directive.
func (s *subject) misshapen(yield func(d *directive)) {
	for i := range s.cc {
		if d := &s.cc[i]; d.misshapen() {
			yield(d)
		}
	}
}

// unknownDirectives calls yield for directives that no document of HTTP names.
func (s *subject) unknownDirectives(yield func(d *directive)) {
	for i := range s.cc {
		if d := &s.cc[i]; field.IsToken(d.name) && knownDirective(d.name) == nil && !anyFold(requestDirectives, d.name) {
			yield(d)
		}
	}
}

// timed calls yield for the directives that have a number of seconds. Without a
// number stale-while-revalidate and its like are ignored.
func (s *subject) timed(yield func(d *directive)) {
	for i := range s.cc {
		d := &s.cc[i]
		if row := knownDirective(d.name); row != nil && row.argument == 's' && !strings.ContainsAny(d.raw, "; \t") {
			yield(d)
		}
	}
}

// qualified calls yield for no-cache and private with an argument.
func (s *subject) qualified(yield func(d *directive)) {
	for i := range s.cc {
		d := &s.cc[i]
		if row := knownDirective(d.name); row != nil && row.argument == 'f' && d.hasArg {
			yield(d)
		}
	}
}

// twice calls yield for directives that stand there again, with the first one.
func (s *subject) twice(yield func(first, again *directive)) {
	for i := range s.cc {
		if first := s.cc.get(s.cc[i].name); first != &s.cc[i] {
			yield(first, &s.cc[i])
		}
	}
}
