package cookierule

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

const day = 24 * time.Hour

func compile(t testing.TB, r Rules) *Table {
	t.Helper()
	table, err := Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// What becomes of a line of Set-Cookie, and what of it is left.
func TestSetCookie(t *testing.T) {
	const later, sooner = "Sun, 03 May 2037 00:00:00 GMT", "Thu, 14 May 2026 03:02:01 GMT"
	long := strings.Repeat("1", 1100)
	type in struct {
		rules  Rules
		host   string
		third  bool
		chosen Policy
		line   string
	}
	for _, tt := range []struct {
		in
		want  string // "" when it is refused
		what  Treatment
		why   Reason
		rule  string
		other Treatment
	}{
		{in{Rules{}, "a.example", false, Unset, "a=b; Path=/"}, "a=b; Path=/", Passed, ByPolicy, "no-third-party", Passed},
		{in{Rules{}, "a.example", true, Unset, "a=b; Path=/"}, "", Refused, ThirdParty, "no-third-party", Refused},
		{in{Rules{}, "a.example", true, Unset, "a=b; Secure; Path=/; Partitioned"}, "", Refused, ThirdParty, "no-third-party", Refused},
		{in{Rules{}, "a.example", false, Unset, "a=b; Secure; Path=/; Partitioned"}, "a=b; Secure; Path=/; Partitioned", Passed, ByPolicy, "no-third-party", Passed},
		{in{Rules{Policy: Allow}, "a.example", true, Unset, "a=b"}, "a=b", Passed, ByPolicy, "allow", Passed},
		{in{Rules{Policy: Refuse}, "a.example", false, Unset, "a=b"}, "", Refused, ByPolicy, "refuse", Refused},
		{in{Rules{Policy: Learn}, "a.example", true, Unset, "a=b; Max-Age=99999999"}, "a=b; Max-Age=99999999", Passed, Learning, "learn", Refused},
		{in{Rules{Policy: Learn, Life: day}, "a.example", false, Unset, "a=b; Max-Age=99999999"}, "a=b; Max-Age=99999999", Passed, Learning, "learn", Shortened},

		// Lines that delete pass, and delete whatever a browser makes of them.
		{in{Rules{Policy: Refuse}, "a.example", false, Unset, "a=; Max-Age=0"}, "a=; Max-Age=0", Passed, Deletion, "refuse", Passed},
		{in{Rules{Policy: Refuse}, "a.example", false, Unset, "a=; expires=Thu, 01-Jan-1970 00:00:01 GMT"}, "a=; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0", Passed, Deletion, "refuse", Passed},
		{in{Rules{}, "a.example", true, Unset, "a=ID; Max-Age=0; Expires=Sun, 03 May 2037 00:00:00 GMT; Path=/"}, "a=ID; Max-Age=0; Expires=Sun, 03 May 2037 00:00:00 GMT; Path=/", Passed, Deletion, "no-third-party", Passed},
		{in{Rules{}, "a.example", true, Unset, "a=ID; Max-Age=99999999; Max-Age=-" + long}, "", Refused, ThirdParty, "no-third-party", Refused}, // browsers leave out what is that long
		{in{Rules{}, "a.example", true, Unset, "a=ID; Max-Age=-" + long[:500]}, "a=ID; Max-Age=-" + long[:500] + "; Max-Age=0", Passed, Deletion, "no-third-party", Passed},
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=ID; Max-Age=99999999; Max-Age=-" + long}, "a=ID", ToSession, ByPolicy, "session", ToSession},
		{in{Rules{Life: day}, "a.example", false, Unset, "a=ID; Max-Age=99999999; Max-Age=" + long}, "a=ID; Max-Age=86400; Max-Age=86400", Shortened, TooLong, "no-third-party", Shortened},
		{in{Rules{}, "a.example", true, Unset, "a=ID; Max-Age=0; Max-Age=+99999999;"}, "a=ID; Max-Age=0; Max-Age=+99999999;; Max-Age=0", Passed, Deletion, "no-third-party", Passed},
		{in{Rules{Policy: Refuse}, "a.example", false, Unset, "a=; Expires=Mon, 04 May 2026 03:00:00 GMT"}, "", Refused, ByPolicy, "refuse", Refused}, // by a slow clock it does not
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=; Max-Age=-5"}, "a=; Max-Age=-5", Passed, ByPolicy, "session", Passed},
		{in{Rules{Policy: Refuse}, "a.example", false, Unset, "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, "", Refused, ByPolicy, "refuse", Refused},

		// Session cookies.
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=b; Expires=" + later + "; Path=/;Max-Age = 5 ;HttpOnly"}, "a=b; Path=/;HttpOnly", ToSession, ByPolicy, "session", ToSession},
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=b; Path=/"}, "a=b; Path=/", Passed, ByPolicy, "session", Passed},
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=b; Max-Age=99; Expires=whenever; x"}, "a=b; x", ToSession, ByPolicy, "session", ToSession},
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=b; Expires=Sun, 3 Mai 2037; x"}, "a=b; x", ToSession, ByPolicy, "session", ToSession},
		{in{Rules{Policy: Session}, "a.example", false, Unset, "a=b; Max-Age=99"}, "a=b", ToSession, ByPolicy, "session", ToSession},

		// Shorter lives.
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "a=b;  max-age= 99999999 ; Foo=bar;;EXPIRES=" + later + "; SameSite=Lax"}, "a=b;  max-age= 864000 ; Foo=bar;;EXPIRES=" + sooner + "; SameSite=Lax", Shortened, TooLong, "no-third-party", Shortened},
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "__Host-a=b; Path=/; Secure; Expires=Sunday, 03-May-37 00:00:00 GMT"}, "__Host-a=b; Path=/; Secure; Expires=" + sooner, Shortened, TooLong, "no-third-party", Shortened},
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "a=b; Max-Age=60; Expires=" + later}, "a=b; Max-Age=60; Expires=" + later, Passed, ByPolicy, "no-third-party", Passed},
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "a=b; Max-Age=1; Max-Age=99999999999999999999999"}, "a=b; Max-Age=1; Max-Age=864000", Shortened, TooLong, "no-third-party", Shortened},
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "a=b; Max-Age=+99999999"}, "a=b; Max-Age=+99999999", Passed, ByPolicy, "no-third-party", Passed}, // no number to browsers
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "a=b; Max-Age=99999999; Partitioned"}, "a=b; Max-Age=864000; Partitioned", Shortened, TooLong, "no-third-party", Shortened},
		{in{Rules{Life: 10 * day}, "a.example", false, Unset, "a=b"}, "a=b", Passed, ByPolicy, "no-third-party", Passed},

		// Who decides.
		{in{Rules{Texts: []string{"example=refuse", "a.example=allow"}}, "x.a.example", true, Unset, "a=b"}, "a=b", Passed, ByRule, "a.example=allow", Refused},
		{in{Rules{Texts: []string{"a.example=allow", "example=refuse"}}, "b.example", false, Unset, "a=b"}, "", Refused, ByRule, "example=refuse", Passed},
		{in{Rules{Texts: []string{"a.example=allow", "_ga*@*=refuse"}}, "a.example", false, Unset, "_ga_X=b"}, "", Refused, ByRule, "_ga*@*=refuse", Passed},
		{in{Rules{Texts: []string{"_ga*@*=refuse", "_ga@a.example=session", "_g*@*=allow"}}, "a.example", false, Unset, "_ga=b; Max-Age=9"}, "_ga=b", ToSession, ByRule, "_ga@a.example=session", Passed},
		{in{Rules{Texts: []string{"a.example=refuse"}}, "a.example", true, Allow, "a=b"}, "a=b", Passed, ByChoice, "allow", Refused},
		{in{Rules{}, "a.example", false, Refuse, "a=b"}, "", Refused, ByChoice, "refuse", Passed},
		{in{Rules{Policy: Learn, Texts: []string{"a.example=refuse"}}, "a.example", false, Unset, "a=b"}, "", Refused, ByRule, "a.example=refuse", Passed},
		{in{Rules{Texts: []string{"0.0.1=refuse", "127.0.0.1=session"}}, "127.0.0.1", false, Unset, "a=b; Max-Age=9"}, "a=b", ToSession, ByRule, "127.0.0.1=session", Passed},
	} {
		set := ParseSet(tt.line)
		d := compile(t, tt.rules).Decide(&Case{Host: tt.host, Name: set.Name, ThirdParty: tt.third, Chosen: tt.chosen, Set: set, Now: now})
		line, passes := set.Apply(d, now)
		if line != tt.want || passes != (tt.want != "") || d.What != tt.what || d.Reason != tt.why || d.Rule != tt.rule || d.Instead != tt.other {
			t.Errorf("%q:\ngot  %q %v, %s, by %q, else %v\nwant %q %v, %s, by %q, else %v", tt.line,
				line, d.What, d.Reason, d.Rule, d.Instead, tt.want, tt.what, tt.why, tt.rule, tt.other)
		}
	}
}

// A line of Cookie loses what is refused, and no other byte.
func TestCookie(t *testing.T) {
	table := compile(t, Rules{Texts: []string{"bad*@*=refuse", "s@*=session"}})
	for line, want := range map[string]string{
		"a=1; bad=2; c=3":             "a=1; c=3",
		"bad=2; c=3":                  "c=3",
		"a=1;bad1=x;  bad2=y;s=4":     "a=1;s=4",
		"bad=2":                       "",
		"bad=2; badx=":                "",
		" a = 1 ;; b=\"x=bad\"":       " a = 1 ;; b=\"x=bad\"",
		"bad":                         "bad", // a value without a name
		"=bad=1; a":                   "=bad=1; a",
		"a=1; bad=\"; c=3\"; d":       "a=1; c=3\"; d", // quotes hold nothing together
		"":                            "",
		"a=1; a=2; bad=3; \tbad=4\t;": "a=1; a=2;",
	} {
		taken := 0
		got, n := Without(line, func(name string) bool {
			d := table.Decide(&Case{Host: "h.example", Name: name})
			if d.What == Refused {
				taken++
			}
			return d.What == Refused
		})
		if got != want || n != taken {
			t.Errorf("%q: %q, %d taken, want %q", line, got, n, want)
		}
	}
}

func TestNames(t *testing.T) {
	var got []string
	for name := range Names("a=1; b ; ;c=; =d;\te\t= 5=6") {
		got = append(got, name)
	}
	if s := strings.Join(got, ","); s != "a,,c,,e" {
		t.Errorf("%q", s)
	}
}

func TestSite(t *testing.T) {
	for host, want := range map[string]string{
		"www.example.co.uk:443":  "example.co.uk",
		"Example.COM.":           "example.com",
		"a.b.github.io":          "b.github.io",
		"github.io":              "github.io",
		"localhost:80":           "localhost",
		"127.0.0.1:80":           "127.0.0.1",
		"[::1]:80":               "::1",
		"[::1]":                  "::1",
		"::1":                    "::1",
		"x.y.unheard-of":         "y.unheard-of",
		"":                       "",
		":80":                    "",
		"xn--bcher-kva.example.": "xn--bcher-kva.example",
	} {
		if got := Site(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}

func TestRuleFaults(t *testing.T) {
	for _, text := range []string{"", "a.example", "a.example=", "a.example=never", "=allow", "@a.example=allow", "a@=allow", "a b=allow", "x/y=refuse", strings.Repeat("a", 2000) + "=allow"} {
		if _, err := Compile(Rules{Texts: []string{text}}); err == nil {
			t.Errorf("%.40q was taken", text)
		}
	}
	if _, err := Compile(Rules{Life: time.Second - 1}); err == nil {
		t.Error("a life was taken by which every cookie is deleted")
	}
	_, err := Compile(Rules{Life: -1, Texts: []string{"x", "y"}})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all faults: %v", err)
	}
}

// Dates as servers write them, and what none of them is.
func TestDates(t *testing.T) {
	want := time.Date(2037, 5, 3, 1, 2, 3, 0, time.UTC).Unix()
	for _, s := range []string{"Sun, 03 May 2037 01:02:03 GMT", "Sunday, 03-May-37 01:02:03 GMT", "Sun May  3 01:02:03 2037", "3 MAYbe 2037 1:2:3", "2037 3 may 01:02:03", "01:02:03x 03 May 37 +0200"} {
		if got, void := parseDate(s); void || got != want {
			t.Errorf("%q: %v, %v", s, time.Unix(got, 0).UTC(), void)
		}
	}
	for _, s := range []string{"", "0", "Sun, 31 Feb 2037 01:02:03 GMT", "03 May 2037", "03 May 2037 24:00:00", "03 May 1600 01:02:03", "03 Mai 2037 01:02:03", "003 May 2037 01:02:03"} {
		if got, void := parseDate(s); !void {
			t.Errorf("%q: %v", s, time.Unix(got, 0).UTC())
		}
	}
}

// What is left of a line is what it was; what is shortened is so to the parser of
// net/http, too.
func FuzzSetCookie(f *testing.F) {
	for _, s := range []string{"a=b; Path=/; Max-Age=999999999", "a=b; Expires=Sun, 03 May 2037 01:02:03 GMT; max-age=5;Max-Age=99999999", "a; ;;= ;expires", "__Host-a=\"x;y\";Secure;Path=/;Partitioned;Max-Age=99999999999999999999"} {
		f.Add(s)
	}
	table, err := Compile(Rules{Policy: Allow, Life: 10 * day})
	if err != nil {
		f.Fatal(err)
	}
	refuse, err := Compile(Rules{Policy: Refuse})
	if err != nil {
		f.Fatal(err)
	}
	session, err := Compile(Rules{Policy: Session})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		set := ParseSet(line)
		before, wasSession := set.Life(now)
		c := Case{Host: "a.example", Name: set.Name, Set: set, Now: now}
		d := table.Decide(&c)
		got, passes := set.Apply(d, now)
		if !passes || d.What == Passed && got != line {
			t.Fatalf("%q became %q (%v)", line, got, d.What)
		}
		again := ParseSet(got)
		after, isSession := again.Life(now)
		if again.Name != set.Name || again.Partitioned != set.Partitioned || again.Domain != set.Domain || isSession != wasSession || after > before || !isSession && after > 10*day {
			t.Fatalf("%q (%v) became %q (%v)", line, before, got, after)
		}
		if attributesBut(got) != attributesBut(line) {
			t.Fatalf("%q became %q", line, got)
		}
		if theirs, err := http.ParseSetCookie(got); err == nil && d.What == Shortened {
			if life := time.Duration(theirs.MaxAge) * time.Second; life > 10*day || theirs.MaxAge == 0 && theirs.Expires.After(now.Add(10*day)) {
				t.Fatalf("%q became %q, which lives %v, %v", line, got, life, theirs.Expires)
			}
		}
		d = refuse.Decide(&c)
		if got, passes := set.Apply(d, now); passes {
			if life, session := ParseSet(got).Life(now); session || life > 0 {
				t.Fatalf("%q passes as %q", line, got)
			}
			if theirs, err := http.ParseSetCookie(got); err == nil && theirs.MaxAge >= 0 {
				t.Fatalf("%q passes as %q, which lives %d s", line, got, theirs.MaxAge)
			}
		}
		d = session.Decide(&c)
		got, _ = set.Apply(d, now)
		if _, is := ParseSet(got).Life(now); d.What == ToSession && !is || d.What == Passed && got != line {
			t.Fatalf("%q became %q", line, got)
		}
		if attributesBut(got) != attributesBut(line) {
			t.Fatalf("%q became %q", line, got)
		}
	})
}

// attributesBut returns a line without Max-Age and Expires.
func attributesBut(line string) string {
	var kept []string
	for i, part := range strings.Split(line, ";") {
		name, _, _ := strings.Cut(part, "=")
		name = strings.Trim(name, " \t")
		if i > 0 && (strings.EqualFold(name, "max-age") || strings.EqualFold(name, "expires")) {
			continue
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, ";")
}

// A line of which nothing is refused is the same; what is refused is gone, and
// the others are there in their order.
func FuzzCookie(f *testing.F) {
	for _, s := range []string{"a=1; bad=2", "bad; bad=1;;", " ;=\"; bad=\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var want []string
		refuse := func(name string) bool { return strings.HasPrefix(name, "b") }
		for name := range Names(line) {
			if !refuse(name) {
				want = append(want, name)
			}
		}
		got, n := Without(line, refuse)
		if n == 0 && got != line {
			t.Fatalf("%q became %q", line, got)
		}
		var left []string
		for name := range Names(got) {
			left = append(left, name)
		}
		if strings.Join(left, ";") != strings.Join(want, ";") || len(left) != len(want) {
			t.Fatalf("%q became %q", line, got)
		}
		if again, n := Without(got, refuse); n != 0 || again != got {
			t.Fatalf("%q became %q", got, again)
		}
	})
}
