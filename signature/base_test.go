package signature

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/internal/field"
)

// value returns the value of a component, or why it has none.
func value(m *Message, text string) string {
	v, err := parseComponent(text)
	if err != nil {
		return "! " + err.Error()
	}
	var e entry
	e.takeList(&field.Structured{Kind: field.Inner, List: []field.Structured{v}})
	base, _, wrong := m.appendBase(nil, &e, new(reading))
	if wrong != "" {
		return "! " + wrong
	}
	line, _, _ := strings.Cut(string(base), "\n")
	name, _ := ParseComponent(text)
	return strings.TrimPrefix(line, name+": ")
}

// TestComponents: the examples of RFC 9421 §2, and their edges.
func TestComponents(t *testing.T) {
	fields := http.Header{
		"Date": {"Tue, 20 Apr 2021 02:07:56 GMT"}, "X-Ows-Header": {"  Leading and trailing whitespace.  "},
		"X-Obs-Fold-Header": {"Obsolete\r\n    line folding."}, "Cache-Control": {"max-age=60", "   must-revalidate"},
		"Example-Dict": {" a=1,    b=2;x=1;y=2,   c=(a   b    c), d"}, "X-Empty-Header": {" "},
		"Example-Header": {"value, with, lots", "of, commas"}, "Priority": {"u=1 ,i", "u=3"}, "Cache-Status": {" a; hit ,  b;fwd=miss"},
		"Available-Dictionary": {":AA:"}, "Deprecation": {"@1, @2"}, "Content-Digest": {"broken,"}, "X-Bytes": {"caf\xe9"},
	}
	request := &Message{Method: "POST", Scheme: "HTTPS", Authority: "WWW.Example.com:443", Target: "/path?param=value&foo=bar&baz=batman&qux=", Header: fields,
		Structured: func(name string) FieldType {
			if name == "example-dict" {
				return Dictionary
			}
			return NotStructured
		}}
	answer := &Message{Status: 200, Header: http.Header{"Date": {"now"}}, Trailer: http.Header{"Expires": {"Wed, 9 Nov 2022 07:28:00 GMT"}}, Request: request}
	to := func(method, target string) *Message {
		return &Message{Method: method, Scheme: "http", Authority: "www.example.com", Target: target}
	}
	for _, c := range []struct {
		m          *Message
		name, want string
	}{
		{request, "host", "WWW.Example.com:443"},
		{request, "date", "Tue, 20 Apr 2021 02:07:56 GMT"},
		{request, "x-ows-header", "Leading and trailing whitespace."},
		{request, "x-obs-fold-header", "Obsolete line folding."},
		{request, "cache-control", "max-age=60, must-revalidate"},
		{request, "example-dict", "a=1,    b=2;x=1;y=2,   c=(a   b    c), d"},
		{request, "example-dict;sf", "a=1, b=2;x=1;y=2, c=(a b c), d"},
		{request, "x-empty-header", ""},
		{request, `example-dict;key="a"`, "1"},
		{request, `example-dict;key="d"`, "?1"},
		{request, `example-dict;key="b"`, "2;x=1;y=2"},
		{request, `example-dict;key="c"`, "(a b c)"},
		{request, `example-dict;key="e"`, "! " + notThere},
		{request, "example-header", "value, with, lots, of, commas"},
		{request, "example-header;bs", ":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:"},
		{request, "example-header;sf", "! " + unknownType},
		{request, "priority;sf", "u=3, i"},
		{request, "cache-status;sf", "a;hit, b;fwd=miss"},
		{request, `cache-status;key="a"`, "! " + notOfType},
		{request, "available-dictionary;sf", ":AA==:"},
		{request, "deprecation;sf", "! " + notOfType},
		{request, "content-digest;sf", "! " + notOfType},
		{request, `content-digest;key="a"`, "! " + notOfType},
		{request, "x-bytes", "! its value is not printable ASCII"},
		{request, "x-bytes;bs", ":Y2Fm6Q==:"},
		{request, "date;req", "! " + reqInReq},
		{request, "date;tr", "! " + notThere},
		{request, "@method", "POST"},
		{request, "@target-uri", "https://WWW.Example.com:443/path?param=value&foo=bar&baz=batman&qux="},
		{request, "@authority", "www.example.com"},
		{request, "@scheme", "https"},
		{request, "@request-target", "/path?param=value&foo=bar&baz=batman&qux="},
		{request, "@path", "/path"},
		{request, "@query", "?param=value&foo=bar&baz=batman&qux="},
		{request, `@query-param;name="baz"`, "batman"},
		{request, `@query-param;name="qux"`, ""},
		{request, `@query-param;name="param"`, "value"},
		{request, `@query-param;name="none"`, "! " + notThere},
		{request, "@query-param", "! signature: component @query-param: name is for @query-param, which needs it"},
		{request, `@path;name="x"`, `! signature: component @path;name="x": name is for @query-param, which needs it`},
		{request, "@status", "! " + ofAnswers},
		{request, "@path;sf", "! signature: component @path;sf: sf, key, bs and tr are for fields"},
		{request, "Date", "! signature: component Date: it is not the name of a field in lower case"},
		{request, "a b", "! signature: component a b: it is not the name of a field in lower case"},
		{request, "", "! signature: component : a component is named by a string"},
		{request, `"date" "x"`, `! signature: component "date" "x": it is not a name with parameters`},
		{answer, "@status", "200"},
		{answer, "expires;tr", "Wed, 9 Nov 2022 07:28:00 GMT"},
		{answer, "expires", "! " + notThere},
		{answer, "@method", "! " + ofRequests},
		{answer, "@method;req", "POST"},
		{answer, "@status;req", "! " + ofAnswers},
		{answer, "date;req", "Tue, 20 Apr 2021 02:07:56 GMT"},
		{answer, "date", "now"},
		{answer, `example-dict;req;key="a"`, "1"},
		{&Message{Status: 200}, "@method;req", "! " + noRequest},
		{&Message{Status: 7}, "@status", "! " + ofAnswers},
		{to("GET", "/path?queryString"), "@query", "?queryString"},
		{to("POST", "/path"), "@query", "?"},
		{to("POST", "/path?"), "@query", "?"},
		{to("GET", "https://Other.example:80/path?param=value"), "@request-target", "https://Other.example:80/path?param=value"},
		{to("GET", "https://Other.example:80/path?param=value"), "@authority", "other.example:80"},
		{to("GET", "https://Other.example"), "@path", "/"},
		{to("GET", "https://Other.example?x"), "@target-uri", "https://Other.example/?x"},
		{to("CONNECT", "www.example.com:80"), "@request-target", "www.example.com:80"},
		{to("CONNECT", "www.example.com:80"), "@path", "! " + notDerived},
		{to("CONNECT", "www.example.com:8443"), "@authority", "www.example.com:8443"},
		{to("OPTIONS", "*"), "@request-target", "*"},
		{to("OPTIONS", "*"), "@path", "! " + notDerived},
		{to("OPTIONS", "*"), "@target-uri", "! " + notDerived},
		{to("GET", "nonsense"), "@query", "! " + notDerived},
		{&Message{Method: "GET", Scheme: "https", Target: "/"}, "@authority", "! " + notDerived},
		{&Message{Method: "GET", Authority: "[::1]", Target: "/"}, "@authority", "[::1]"},
		{&Message{Method: "GET", Scheme: "http", Authority: "[::1]:80", Target: "/"}, "@authority", "[::1]"},
		{to("GET", "/a%20b/?x"), "@path", "/a%20b/"},
	} {
		if got := value(c.m, c.name); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestQueryParams(t *testing.T) {
	const query = "?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something" +
		"&&=empty&flag&bad=%zz%4&twice=1&twice=1&t%77ice2=1&twice2=2&latin=%e9&*-._=~"
	for name, want := range map[string]string{
		"var":                  "this%20is%20a%20big%0Amultiline%20value",
		"bar":                  "with%20plus%20whitespace",
		"fa%C3%A7ade%22%3A%20": "something",
		"façade":               "! " + notThere,
		"":                     "empty",
		"flag":                 "",
		"bad":                  "%25zz%254",
		"twice":                "! the query has it twice",
		"twice2":               "! the query has it twice",
		"latin":                "! its value is not UTF-8",
		"*-._":                 "%7E",
		"VAR":                  "! " + notThere,
	} {
		b, wrong := appendQueryParam(nil, query, name)
		got := string(b)
		if wrong != "" {
			got = "! " + wrong
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestParseAccept(t *testing.T) {
	asked, err := ParseAccept([]string{`sig1=("@method" "@target-uri" "content-digest";req);keyid="test-key-rsa-pss";created;tag="app-123"`, `b=();expires;alg="ed25519";nonce="n"`})
	if err != nil || len(asked) != 2 {
		t.Fatal(asked, err)
	}
	a, b := asked[0], asked[1]
	if a.Label != "sig1" || strings.Join(a.Components, " ") != `"@method" "@target-uri" "content-digest";req` || a.KeyID != "test-key-rsa-pss" || !a.Created || a.Expires || a.Tag != "app-123" {
		t.Errorf("%+v", a)
	}
	if b.Label != "b" || len(b.Components) > 0 || b.Algorithm != Ed25519 || b.Created || !b.Expires || b.Nonce != "n" {
		t.Errorf("%+v", b)
	}
	for want, asked := range map[string]Asked{
		`sig1=("@method" "@query-param";name="id");created;alg="ed25519";keyid="k";tag="t"`: {Label: "sig1", Components: []string{"@method", `@query-param;name="id"`}, Created: true, KeyID: "k", Algorithm: Ed25519, Tag: "t"},
		`b=();created;expires;nonce="n"`: {Label: "b", Created: true, Expires: true, Nonce: "n"},
	} {
		if got, err := asked.Append(nil); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	for _, bad := range []Asked{{Label: ""}, {Label: "A"}, {Label: "a", Tag: "\n"}, {Label: "a", Components: []string{"Date"}}} {
		if got, err := bad.Append(nil); err == nil {
			t.Errorf("%+v: %s", bad, got)
		}
	}
	for _, in := range []string{
		`sig1=1`, `sig1`, `sig1=("Date")`, `sig1=(date)`, `sig1=("date";x)`, `sig1=();alg="none"`, `sig1=();created=5`, `sig1=();x`,
		`sig1=("a"`, `a=(), a=()`, `sig1=(` + strings.Repeat(`"x" `, MaxComponents+1) + `)`, strings.TrimSuffix(strings.Repeat("a=(), ", 9), ", "),
	} {
		if asked, err := ParseAccept([]string{in}); err == nil {
			t.Errorf("%.40s: %v", in, asked)
		}
	}
	if asked, err := ParseAccept(nil); err != nil || len(asked) > 0 {
		t.Error(asked, err)
	}
}

func TestSignRefuses(t *testing.T) {
	k := testKeys(t)["test-shared-secret.private"]
	for want, p := range map[string]Params{
		"is no label":           {Label: "Sig"},
		"printable ASCII":       {Nonce: "a\nb"},
		"more than 64":          {Components: make([]string, 65)},
		"lower case":            {Components: []string{"Date"}},
		"does not have it":      {Components: []string{"date"}},
		"it is covered twice":   {Components: []string{"@method", `"@method"`}},
		"of the label sig1":     {Label: "sig1"},
		"it is of an answer":    {Label: "x", Components: []string{"@status"}},
		"covered by every":      {Components: []string{"@signature-params"}},
		"it is not known":       {Label: "x", Components: []string{"@speed"}},
		"not a name with param": {Components: []string{`"a`}},
	} {
		m := &Message{Method: "GET", Header: http.Header{}}
		if strings.Contains(want, "label sig1") {
			m.Header = http.Header{"Signature": {"sig1=:AA==:"}}
		}
		if _, err := Sign(m, k, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestDates: signatures without created, and the limits of a policy.
func TestDates(t *testing.T) {
	k := testKeys(t)["test-shared-secret.private"]
	now := time.Unix(1700000000, 0)
	for _, c := range []struct {
		name             string
		created, expires time.Time
		policy           Policy
		want             Outcome
		until            time.Time
	}{
		{"no time", time.Time{}, time.Time{}, Policy{}, NoParameter, time.Time{}},
		{"no time, and none is needed", time.Time{}, time.Time{}, Policy{Undated: true, MaxAge: -1}, Verified, time.Time{}},
		{"no time, and an age is", time.Time{}, time.Time{}, Policy{Undated: true}, NoParameter, time.Time{}},
		{"only expires", time.Time{}, now, Policy{}, NoParameter, time.Time{}},
		{"only expires, and that is enough", time.Time{}, now, Policy{Undated: true}, Verified, now.Add(DefaultSkew)},
		{"expires at the second", now, now, Policy{Skew: -1}, Verified, now},
		{"expired a second ago", now, now.Add(-time.Second), Policy{Skew: -1}, Expired, time.Time{}},
		{"made in a second", now.Add(time.Second), time.Time{}, Policy{Skew: -1}, NotYet, time.Time{}},
		{"made an hour ago", now.Add(-time.Hour), time.Time{}, Policy{MaxAge: time.Hour, Skew: -1}, Verified, now},
		{"made an hour and a second ago", now.Add(-time.Hour - time.Second), time.Time{}, Policy{MaxAge: time.Hour, Skew: -1}, Expired, time.Time{}},
		{"made long ago, for ever", time.Unix(0, 0), time.Time{}, Policy{MaxAge: -1}, Verified, time.Time{}},
		{"made long ago, until soon", time.Unix(0, 0), now.Add(time.Hour), Policy{MaxAge: -1, Skew: -1}, Verified, now.Add(time.Hour)},
		{"expires before its age", now, now.Add(time.Second), Policy{Skew: time.Second}, Verified, now.Add(2 * time.Second)},
	} {
		m := &Message{Method: "GET", Scheme: "http", Authority: "a", Target: "/", Header: http.Header{}}
		signed, err := Sign(m, k, Params{Components: []string{"@method", "@target-uri"}, Created: c.created, Expires: c.expires})
		if err != nil {
			t.Fatal(err)
		}
		v := Verify(withFields(m, signed), KeySet(k), &c.policy, now)
		if v.Outcome != c.want || !v.Until.Equal(c.until) {
			t.Errorf("%s: %v until %v, want %v until %v", c.name, v.Outcome, v.Until, c.want, c.until)
		}
		if v.Outcome == Verified && (!v.Created.Equal(c.created) || !v.Expires.Equal(c.expires)) {
			t.Errorf("%s: %v, %v", c.name, v.Created, v.Expires)
		}
	}
}

// TestDefaultTarget: what names the resource can be covered in several ways.
func TestDefaultTarget(t *testing.T) {
	k := testKeys(t)["test-shared-secret.private"]
	now := time.Unix(1700000000, 0)
	for list, want := range map[string]string{
		"@method @target-uri":                "",
		"@method @authority @path @query":    "",
		"@method @authority @request-target": "",
		"@method @authority @path":           "@query",
		"@method @authority @query":          "@path",
		"@method @path @query":               "@authority",
		"@method host @path @query":          "@authority",
		"@target-uri":                        "@method",
		"":                                   "@method",
	} {
		m := &Message{Method: "GET", Scheme: "http", Authority: "a", Target: "/", Header: http.Header{}}
		signed, err := Sign(m, k, Params{Components: strings.Fields(list), Created: now})
		if err != nil {
			t.Fatal(err)
		}
		v := Verify(withFields(m, signed), KeySet(k), &Policy{}, now)
		if v.Detail != want || (v.Outcome == Verified) != (want == "") {
			t.Errorf("%s: %v %s, want %s", list, v.Outcome, v.Detail, want)
		}
	}
	m := &Message{Status: 200, Header: http.Header{}}
	signed, err := Sign(m, k, Params{Created: now})
	if err != nil {
		t.Fatal(err)
	}
	if v := Verify(withFields(m, signed), KeySet(k), &Policy{}, now); v.Outcome != ComponentUncovered || v.Detail != "@status" {
		t.Errorf("an answer: %v", v.Err())
	}
}

// TestCoversDigestBy: a member of Content-Digest that is not covered may be
// anybody's.
func TestCoversDigestBy(t *testing.T) {
	key, err := NewKey("k", HMAC, []byte(strings.Repeat("s", MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1700000000, 0)
	for component, want := range map[string]string{
		"content-digest":                 "true true",
		`"content-digest";sf`:            "true true",
		`"content-digest";bs`:            "true true",
		`"content-digest";key="sha-256"`: "true false",
		`"content-digest";key="sha-512"`: "false true",
		`"content-digest";tr`:            "false false",
		"@method":                        "false false",
	} {
		header := http.Header{"Content-Digest": {"sha-256=:AAAA:, sha-512=:AAAA:"}}
		m := &Message{Method: "GET", Scheme: "https", Authority: "h", Target: "/", Header: header, Trailer: header}
		signed, err := Sign(m, key, Params{Components: []string{component}, Created: now})
		if err != nil {
			t.Fatal(err)
		}
		v := Verify(withFields(m, signed), KeySet(key), &Policy{Required: []string{}}, now)
		if got := fmt.Sprint(v.CoversDigestBy("sha-256"), v.CoversDigestBy("sha-512")); v.Outcome != Verified || got != want {
			t.Errorf("%s: %s, want %s; %v", component, got, want, v.Err())
		}
		v.Outcome = BadSignature
		if v.CoversDigestBy("sha-256") {
			t.Errorf("%s: what is not right covers something", component)
		}
	}
}
