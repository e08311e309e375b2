package accesslog

import (
	"encoding/json"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/internal/alloctest"
	"freshet/internal/record"
	"freshet/internal/rule"
)

func TestMain(m *testing.M) {
	time.Local = time.FixedZone("", -7*3600)
	os.Exit(m.Run())
}

// sample is the request that the documentation of Apache has as its example.
func sample() *record.Record {
	at := time.Date(2000, 10, 10, 13, 55, 36, 123456789, time.Local)
	return &record.Record{
		ID: 38, Start: at.UnixNano(), Duration: 1234567, Waited: 1000999,
		Remote: netip.MustParseAddrPort("127.0.0.1:4711"), User: "frank",
		Method: "GET", Target: "/apache_pb.gif", Proto: "HTTP/1.0", Host: "a.example",
		Referer: "http://www.example.com/start.html", Agent: "Mozilla/4.08 [en]",
		Status: 200, Bytes: 2326, Rule: rule.StaticFile, Verdict: record.File,
	}
}

func TestAppend(t *testing.T) {
	const common = `127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326`
	const rest = ` "http://www.example.com/start.html" "Mozilla/4.08 [en]"`
	const end = ` 0000000000016 file`
	tests := []struct {
		name   string
		format Format
		change func(*record.Record)
		want   string
	}{
		{"common", Common, func(*record.Record) {}, common},
		{"combined", Combined, func(*record.Record) {}, common + rest + end},
		{"no name", Combined, func(r *record.Record) { r.ID, r.Verdict = 0, record.Handled }, common + rest + " - handled"},
		{"refused", Combined, func(r *record.Record) { r.ID, r.Verdict = ^record.ID(0), record.Refused }, common + rest + " fzzzzzzzzzzzz refused"},
		{"no user", Common, func(r *record.Record) { r.User = "" }, strings.Replace(common, "frank", "-", 1)},
		{"user with spaces", Common, func(r *record.Record) { r.User = `a b] "` }, strings.Replace(common, "frank", `a\x20b]\x20\x22`, 1)},
		{"unix socket", Common, func(r *record.Record) { r.Remote = netip.AddrPort{} }, strings.Replace(common, "127.0.0.1", "-", 1)},
		{"mapped", Common, func(r *record.Record) { r.Remote = netip.MustParseAddrPort("[::ffff:192.0.2.1]:1") }, strings.Replace(common, "127.0.0.1", "192.0.2.1", 1)},
		{"IPv6", Common, func(r *record.Record) { r.Remote = netip.MustParseAddrPort("[2001:db8::1]:1") }, strings.Replace(common, "127.0.0.1", "2001:db8::1", 1)},
		{"no body", Common, func(r *record.Record) { r.Status, r.Bytes = 304, 0 }, strings.Replace(common, "200 2326", "304 -", 1)},
		{"cut", Common, func(r *record.Record) { r.Status, r.Bytes = 0, 0 }, strings.Replace(common, "200 2326", "- -", 1)},
		{"no request line", Common, func(r *record.Record) { r.Method, r.Target, r.Proto = "", "", "" }, strings.Replace(common, "GET /apache_pb.gif HTTP/1.0", "-", 1)},
		{"HTTP/0.9", Common, func(r *record.Record) { r.Proto = "HTTP/0.9" }, strings.Replace(common, " HTTP/1.0", "", 1)},
		{"nothing to quote", Combined, func(r *record.Record) { r.Referer, r.Agent = "", "" }, common + ` "-" "-"` + end},
		{"forged", Combined, func(r *record.Record) { r.Agent = "x\"\r\n\t\\\x00\x7f\x80é" }, common + ` "http://www.example.com/start.html" "x\x22\x0d\x0a\x09\x5c\x00\x7f\x80\xc3\xa9"` + end},
		{"json", JSON, func(*record.Record) {}, `{"time":"2000-10-10T20:55:36.123Z","id":"0000000000016","remote":"127.0.0.1","user":"frank","method":"GET","target":"/apache_pb.gif","proto":"HTTP/1.0","host":"a.example","status":200,"bytes":2326,"duration_us":1234,"waited_us":1000,"verdict":"file","rule":"static-file","referer":"http://www.example.com/start.html","agent":"Mozilla/4.08 [en]"}`},
		{"json, nothing", JSON, func(r *record.Record) { *r = record.Record{Start: 7e6} }, `{"time":"1970-01-01T00:00:00.007Z","id":"","remote":"","user":"","method":"","target":"","proto":"","host":"","status":0,"bytes":0,"duration_us":0,"waited_us":0,"verdict":"handled","rule":"","referer":"","agent":""}`},
		{"json, odd bytes", JSON, func(r *record.Record) {
			*r = record.Record{Agent: "a\"\\\n\x7f\u0085\xff\xc3é\u2028😀"}
		}, `{"time":"1970-01-01T00:00:00.000Z","id":"","remote":"","user":"","method":"","target":"","proto":"","host":"","status":0,"bytes":0,"duration_us":0,"waited_us":0,"verdict":"handled","rule":"","referer":"","agent":"a\"\\\u000a\u007f\u0085` + "\uFFFD\uFFFDé\u2028😀" + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := sample()
			tt.change(r)
			if got := string(Append([]byte("before "), tt.format, r)); got != "before "+tt.want+"\n" {
				t.Errorf("got  %s\nwant before %s", got, tt.want)
			}
		})
	}
}

// One encoder writes lines of several seconds, in no order.
func TestStampIsOfItsSecond(t *testing.T) {
	var e encoder
	r := sample()
	for _, add := range []time.Duration{0, 500 * time.Millisecond, time.Second, 0, 24 * time.Hour, time.Second} {
		for _, f := range []Format{Common, JSON, Combined} {
			moved := *r
			moved.Start += int64(add)
			if got, want := string(e.line(nil, f, &moved, "")), string(Append(nil, f, &moved)); got != want {
				t.Errorf("after %v: got %s, want %s", add, got, want)
			}
		}
	}
}

func TestNameOfClient(t *testing.T) {
	var e encoder
	if got := string(e.line(nil, Common, sample(), "c.example")); !strings.HasPrefix(got, "c.example - frank ") {
		t.Errorf("common: %s", got)
	}
	if got := string(e.line(nil, JSON, sample(), "c.example")); !strings.Contains(got, `"remote":"127.0.0.1","name":"c.example",`) {
		t.Errorf("json: %s", got)
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range []Format{Common, Combined, JSON} {
		if got, err := ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("ParseFormat(%q) = %v, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("apache"); err == nil {
		t.Error("an unknown format was accepted")
	}
}

func TestAppendAllocs(t *testing.T) {
	r := sample()
	dst := make([]byte, 0, 1024)
	for _, f := range []Format{Common, Combined, JSON} {
		if n := alloctest.PerRun(100, func() { dst = Append(dst[:0], f, r) }); n != 0 {
			t.Errorf("%v: %v allocations", f, n)
		}
	}
}

var combinedLine = regexp.MustCompile(`^\S+ - \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "[^"\\]*(?:\\x[^"\\]*)*" (?:\d+|-) (?:\d+|-) "[^"\\]*(?:\\x[^"\\]*)*" "[^"\\]*(?:\\x[^"\\]*)*" (?:[0-9a-z]{13}|-) [a-z]+$`)

// Whatever a request holds, a line is one line of its format.
func FuzzAppend(f *testing.F) {
	f.Add("frank", "GET", "/", "HTTP/1.1", "a.example", "", "curl/8")
	f.Fuzz(func(t *testing.T, user, method, target, proto, host, referer, agent string) {
		r := &record.Record{User: user, Method: method, Target: target, Proto: proto, Host: host, Referer: referer, Agent: agent, Status: 200}
		line, ok := strings.CutSuffix(string(Append(nil, Combined, r)), "\n")
		if !ok || !combinedLine.MatchString(line) {
			t.Errorf("not a combined line: %q", line)
		}
		for i := range len(line) {
			if line[i] < ' ' || line[i] >= 0x7f {
				t.Errorf("byte %#x in %q", line[i], line)
			}
		}
		object := Append(nil, JSON, r)
		if !utf8.Valid(object) || strings.Count(string(object), "\n") != 1 {
			t.Errorf("not one line of UTF-8: %q", object)
		}
		var back struct{ User, Method, Target, Proto, Host, Referer, Agent string }
		if err := json.Unmarshal(object, &back); err != nil {
			t.Fatalf("%v: %s", err, object)
		}
		for _, p := range [][2]string{{back.User, user}, {back.Method, method}, {back.Target, target}, {back.Proto, proto}, {back.Host, host}, {back.Referer, referer}, {back.Agent, agent}} {
			if want := string([]rune(p[1])); p[0] != want {
				t.Errorf("%q came back as %q", p[1], p[0])
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r := sample()
	dst := make([]byte, 0, 1024)
	for _, f := range []Format{Common, Combined, JSON} {
		b.Run(f.String(), func(b *testing.B) {
			var e encoder
			for b.Loop() {
				dst = e.line(dst[:0], f, r, "")
			}
		})
	}
}
