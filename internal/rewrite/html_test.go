package rewrite

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"
)

func sheet(t testing.TB, css string) *Sheet {
	t.Helper()
	s, err := NewSheet(css)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// whole is what is put in.
func whole(s *Sheet, nonce string) string {
	tag, rest := s.element(nonce)
	return tag + string(rest)
}

// mark is where the sheet is expected in the tables.
const mark = "✂"

// documents that try to be misunderstood. Those without a mark are left alone,
// for the reason that is given.
var nasty = []struct {
	name    string
	charset string // of Content-Type; "-" for none
	doc     string
	reason  Reason
}{
	{"plain", "utf-8", "<!DOCTYPE html><html><head>✂<title>x</title></head><body>y</body></html>", ""},
	{"capitals", "UTF-8", "<!doctype HTML><HTML LANG=de><HEAD>✂<TITLE>x</TITLE></HEAD>", ""},
	{"no head tag", "utf-8", "<!doctype html>\n<html>\n✂<title>x</title><p>y", ""},
	{"no html tag", "utf-8", "<!doctype html>\n<!-- c -->\n✂<p>y", ""},
	{"no doctype", "utf-8", "✂<p>y", ""},
	{"body only", "utf-8", "<html>✂<body>y", ""},
	{"text in html", "utf-8", "<html> \n ✂y", ""},
	{"end of the head", "utf-8", "<html>✂</head>y", ""},
	{"stray end tags", "utf-8", "</p></title><html></div></style><head>✂", ""},
	{"end of br", "utf-8", "<html>✂</br>", ""},
	{"frames", "utf-8", "<html>✂<frameset><frame src=a></frameset></html>", ""},
	{"head with attributes", "utf-8", "<head prefix=\"og: http://ogp.me/ns#\" data-x='<body>'>✂", ""},
	{"closed by itself", "utf-8", "<html/><head/>✂<p>", ""},
	{"slashes", "utf-8", "<html/x/y=/z><head/>✂", ""},
	{"head in a comment", "utf-8", "<!-- <head> --><html><!-- <head> -->✂<body><!--</head>-->", ""},
	{"conditional comment", "utf-8", "<!--[if lt IE 7]><html class=ie6><head><![endif]--><!--[if gt IE 8]><!--><html><!--<![endif]--><head>✂", ""},
	{"downlevel revealed", "utf-8", "<![if !IE]><html><![endif]><head>✂", ""},
	{"comment that ends at once", "utf-8", "<!--><html><head>✂<!-- -->", ""},
	{"comment that ends soon", "utf-8", "<!---><html><head>✂<!-- -->", ""},
	{"comment with a bang", "utf-8", "<!-- <head> --!><head>✂", ""},
	{"comment with dashes", "utf-8", "<!-- -- <head> --- --><head>✂", ""},
	{"comment in a comment", "utf-8", "<!-- <!-- <head> --> ✂--><head>", NoHTMLInIt},
	{"bogus comments", "utf-8", "<?xml version='1.0'?><!ELEMENT head><!doctype html></ head><html><head>✂", ""},
	{"processing instruction", "utf-8", "<?php echo '?>' ?><html>", NoHTMLInIt},
	{"cdata is a comment", "utf-8", "<html><![CDATA[<head>✂]]>", ""},
	{"cdata is text then", "utf-8", "<html><![CDATA[x><head>✂]]>", ""},
	{"head in an attribute", "utf-8", "<html title='<head>' data=\"</html><head>\">✂<body>", ""},
	{"greater in an attribute", "utf-8", "<html title=\"a>b\"><head>✂", ""},
	{"quote before equals", "utf-8", "<html ='><head>✂", ""},
	{"quote as a name", "utf-8", "<html \"><head>✂", ""},
	{"unquoted", "utf-8", "<html a=b'c\"d=><head>✂", ""},
	{"line breaks in tags", "utf-8", "<html\n\f\r\tlang\n=\n'x'\n><head\n>✂", ""},
	{"null in a name", "utf-8", "<html><he\x00ad><head>", ""},
	{"null before", "utf-8", "\x00<html><head>", NoHTMLInIt},
	{"null in html", "utf-8", "<html>✂\x00<head>", ""},
	{"not a tag", "utf-8", "<html>✂< head><head>", ""},
	{"entity space", "utf-8", "<html>&#32;&#x0a;<head>✂", ""},
	{"space before", "utf-8", " \n\t<html> <head>✂ <title>", ""},
	{"nbsp", "utf-8", "<html>✂\u00a0<head>", ""},
	{"mark", "-", "\xef\xbb\xbf<html><head>✂", ""},
	{"mark against the field", "iso-2022-jp", "\xef\xbb\xbf<html><head>✂", ""},
	{"mark of utf-16", "utf-8", "\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", BadCharset},
	{"mark of utf-16be", "utf-8", "\xfe\xff\x00<\x00h\x00t\x00m\x00l\x00>", BadCharset},
	{"two marks", "utf-8", "\xef\xbb\xbf\xef\xbb\xbf<html><head>", NoHTMLInIt},
	{"half a mark", "utf-8", "\xef\xbb", NoHTMLInIt},
	{"svg", "utf-8", "<html>✂<svg><style><head></style><![CDATA[<head>]]></svg>", ""},
	{"svg document", "utf-8", "<svg xmlns='http://www.w3.org/2000/svg'><style>x</style></svg>", NoHTMLInIt},
	{"math", "utf-8", "<!doctype html>✂<math><mtext><head></mtext></math>", ""},
	{"template", "utf-8", "<!doctype html>✂<template><head></template>", ""},
	{"noscript", "utf-8", "<html>✂<noscript><head></noscript><head>", ""},
	{"plaintext", "utf-8", "✂<plaintext><html><head></plaintext><head>", ""},
	{"script first", "utf-8", "<!doctype html>✂<script><!--<script></script><head>--></script><head>", ""},
	{"textarea", "utf-8", "✂<textarea><html><head></textarea>", ""},
	{"title first", "utf-8", "✂<title><html><head></title><head>", ""},
	{"select", "utf-8", "✂<select><option><style>", ""},
	{"table", "utf-8", "✂<table><style>", ""},
	{"json", "utf-8", `{"html":"<html><head>"}`, NoHTMLInIt},
	{"json array", "utf-8", ` ["<head>"]`, NoHTMLInIt},
	{"text", "utf-8", "hello <b>you</b>", NoHTMLInIt},
	{"feed", "utf-8", "<?xml version='1.0'?><rss><channel><title>x</title>", NoHTMLInIt},
	{"atom", "utf-8", "<feed><title>x</title>", NoHTMLInIt},
	{"doctype of something else", "utf-8", "<!DOCTYPE rss><rss>", NoHTMLInIt},
	{"own elements", "utf-8", "<!doctype html>✂<my-app></my-app>", ""},
	{"empty", "utf-8", "", NoContent},
	{"only space", "utf-8", " \n", NoContent},
	{"only a comment", "utf-8", "<!-- x", NoContent},
	{"cut in a tag", "utf-8", "<html><head", NoContent},
	{"cut in a value", "utf-8", "<html lang='><head>", NoContent},
	{"unclosed comment", "utf-8", "<html><!-- <head>", NoContent},

	{"charset in a meta", "-", "<!doctype html><head><meta charset=utf-8>✂<title>", ""},
	{"http-equiv", "-", "<head><META content='text/html; charset=windows-1252' HTTP-EQUIV=Content-Type>✂", ""},
	{"behind a title", "-", "<html><head><title><meta></title><link href=x><meta name=a><meta charset='shift_jis' />✂<script>", ""},
	{"behind a script", "-", "<head><script>'</scr'+'<head>'</script><meta charset=koi8-r>✂", ""},
	{"behind a script with a comment", "-", "<head><script><!-- --></script><meta charset=utf-8>", LateCharset},
	{"behind a script whose comment is open", "-", "<head><script><!-- </script><meta charset=utf-8>", UnknownCharset},
	{"in a script", "-", "<head><script>'<meta charset=utf-8>'</script><title>", LateCharset},
	{"in a title", "-", "<title><meta charset=utf-8></title><p>", LateCharset},
	{"in a comment", "-", "<!-- <meta charset=utf-8> --><head><title>", UnknownCharset},
	{"in an attribute", "-", "<html x='<meta charset=utf-8>'><head><title>", UnknownCharset},
	{"in the body", "-", "<html><body><meta charset=utf-8><p>", LateCharset},
	{"behind a noscript", "-", "<head><noscript><meta charset=utf-8></noscript>", LateCharset},
	{"of utf-16", "-", "<head><meta charset=utf-16le>✂", ""},
	{"of iso-2022-jp", "-", "<head><meta charset=iso-2022-jp>", BadCharset},
	{"unknown label", "-", "<head><meta charset=nonsense>", UnknownCharset},
	{"unknown field", "nonsense", "<head><meta charset=utf-8>✂", ""},
	{"none", "-", "<html><head><title>x</title><p>", UnknownCharset},
	{"too late", "-", "<head>" + strings.Repeat(" ", sniffed) + "<meta charset=utf-8>", UnknownCharset},
	{"policy before", "-", "<head><meta http-equiv=Content-Security-Policy content=\"default-src 'self'\"><meta charset=utf-8>", MetaPolicy},
	{"policy that allows", "-", "<head><meta http-equiv=content-security-policy content=\"style-src 'unsafe-inline'\"><meta charset=utf-8>✂", ""},
	{"policy behind", "-", "<head><meta charset=utf-8>✂<meta http-equiv=Content-Security-Policy content=\"default-src 'self'\">", ""},
}

// long is a sheet that does not fit where browsers look for a charset.
func long(t testing.TB) *Sheet { return sheet(t, strings.Repeat(".advert{display:none}\n", 60)) }

func (e Edit) run(t testing.TB, doc string) (string, Result) {
	t.Helper()
	var out strings.Builder
	r, err := HTML(&out, strings.NewReader(doc), e)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), r
}

func charsetField(s string) string { return strings.TrimPrefix(s, "-") }

func TestNasty(t *testing.T) {
	s := long(t)
	for _, tt := range nasty {
		t.Run(tt.name, func(t *testing.T) {
			doc := strings.ReplaceAll(tt.doc, mark, "")
			want := doc
			if tt.reason == "" && strings.Contains(tt.doc, mark) {
				want = strings.Replace(tt.doc, mark, whole(s, ""), 1)
			}
			if tt.name == "null in a name" {
				want = "<html>" + whole(s, "") + doc[6:]
			}
			e := Edit{Sheet: s, Charset: charsetField(tt.charset)}
			got, result := e.run(t, doc)
			if got != want || result.Reason != tt.reason || result.Inserted != (tt.reason == "") {
				t.Errorf("%+v\ngot  %q\nwant %q", result, strings.ReplaceAll(got, whole(s, ""), mark), strings.ReplaceAll(want, whole(s, ""), mark))
			}
			checkDocument(t, e, doc)
		})
	}
}

// A small sheet does not push the charset out of sight, so it goes to the front.
func TestSmallSheet(t *testing.T) {
	e := Edit{Sheet: sheet(t, "p{}")}
	for _, doc := range []string{"<head>✂<title></title><meta charset=utf-8>", "<html>✂<body><meta charset=utf-8>", "<head>✂<meta http-equiv=content-security-policy content=default-src><meta charset=utf-8>"} {
		got, _ := e.run(t, strings.ReplaceAll(doc, mark, ""))
		if want := strings.ReplaceAll(doc, mark, "<style>p{}</style>"); got != want {
			t.Errorf("%s", got)
		}
	}
}

func TestNonces(t *testing.T) {
	s := long(t)
	policy := func(content string) string {
		return "<meta http-equiv=content-security-policy content=\"" + content + "\"><meta charset=utf-8>"
	}
	for _, tt := range []struct{ nonce, doc, want string }{
		{"abc=", "<head>", "<style nonce=\"abc=\">"},
		{"a\"b", "<head>", "<style>"},
		{"", policy("style-src 'nonce-xyz'"), "<style nonce=\"xyz\">"},
		{"", policy("style-src &#39;nonce-xyz&#39;"), "<style nonce=\"xyz\">"},
		{"", policy("style-src 'nonce-xyz', default-src 'nonce-xyz'"), "<style nonce=\"xyz\">"},
		{"", policy("style-src 'nonce-xyz', default-src 'nonce-other'"), ""},
		{"other", policy("style-src 'nonce-xyz'"), ""},
		{"xyz", policy("style-src 'nonce-xyz'"), "<style nonce=\"xyz\">"},
		{"", policy("style-src " + s.Source()), "<style>"},
		{"", policy("style-src 'nonce-&quot;>'"), ""},
	} {
		charset := ""
		if tt.nonce != "" && tt.doc == "<head>" {
			charset = "utf-8"
		}
		got, r := Edit{Sheet: s, Nonce: tt.nonce, Charset: charset}.run(t, tt.doc)
		if tt.want == "" && r.Reason != MetaPolicy || tt.want != "" && !strings.HasPrefix(got[min(len(got), len(tt.doc)):], tt.want) {
			t.Errorf("%+v: %+v %q", tt, r, got)
		}
	}
}

// checkDocument holds a document to what the package promises: in whichever
// pieces it comes, what comes out is the same, and without the sheet it is what
// went in; and a parser sees the same document apart from the sheet.
func checkDocument(t *testing.T, e Edit, doc string) {
	t.Helper()
	var out strings.Builder
	r, err := HTML(&out, strings.NewReader(doc), e)
	if err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if !r.Inserted && got != doc || r.Inserted && (got[:r.At] != doc[:r.At] || got[int(r.At)+r.Bytes:] != doc[r.At:]) {
		t.Fatalf("%+v: %q became %q", r, doc, got)
	}
	for name, in := range map[string]io.Reader{"one by one": iotest.OneByteReader(strings.NewReader(doc)), "halves": iotest.HalfReader(strings.NewReader(doc)), "end with data": iotest.DataErrReader(strings.NewReader(doc))} {
		var pieces strings.Builder
		again, err := HTML(&pieces, in, e)
		if err != nil || pieces.String() != got || again != r {
			t.Errorf("%s: %v %+v, as a whole %+v\n%q\n%q", name, err, again, r, pieces.String(), got)
		}
	}
	if !r.Inserted {
		return
	}
	for _, scripting := range []bool{true, false} {
		before, after := tree(t, doc, scripting, ""), tree(t, got, scripting, e.Sheet.Text())
		if before != after {
			t.Errorf("%q, scripting %v: the tree was\n%s\nand became\n%s", doc, scripting, before, after)
		}
	}
}

// tree parses a document, takes out the first style element with that text, and
// writes down the rest.
func tree(t *testing.T, doc string, scripting bool, without string) string {
	t.Helper()
	doc = strings.TrimPrefix(doc, "\xef\xbb\xbf")
	root, err := html.ParseWithOptions(strings.NewReader(doc), html.ParseOptionEnableScripting(scripting))
	if err != nil {
		return "" // too deep, say
	}
	if without != "" && !takeOut(root, without) {
		t.Errorf("no element with the sheet in %q", doc)
	}
	var b strings.Builder
	var write func(*html.Node, int)
	write = func(n *html.Node, depth int) {
		// White space that is written as character references and comes before a body
		// without a head means nothing; behind the sheet it is in the head.
		if n.Type == html.TextNode && n.Parent.Data == "head" && strings.Trim(n.Data, whitespace) == "" {
			return
		}
		b.WriteString(strings.Repeat(" ", depth))
		b.WriteString(n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key + "=" + a.Val)
		}
		b.WriteString("\n")
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			write(c, depth+1)
		}
	}
	write(root, 0)
	return b.String()
}

func takeOut(n *html.Node, text string) bool {
	for c := range n.ChildNodes() {
		if c.Type == html.ElementNode && c.Data == "style" && c.Namespace == "" && c.FirstChild != nil && c.FirstChild.Data == text && c.Parent.Data == "head" {
			n.RemoveChild(c)
			return true
		}
		if takeOut(c, text) {
			return true
		}
	}
	return false
}

func FuzzHTML(f *testing.F) {
	for _, tt := range nasty {
		f.Add(strings.ReplaceAll(tt.doc, mark, ""), tt.charset == "-")
	}
	e := Edit{Sheet: long(f), Max: 4096}
	f.Fuzz(func(t *testing.T, doc string, sniff bool) {
		e := e
		if !sniff {
			e.Charset = "utf-8"
		}
		checkDocument(t, e, doc)
	})
}

// What does not fit passes untouched, and is not held.
func TestTooLong(t *testing.T) {
	const size = 16 << 20
	for name, begin := range map[string]string{"attribute": "<html title='", "comment": "<html><!--", "name": "<html><", "doctype": "<!doctype ", "text": "<html>&#32;", "dashes": "<html><!-->-"} {
		t.Run(name, func(t *testing.T) {
			fill := byte('-')
			if name == "text" {
				fill = ' '
			}
			w := &sink{}
			s := NewSplicer(w, Edit{Sheet: sheet(t, "p{}"), Charset: "utf-8"})
			s.Write([]byte(begin))
			chunk := bytes.Repeat([]byte{fill}, 1<<20)
			most := 0
			for range size / len(chunk) {
				s.Write(chunk)
				most = max(most, cap(s.held))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if want := int64(len(begin)) + size; s.Result().Reason != TooLong || w.n != want {
				t.Errorf("%+v, %d bytes of %d", s.Result(), w.n, want)
			}
			if most > 2*DefaultMax {
				t.Errorf("%d bytes were held", most)
			}
		})
	}
}

type sink struct{ n int64 }

func (s *sink) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return len(p), nil
}

// Where the bound is does not depend on the pieces.
func TestBoundIsSharp(t *testing.T) {
	e := Edit{Sheet: sheet(t, "p{}"), Charset: "utf-8", Max: 4096}
	for _, size := range []int{4000, 4094, 4095, 4096, 4097, 5000, 8192, 20000} {
		for _, before := range []string{"", "<!doctype html>", "<!--" + strings.Repeat("-", 3000) + ">\n<html>"} {
			attribute := before + "<html title='" + strings.Repeat("x", size-len("<html title=''>")) + "'><head>"
			comment := before + "<!--" + strings.Repeat("x", size-len("<!---->")) + "--><head>"
			checkDocument(t, e, attribute)
			checkDocument(t, e, comment)
			if _, r := e.run(t, attribute); r.Inserted != (size <= 4096) {
				t.Errorf("a tag of %d bytes: %+v", size, r)
			}
			if _, r := e.run(t, comment); r.Inserted != (size < 4096) {
				t.Errorf("a comment of %d bytes: %+v", size, r)
			}
		}
	}
}

// Pieces of one byte do not make it slow: the work for a comment of 64 KiB that
// comes so is bounded.
func TestWorkIsBounded(t *testing.T) {
	s := NewSplicer(io.Discard, Edit{Sheet: sheet(t, "p{}"), Charset: "utf-8"})
	s.Write([]byte("<!--"))
	for !s.Done() {
		s.Write([]byte{'>'})
	}
	if s.work > 20*DefaultMax {
		t.Errorf("%d bytes were looked at", s.work)
	}
}

// Bytes that come before the place do not wait for it.
func TestPassesEarly(t *testing.T) {
	var out bytes.Buffer
	s := NewSplicer(&out, Edit{Sheet: sheet(t, "p{}"), Charset: "utf-8"})
	for _, step := range []struct{ in, out string }{
		{"<!doctype html>\n", "<!doctype html>"}, {"<!-- a", "<!doctype html>\n"}, {" --><html>", "<!doctype html>\n<!-- a --><html>"},
		{"<head>", "<!doctype html>\n<!-- a --><html><head><style>p{}</style>"}, {"<", "<!doctype html>\n<!-- a --><html><head><style>p{}</style><"},
	} {
		s.Write([]byte(step.in))
		if out.String() != step.out {
			t.Errorf("after %q: %q", step.in, out.String())
		}
	}
	if !s.Done() || !s.Result().Inserted || s.Result().At != 38 {
		t.Errorf("%+v", s.Result())
	}
}

func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	e := Edit{Sheet: sheet(t, "p{}"), Charset: "utf-8"}
	// What was read is written, and nothing is put in at a cut.
	var out strings.Builder
	r, err := HTML(&out, io.MultiReader(strings.NewReader("<html> "), iotest.ErrReader(broken)), e)
	if !errors.Is(err, broken) || out.String() != "<html> " || r.Reason != CutOff {
		t.Errorf("%v %q %+v", err, out.String(), r)
	}
	for n := range 40 {
		w := &failing{left: n}
		_, err := HTML(w, strings.NewReader("<html> <head><body>some text</body>"), e)
		if !errors.Is(err, errFull) || len(w.got) > n {
			t.Errorf("%d: %v %q", n, err, w.got)
		}
	}
	got, r := Edit{}.run(t, "<head>")
	if got != "<head>" || r.Inserted {
		t.Errorf("without a sheet: %q", got)
	}
}

var errFull = errors.New("full")

type failing struct {
	left int
	got  []byte
}

func (w *failing) Write(p []byte) (int, error) {
	n := min(w.left, len(p))
	w.got = append(w.got, p[:n]...)
	if w.left -= n; n < len(p) {
		return n, errFull
	}
	return n, nil
}

func BenchmarkHTML(b *testing.B) {
	doc := []byte("<!doctype html><html lang=en><head><meta charset=utf-8><title>x</title></head><body>" + strings.Repeat("<p class=a>some text and <a href=/x>a link</a></p>\n", 2000))
	e := Edit{Sheet: sheet(b, strings.Repeat(".advert{display:none}\n", 500)), Charset: "utf-8"}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := HTML(io.Discard, bytes.NewReader(doc), e); err != nil {
			b.Fatal(err)
		}
	}
}
