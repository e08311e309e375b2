package monitor

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"freshet/cache"
)

// million are as many stored keys as a large cache has.
var million = sync.OnceValue(func() []cache.ObjectInfo {
	rows := make([]cache.ObjectInfo, 1_000_000)
	now := time.Now()
	for i := range rows {
		key := "http://www.example.org/news/" + strconv.Itoa(i*7919%len(rows)) + ".html"
		rows[i] = cache.ObjectInfo{Key: key, URL: key, Variants: i % 3, Size: int64(i*104729) % 1e6, Hits: uint64(i % 1000), Status: 200, Type: "text/html", Stored: now, Age: time.Duration(i), TTL: time.Hour}
	}
	return rows
})

func listMillion(yield func(cache.ObjectInfo) bool) {
	for _, o := range million() {
		if !yield(o) {
			return
		}
	}
}

// ask returns the answer of a handler.
func ask(t testing.TB, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", target, nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	return w
}

// count has the looks at cells counted.
func (t *table) count(looks *int) {
	for i := range t.columns {
		c := &t.columns[i]
		if text := c.text; text != nil {
			c.text = func(row int) string { *looks++; return text(row) }
		}
		if num := c.num; num != nil {
			c.num = func(row int) float64 { *looks++; return num(row) }
		}
	}
}

// A window costs some passes over the keys of its rows, however deep it is: the
// cells of all rows are looked at for the sort keys, those of its own to be
// shown, and nothing is sorted that is not in it. Work is counted, for a clock
// tells of the machine, too.
func TestMillionRows(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a million rows take a moment")
	}
	rows := million()
	for _, by := range []string{"size", "url", "hits"} {
		for _, offset := range []int{0, len(rows) / 2} {
			tb, looks := objectTable(rows), 0
			tb.count(&looks)
			tb.html(&query{page: "/cache"}, &window{offset: offset, limit: 100, by: by, desc: true})
			// Texts are looked at twice: for what all begin with, and for the keys.
			if looks > 3*len(rows) {
				t.Errorf("by %s from %d: cells are looked at %d times", by, offset, looks)
			}
		}
	}
	kept := 0
	tb := objectTable(rows)
	tb.keep = func(row int) bool { kept++; return row%1000 == 0 }
	if _, total := tb.rowsOf(&window{limit: 100, by: "size"}); total != len(rows)/1000 || kept != len(rows) {
		t.Errorf("%d of %d rows kept, the filter was asked %d times", total, len(rows), kept)
	}
}

// Of texts whose keys are equal, each comparison looks at two cells. Sorting all
// would take 17 comparisons for each row.
func TestComparisonsOfAWindow(t *testing.T) {
	const rows = 200_000
	tb := &table{rows: rows, columns: []column{{key: "name", text: func(row int) string {
		if row == 0 {
			return "a" // so that nothing is common to all
		}
		return "the same beginning " + strconv.Itoa(row*7919%rows)
	}}}}
	looks := 0
	tb.count(&looks)
	for _, offset := range []int{0, 1000, rows / 2, rows - 100} {
		looks = 0
		if got, _ := tb.rowsOf(&window{offset: offset, limit: 100, by: "name"}); len(got) != 100 {
			t.Fatalf("%d rows", len(got))
		}
		if comparisons := (looks - 2*rows) / 2; comparisons > 6*rows {
			t.Errorf("from %d: %.1f comparisons for each row", offset, float64(comparisons)/rows)
		}
	}
}

// Who comes first does not wait until all is listed.
func TestFirstLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{})
		defer m.Close()
		answered := make(chan struct{})
		m.objects = func(yield func(cache.ObjectInfo) bool) {
			for i := range 10_000 {
				yield(cache.ObjectInfo{Key: strconv.Itoa(i)})
			}
			<-answered
		}
		begun := time.Now()
		w := ask(t, m.Handler(), "/cache")
		if took := time.Since(begun); took > 2*stockFirst || !strings.Contains(w.Body.String(), "The list is being made") {
			t.Errorf("after %v: %s", took, w.Body)
		}
		close(answered)
	})
}

// BenchmarkMillionRows is about what people wait for.
func BenchmarkMillionRows(b *testing.B) {
	m := New(Options{})
	defer m.Close()
	m.objects = listMillion
	for !m.stored().whole {
		time.Sleep(time.Millisecond)
	}
	for _, c := range []struct{ name, target string }{
		{"top by size", "/cache?sort=size"}, {"deep by size", "/cache?offset=500000&sort=size"},
		{"top by url", "/cache?sort=url"}, {"deep by url", "/cache?offset=500000&sort=url"},
		{"export", "/cache.json?offset=700000&limit=1000&sort=size"}, {"filter", "/cache?q=99999"},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				ask(b, m.Handler(), c.target)
			}
		})
	}
}

// What is in a window is right, however deep.
func TestMillionRowsAreSorted(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a million rows take a moment")
	}
	m := New(Options{})
	defer m.Close()
	m.objects = listMillion
	for !m.stored().whole {
		time.Sleep(time.Millisecond)
	}
	last := ""
	for offset := 123000; offset < 123300; offset += 100 {
		w := ask(t, m.Handler(), fmt.Sprintf("/cache.json?sort=url&order=asc&limit=100&offset=%d", offset))
		var got struct {
			Total int
			Rows  []struct{ URL string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Total != 1_000_000 || len(got.Rows) != 100 {
			t.Fatalf("%v: %d rows of %d", err, len(got.Rows), got.Total)
		}
		for _, r := range got.Rows {
			if r.URL <= last {
				t.Fatalf("%s comes after %s", r.URL, last)
			}
			last = r.URL
		}
	}
}
