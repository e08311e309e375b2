package ui_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"freshet/internal/monitor/ui"
)

var hostile = []string{
	"<script>alert(1)</script>",
	"</title></script></noscript></style><svg onload=alert(1)>",
	`" onmouseover="alert(1)" x="`,
	"' onmouseover='alert(1)' x='",
	"` onmouseover=`alert(1)",
	"javascript:alert(1)",
	" \tjAvAsCrIpT:alert(1)",
	"data:text/html,<script>alert(1)</script>",
	"/a?<b>&c=\"d'#e",
	"{{.}} ${x} %s",
	"invoice\u202egpj.exe",
	"a\x00b\x1b[31mc\rd\x7f",
	"\xff\xfe not UTF-8 \xc3",
	"&lt;b&gt; &amp;",
	"-->]]><!--",
}

// fill puts a text into every string of a value, however deep, but for those
// of a type of their own, which are one of a fixed set.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			fill(v.Elem(), s)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && v.CanSet() {
			v.SetString(s)
		}
	}
}

var (
	scriptLinks = regexp.MustCompile(`(?i)(href|action|src)="\s*(javascript|data|vbscript)[^"]*`)

	// What is sent back or compared, not shown, stays as it is.
	notShown = regexp.MustCompile(`(?s)( (value|id|for|name|data-[a-z]+|aria-describedby)="[^"]*"|<textarea.*?</textarea>)`)
)

// shape is what of a page is markup.
func shape(t *testing.T, s string) (tags, quotes int) {
	t.Helper()
	v := everything()
	fill(reflect.ValueOf(v), s)
	v.Path = "/x" // else it may be one of the navigation, which is marked
	page := draw(t, v)
	return strings.Count(page, "<"), strings.Count(page, `"`)
}

func checkHostile(t *testing.T, s string) {
	t.Helper()
	if s == "" {
		return // leaves parts of the page out
	}
	tags, quotes := shape(t, s)
	plainTags, plainQuotes := shape(t, "x")
	if tags != plainTags || quotes != plainQuotes {
		t.Errorf("%q: %d tags and %d quotes, with plain text %d and %d", s, tags, quotes, plainTags, plainQuotes)
	}
}

func TestHostileText(t *testing.T) {
	for _, s := range hostile {
		checkHostile(t, s)
		v := everything()
		fill(reflect.ValueOf(v), s)
		page := draw(t, v)
		if found := scriptLinks.FindString(page); found != "" {
			t.Errorf("%q: the page has %s", s, found)
		}
		shown := notShown.ReplaceAllString(page, "")
		for _, never := range []string{"\u202e", "\x00", "\x1b", "\x7f", "\xff"} {
			if strings.Contains(shown, never) {
				t.Errorf("%q: the page shows %q", s, never)
			}
		}
	}
}

func TestHostileAddresses(t *testing.T) {
	for _, href := range []string{"javascript:alert(1)", "vbscript:x", "data:text/html,x", " javascript:alert(1)", "java\nscript:alert(1)"} {
		page := draw(t, &ui.View{Path: "/", Sections: []ui.Section{
			&ui.Text{Links: []ui.Link{{Text: "link", Href: href}}},
			&ui.Form{Action: href},
			&ui.Table{Rows: []ui.Row{{Cells: []ui.Cell{{Text: "cell", Href: href}}}}, Columns: []ui.Column{{Title: "c", Sort: href}}, Next: href},
			&ui.Gallery{Pictures: []ui.Picture{{Src: href, Name: "picture"}}},
		}})
		if n := strings.Count(page, "#ZgotmplZ"); n != 7 {
			t.Errorf("%q: %d of 7 places refuse it:\n%s", href, n, page)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkHostile)
}
