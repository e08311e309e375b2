package journal

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
)

func TestSlotSize(t *testing.T) {
	if n := reflect.TypeFor[slot]().Size(); n != slotBytes {
		t.Errorf("a slot has %d bytes, want %d", n, slotBytes)
	}
	if n := reflect.TypeFor[detailSlot]().Size(); n != 24 {
		t.Errorf("a slot of the second ring has %d bytes; the package comment says 24", n)
	}
}

// full returns a record with every field that is kept.
func full() record.Record {
	return record.Record{
		ID: 12345 << 20, Start: 1800000000e9, Duration: 1234567, Waited: 1000000,
		Remote: netip.MustParseAddrPort("192.0.2.1:4711"),
		Method: "GET", Target: "/a?b=c", Proto: "HTTP/1.1", Host: "a.example", Agent: "curl/8",
		Status: 200, Bytes: 2326, Rule: rule.StaticFile, Verdict: record.File, Place: 7, Hot: true,
	}
}

func TestEntryIsTheRecord(t *testing.T) {
	tests := []struct {
		name   string
		change func(*record.Record)
	}{
		{"full", func(*record.Record) {}},
		{"nothing", func(r *record.Record) { *r = record.Record{} }},
		{"IPv6", func(r *record.Record) { r.Remote = netip.MustParseAddrPort("[2001:db8::1]:80") }},
		{"mapped", func(r *record.Record) { r.Remote = netip.MustParseAddrPort("[::ffff:192.0.2.1]:80") }},
		{"unix socket", func(r *record.Record) { r.Remote = netip.AddrPort{} }},
		{"cold", func(r *record.Record) { r.Hot, r.Verdict, r.Detail = false, record.Miss, &record.Detail{Key: "k"} }},
		{"own method", func(r *record.Record) { r.Method, r.Proto = "FROBNICATE", "HTTP/1.7" }},
		{"cut", func(r *record.Record) { r.Status, r.Method, r.Target, r.Proto = 0, "", "", "" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := New(Options{})
			r := full()
			tt.change(&r)
			j.Record(&r)
			e, ok := j.Find(r.ID)
			if !ok || e.Seq != 1 || e.Truncated || !reflect.DeepEqual(e.Record, r) {
				t.Errorf("got  %+v, %v\nwant %+v", e, ok, r)
			}
			want := TargetHash(r.Host, r.Target)
			if r.Detail != nil {
				want = KeyHash(r.Detail.Key)
			}
			if e.Key != want {
				t.Errorf("key %x, want %x", e.Key, want)
			}
		})
	}
}

func TestLongTexts(t *testing.T) {
	long := strings.Repeat("x", 300)
	tests := []struct {
		name                      string
		method, host, target, ua  string
		wantHost, wantTarget, wUA int // lengths
	}{
		{"agent", "GET", "a.example", "/", long, 9, 1, textBytes - 10},
		{"target", "GET", "a.example", long, "curl/8", 9, textBytes - 9, 0},
		{"host", "GET", long, "/", "curl/8", maxHost, 1, 6},
		{"all", "GET", long, long, long, maxHost, textBytes - maxHost, 0},
		{"method", long, long, long, long, maxHost, textBytes - maxHost - maxWord, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := New(Options{})
			j.Record(&record.Record{Method: tt.method, Host: tt.host, Target: tt.target, Agent: tt.ua, Proto: "HTTP/1.1"})
			e := j.Latest(1, nil)[0]
			if len(e.Host) != tt.wantHost || len(e.Target) != tt.wantTarget || len(e.Agent) != tt.wUA || !e.Truncated {
				t.Errorf("lengths %d, %d, %d; truncated %v", len(e.Host), len(e.Target), len(e.Agent), e.Truncated)
			}
			if !strings.HasPrefix(tt.host, e.Host) || !strings.HasPrefix(tt.target, e.Target) || !strings.HasPrefix(tt.ua, e.Agent) || !strings.HasPrefix(tt.method, e.Method) {
				t.Errorf("mixed up: %+v", e)
			}
			if e.Key != TargetHash(tt.host, tt.target) {
				t.Error("the key is a hash of what was left")
			}
		})
	}
}

// numbered returns a record whose texts and numbers all say i.
func numbered(i int) *record.Record {
	return &record.Record{
		ID: record.ID(i), Start: int64(i), Duration: int64(i), Bytes: int64(i), Status: 200, Method: "GET",
		Host: fmt.Sprint("h", i), Target: fmt.Sprint("/", i), Agent: fmt.Sprint("a", i),
	}
}

func seqs(entries []Entry) (s []uint64) {
	for _, e := range entries {
		s = append(s, e.Seq)
	}
	return s
}

func TestSince(t *testing.T) {
	j := New(Options{Records: 16})
	expect := func(seq uint64, from, to, wantNext, wantLost uint64) {
		t.Helper()
		got, next, lost := j.Since(seq, nil)
		var want []uint64
		for n := from; n < to; n++ {
			want = append(want, n)
		}
		if !reflect.DeepEqual(seqs(got), want) || next != wantNext || lost != wantLost {
			t.Errorf("Since(%d): %v, next %d, lost %d; want %v, %d, %d", seq, seqs(got), next, lost, want, wantNext, wantLost)
		}
		for _, e := range got {
			if e.Target != fmt.Sprint("/", e.Seq) || e.ID != record.ID(e.Seq) {
				t.Errorf("entry %d is %+v", e.Seq, e)
			}
		}
	}
	expect(0, 1, 1, 1, 0)
	for i := 1; i <= 10; i++ {
		j.Record(numbered(i))
	}
	expect(0, 1, 11, 11, 0)
	expect(1, 1, 11, 11, 0)
	expect(8, 8, 11, 11, 0)
	expect(11, 11, 11, 11, 0)
	expect(99, 11, 11, 99, 0) // a number from the future stays one
	for i := 11; i <= 40; i++ {
		j.Record(numbered(i))
	}
	expect(11, 25, 41, 41, 14)
	expect(0, 25, 41, 41, 0)
	if n := j.Next(); n != 41 {
		t.Errorf("next is %d", n)
	}
}

func TestLatest(t *testing.T) {
	j := New(Options{Records: 16})
	if got := j.Latest(5, nil); got != nil {
		t.Errorf("of none: %v", got)
	}
	for i := 1; i <= 40; i++ {
		j.Record(numbered(i))
	}
	if got := seqs(j.Latest(3, nil)); !reflect.DeepEqual(got, []uint64{40, 39, 38}) {
		t.Errorf("latest: %v", got)
	}
	even := func(e *Entry) bool { return e.Bytes%2 == 0 }
	if got := seqs(j.Latest(100, even)); !reflect.DeepEqual(got, []uint64{40, 38, 36, 34, 32, 30, 28, 26}) {
		t.Errorf("latest even: %v", got)
	}
	if used, size := j.Len(); used != 16 || size != 16 {
		t.Errorf("%d of %d used", used, size)
	}
	if _, ok := j.Find(24); ok {
		t.Error("an overwritten record was found")
	}
	if e, ok := j.Find(25); !ok || e.Host != "h25" {
		t.Errorf("the oldest: %+v, %v", e, ok)
	}
}

func TestSizes(t *testing.T) {
	for _, tt := range [][2]int{{0, 16384}, {-1, 16384}, {1, 16}, {16, 16}, {17, 32}, {5000, 8192}, {1 << 30, 1 << 24}} {
		if got := places(tt[0], defaultRecords); got != tt[1] {
			t.Errorf("%d records: %d places, want %d", tt[0], got, tt[1])
		}
	}
}

func TestDetailsGiveWay(t *testing.T) {
	j := New(Options{Records: 64, Details: 16})
	for i := 1; i <= 40; i++ {
		r := numbered(i)
		r.Detail = &record.Detail{Key: fmt.Sprint(i)}
		j.Record(r)
	}
	for i := 1; i <= 40; i++ {
		e, ok := j.Find(record.ID(i))
		if !ok || (e.Detail != nil) != (i > 24) || e.Detail != nil && e.Detail.Key != fmt.Sprint(i) {
			t.Errorf("entry %d: %v, detail %+v", i, ok, e.Detail)
		}
	}
}

func TestDetailsAreClipped(t *testing.T) {
	j := New(Options{})
	r := numbered(1)
	long := strings.Repeat("x", maxDetailText)
	r.Detail = &record.Detail{Key: long, Forward: "uri-miss", Evidence: "short", Error: long, Tries: 3}
	j.Record(r)
	e, _ := j.Find(1)
	d := e.Detail
	if !e.Truncated || d == nil || d == r.Detail || d.Forward != "uri-miss" || d.Evidence != "short" || d.Tries != 3 {
		t.Fatalf("got %+v", e)
	}
	if n := len(d.Key) + len(d.Forward) + len(d.Evidence) + len(d.Origin) + len(d.Error); n > maxDetailText || len(d.Key) < 400 {
		t.Errorf("%d bytes of text, %d of the key", n, len(d.Key))
	}
	if len(r.Detail.Key) != maxDetailText {
		t.Error("the caller's detail was changed")
	}
	if e.Key != KeyHash(long) {
		t.Error("the key is a hash of what was left")
	}
}
