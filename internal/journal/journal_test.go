package journal

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
)

func TestSlotSize(t *testing.T) {
	if n := reflect.TypeFor[slot]().Size(); n != slotBytes {
		t.Errorf("a slot has %d bytes, want %d", n, slotBytes)
	}
	if n := reflect.TypeFor[lane]().Size(); n != 128 {
		t.Errorf("a lane has %d bytes, want two cache lines", n)
	}
}

// full returns a record with every field that is kept.
func full() record.Record {
	return record.Record{
		ID: 12345 << 20, Start: 1800000000e9, Duration: 1234567, Waited: 1000000,
		Remote: netip.MustParseAddrPort("192.0.2.1:4711"),
		Method: "GET", Target: "/a?b=c", Proto: "HTTP/1.1", Host: "a.example", Agent: "curl/8",
		Status: 200, Bytes: 2326, Rule: rule.StaticFile, Verdict: record.File, Place: 7, Hot: true, TLS: true,
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
		{"own protocol", func(r *record.Record) { r.Proto = "HTTP/1.7" }},
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
		{"method", long, long, long, long, maxHost, textBytes - maxHost - maxWord - 1, 0},
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

// which returns which records entries are of.
func which(entries []Entry) (ids []int) {
	for _, e := range entries {
		ids = append(ids, int(e.ID))
	}
	return ids
}

// upTo returns the numbers from one to another.
func upTo(from, to int) (list []int) {
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}

func TestSince(t *testing.T) {
	j := New(Options{Records: 16})
	expect := func(seq uint64, from, to int, someLost bool) (next uint64) {
		t.Helper()
		got, next, lost := j.Since(seq, make([]Entry, 1))
		if !slices.Equal(which(got[1:]), upTo(from, to)) || (lost > 0) != someLost {
			t.Errorf("Since(%d): %v, lost %d; want %d to %d, %v", seq, which(got[1:]), lost, from, to, someLost)
		}
		for i, e := range got[1:] {
			if e.Target != fmt.Sprint("/", int(e.ID)) || e.Seq >= next || e.Seq <= got[i].Seq {
				t.Errorf("entry %d is %+v", i, e)
			}
		}
		return next
	}
	record := func(from, to int) {
		for i := from; i <= to; i++ {
			j.Record(numbered(i))
		}
	}
	if next := expect(0, 1, 0, false); next != 1 {
		t.Errorf("of nothing: next is %d", next)
	}
	record(1, 10)
	expect(0, 1, 10, false)
	expect(1, 1, 10, false)
	next := expect(8, 8, 10, false)
	if expect(next, 1, 0, false); j.Next() != next {
		t.Errorf("next is %d, %d", j.Next(), next)
	}
	record(11, 12)
	after := expect(next, 11, 12, false)
	expect(after+100, 1, 0, false)
	record(13, 40)
	expect(after, 25, 40, true)
	expect(next, 25, 40, true)
	expect(0, 25, 40, false)
}

func TestLatest(t *testing.T) {
	j := New(Options{Records: 16})
	if got := j.Latest(5, nil); got != nil {
		t.Errorf("of none: %v", got)
	}
	for i := 1; i <= 40; i++ {
		j.Record(numbered(i))
	}
	if got := which(j.Latest(3, nil)); !slices.Equal(got, []int{40, 39, 38}) {
		t.Errorf("latest: %v", got)
	}
	even := func(e *Entry) bool { return e.Bytes%2 == 0 }
	if got := which(j.Latest(100, even)); !slices.Equal(got, []int{40, 38, 36, 34, 32, 30, 28, 26}) {
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
	if n := len(d.Key) + len(d.Forward) + len(d.Evidence) + len(d.Origin) + len(d.Program) + len(d.Error); n > maxDetailText || len(d.Key) < 400 {
		t.Errorf("%d bytes of text, %d of the key", n, len(d.Key))
	}
	if len(r.Detail.Key) != maxDetailText {
		t.Error("the caller's detail was changed")
	}
	if e.Key != KeyHash(long) {
		t.Error("the key is a hash of what was left")
	}
}

// The words and their numbers belong together.
func TestWords(t *testing.T) {
	for i, word := range words {
		if got := code(word); int(got) != i {
			t.Errorf("%q has the number %d, want %d", word, got, i)
		}
	}
	if code("get") != unknown || code("HTTP/1.2") != unknown {
		t.Error("an unknown word has a number")
	}
}

// Writers and readers at once: what is read is whole, in order, and as long as
// nobody says that something was lost, complete.
func TestConcurrentUse(t *testing.T) {
	j := New(Options{Records: 1 << 15, Details: 1 << 15})
	const writers, each = 4, 4000
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	check := func(e *Entry) {
		i := int(e.ID)
		if e.Duration != int64(i) || e.Bytes != int64(i) || e.Host != fmt.Sprint("h", i) || e.Target != fmt.Sprint("/", i) || e.Agent != fmt.Sprint("a", i) {
			t.Errorf("a mixture: %+v", e)
		}
		if cold := i%3 == 0; (e.Detail != nil) != cold || cold && e.Detail.Tries != i {
			t.Errorf("entry of %d has the detail %+v", i, e.Detail)
		}
	}
	reading.Go(func() { // follows
		seen := map[record.ID]bool{}
		var next, last uint64 = 1, 0
		for closing := false; ; {
			var entries []Entry
			var lost uint64
			entries, next, lost = j.Since(next, nil)
			if lost > 0 {
				t.Errorf("%d lost", lost)
			}
			for i := range entries {
				e := &entries[i]
				if check(e); seen[e.ID] || e.Seq <= last {
					t.Errorf("entry %d after %d, seen %v", e.Seq, last, seen[e.ID])
				}
				seen[e.ID], last = true, e.Seq
			}
			if closing {
				break
			}
			select {
			case <-done:
				closing = true
			default:
			}
		}
		if len(seen) != writers*each {
			t.Errorf("%d of %d records were seen", len(seen), writers*each)
		}
	})
	reading.Go(func() { // looks around
		for {
			j.Latest(50, func(e *Entry) bool { check(e); return true })
			if e, ok := j.Find(7); ok {
				check(&e)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for w := range writers {
		writing.Go(func() {
			for i := w; i < writers*each; i += writers {
				r := numbered(i)
				if i%3 == 0 {
					r.Detail = &record.Detail{Tries: i}
				}
				j.Record(r)
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	if used, _ := j.Len(); used != writers*each {
		t.Errorf("%d records are kept, want %d", used, writers*each)
	}
}

// A lane that is held, by a reader for one, holds up no record.
func TestRecordPassesOverWhatIsHeld(t *testing.T) {
	j := New(Options{})
	if len(j.lanes.all) < 2 {
		t.Skip("there is one processor only")
	}
	for i := range j.lanes.all[1:] {
		j.lanes.all[i].hold()
	}
	for i := range 10 {
		j.Record(numbered(i))
	}
	for i := range j.lanes.all[1:] {
		j.lanes.all[i].release()
	}
	if got := which(j.Latest(99, nil)); len(got) != 10 {
		t.Errorf("recorded: %v", got)
	}
}

// One goroutine has the use of the whole ring.
func TestLanesAreFilledAlike(t *testing.T) {
	j := New(Options{Records: 1024})
	const n = 10_000
	for i := range n {
		j.Record(numbered(i))
	}
	kept := map[record.ID]bool{}
	for _, e := range j.Latest(n, nil) {
		kept[e.ID] = true
	}
	latest := 0
	for kept[record.ID(n-1-latest)] {
		latest++
	}
	if len(kept) != 1024 || latest < 1024*3/4-maxBatch*maxLanes {
		t.Errorf("%d records are kept, and of the latest %d none is missing", len(kept), latest)
	}
}

// Numbers are claimed in batches only while requests come fast, whatever the
// clock does.
func TestOrderInTime(t *testing.T) {
	for _, step := range []time.Duration{20 * time.Millisecond, -20 * time.Millisecond, 5 * time.Millisecond} {
		j := New(Options{Records: 4096})
		for i := range 1000 {
			r := numbered(i)
			r.Start = 1800000000e9 + int64(i)*int64(step)
			j.Record(r)
			for k := range j.lanes.all {
				if l := &j.lanes.all[k]; l.left > 0 {
					t.Fatalf("%v apart: lane %d claimed more than it needed", step, k)
				}
			}
		}
		got := which(j.Latest(1000, nil))
		slices.Reverse(got)
		if !slices.Equal(got, upTo(0, 999)) {
			t.Errorf("%v apart: not in the order in which they came", step)
		}
	}
}

// When requests come fast the counter for all is not touched by each.
func TestNumbersAreClaimedInBatches(t *testing.T) {
	var l lane
	var last atomic.Uint64
	seen := map[uint64]bool{}
	claims, before := 0, uint64(0)
	for range 1000 {
		seen[l.number(&last, 1800000000e9)] = true
		if now := last.Load(); now != before {
			claims, before = claims+1, now
		}
	}
	if len(seen) != 1000 || claims > 1000/maxBatch+6 {
		t.Errorf("%d numbers in %d batches", len(seen), claims)
	}
}
