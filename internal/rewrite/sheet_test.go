package rewrite

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestNewSheet(t *testing.T) {
	for in, want := range map[string]string{
		"p{}":                           "p{}",
		"a[b=\"</style>\"]{}":           "a[b=\"\\3c /style>\"]{}",
		"a[b=\"<\\/style>\"]{}":         "a[b=\"<\\/style>\"]{}",
		"a[b=\"\\</style>\"]{}":         "a[b=\"\\3c /style>\"]{}",
		"a[b=\"\\\\</STYLE\"]{}":        "a[b=\"\\\\\\3c /STYLE\"]{}",
		"a[b='<meta charset=utf-7>']{}": "a[b='\\3c meta charset=utf-7>']{}",
		"/*<!-- <script>*/p{}":          "/*\\3c !-- \\3c script>*/p{}",
		"@media (width < 9px){p{}}":     "@media (width < 9px){p{}}",
		".ü{content:'→\\é'}":            ".\\fc {content:'\\2192 \\e9 '}",
		"p{}\r\nq{}\rr{}":               "p{}\nq{}\nr{}",
		"p{a:'\x00\\\x00\xff'}":         "p{a:'\\fffd \\fffd \\fffd '}",
		"p{a:'x\\\r\ny'}":               "p{a:'x\\\ny'}",
		"p{}\\":                         "p{}\\",
		"p{}<":                          "p{}<",
	} {
		s, err := NewSheet(in)
		if err != nil || s.Text() != want {
			t.Errorf("%q:\ngot  %q\nwant %q", in, s.Text(), want)
			continue
		}
		sum := sha256.Sum256([]byte(want))
		if s.Source() != "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'" {
			t.Errorf("%q: %s", in, s.Source())
		}
	}
	for _, in := range []string{"", " \n", strings.Repeat("p", MaxSheet+1)} {
		if _, err := NewSheet(in); err == nil {
			t.Errorf("%.10q was taken", in)
		}
	}
}

// Whatever the text, it is one element, of ASCII, with that text, and hides no
// charset.
func FuzzSheet(f *testing.F) {
	for _, css := range []string{"p{}", "</style><script>", "\\<meta charset=x>", "\xff\\\xff\r\\\r\n<", "<!--<sTyLe>-->"} {
		f.Add(css)
	}
	f.Fuzz(func(t *testing.T, css string) {
		s, err := NewSheet(css)
		if err != nil {
			return
		}
		for i := range len(s.Text()) {
			if c := s.Text()[i]; c >= 0x80 || c == 0 || c == '\r' {
				t.Fatalf("%q became %q", css, s.Text())
			}
		}
		z := html.NewTokenizer(strings.NewReader(whole(s, "abc")))
		for i, want := range []html.TokenType{html.StartTagToken, html.TextToken, html.EndTagToken, html.ErrorToken} {
			if got := z.Next(); got != want || i == 1 && string(z.Text()) != s.Text() {
				t.Fatalf("%q became %q: token %d is %v", css, s.Text(), i, got)
			}
		}
		if label, _, ok := prescan([]byte(whole(s, "") + "<meta charset=koi8-r>")); ok && label != "koi8-r" {
			t.Errorf("%q has a charset: %s", s.Text(), label)
		}
	})
}

func TestPrescan(t *testing.T) {
	for in, want := range map[string]string{
		"<meta charset=utf-8>":                 "utf-8@20",
		"<META\tCHARSET = 'UTF-8' >":           "utf-8@25",
		"<meta/charset=utf-8/>":                "",
		"<meta/charset=utf-8 />":               "utf-8@22",
		"<metacharset=utf-8>":                  "",
		"<meta charset=utf-8":                  "",
		"<meta charset='utf-8>":                "",
		"<meta charset=>":                      "",
		"<meta charset>":                       "",
		"<meta charset=bad><meta charset=gbk>": "gbk@36",
		"<meta http-equiv=content-type content='text/html;charset=big5'>":         "big5@63",
		"<meta content='text/html;charset=big5'>":                                 "",
		"<meta http-equiv=refresh content='text/html;charset=big5'>":              "",
		"<meta content='charset charset = \"euc-kr\" x' http-equiv=CONTENT-TYPE>": "euc-kr@69",
		"<meta http-equiv=content-type content='charset=\"x'>":                    "",
		"<meta charset=gbk charset=utf-8>":                                        "gbk@32",
		"<meta charset=gbk http-equiv=content-type content=charset=utf-8>":        "gbk@64",
		"<!-- <meta charset=gbk> --><meta charset=utf-8>":                         "utf-8@47",
		"<!--><meta charset=gbk>":                                                 "gbk@23",
		"<!---><meta charset=gbk>":                                                "gbk@24",
		"<!-- <meta charset=gbk>":                                                 "",
		"<! <meta charset=gbk><meta charset=utf-8>":                               "utf-8@41",
		"</p x='><meta charset=gbk>'><meta charset=utf-8>":                        "utf-8@48",
		"<p x='><meta charset=gbk>'><meta charset=utf-8>":                         "utf-8@47",
		"<? x='><meta charset=gbk>":                                               "gbk@25",
		"< <meta charset=gbk>":                                                    "gbk@20",
		"<p<meta charset=gbk>":                                                    "",
		"<p =x=y ==z><meta charset=gbk>":                                          "gbk@30",
		"<meta charset = gbk name=x>":                                             "gbk@27",
		"<script>'<meta charset=gbk>'":                                            "gbk@27",
		strings.Repeat(" ", sniffed-20) + "<meta charset=utf-8>":                  "utf-8@1024",
		strings.Repeat(" ", sniffed-19) + "<meta charset=utf-8>":                  "",
	} {
		label, end, ok := prescan([]byte(in))
		got := ""
		if ok {
			got = label + "@" + strconv.Itoa(end)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func FuzzPrescan(f *testing.F) {
	f.Add("<meta charset=utf-8>")
	f.Add("<!-- --><p a='b'><meta http-equiv=content-type content=charset=gbk>")
	f.Fuzz(func(t *testing.T, doc string) {
		label, end, ok := prescan([]byte(doc))
		if ok && (end <= 0 || end > len(doc) || doc[end-1] != '>' || kindOf(label) == charsetUnknown) {
			t.Fatalf("%q at %d", label, end)
		}
		// What was found in the beginning is what is found when more has come.
		for n := range min(len(doc), 64) {
			if l, e, early := prescan([]byte(doc[:n])); early && (l != label || e != end || !ok) {
				t.Fatalf("%q after %d bytes, then %q", l, n, label)
			}
		}
	})
}
