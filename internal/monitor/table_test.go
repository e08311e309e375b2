package monitor

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// numbered is a table of n rows with a column of each sort.
func numbered(n int, values []float64, names []string) *table {
	return &table{name: "t", rows: n, columns: []column{
		{key: "name", title: "Name", text: func(row int) string { return names[row] }},
		{key: "value", title: "Value", kind: octets, num: func(row int) float64 { return values[row] }},
	}}
}

// Whatever the window, it is what sorting all rows would give.
func TestRowsOfIsSorted(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 31, 33, 100, 1000, 5000} {
		for _, spread := range []int{1, 3, 1 << 20} { // many equal ones, few, none
			values, names := make([]float64, n), make([]string, n)
			for i := range n {
				values[i] = float64(r.IntN(spread) - spread/2)
				if r.IntN(20) == 0 {
					values[i] = math.NaN()
				}
				names[i] = fmt.Sprintf("http://example.org/%d/%d", r.IntN(spread), r.IntN(3))
			}
			tb := numbered(n, values, names)
			for _, by := range []string{"", "name", "value"} {
				for _, desc := range []bool{false, true} {
					all := make([]int, n)
					for i := range all {
						all[i] = i
					}
					slices.SortStableFunc(all, func(a, b int) int { return slowCompare(by, desc, values, names, a, b) })
					for _, offset := range []int{0, 1, n / 3, n / 2, n - 10, n - 1} {
						if offset < 0 {
							continue
						}
						w := &window{offset: offset, limit: 20, by: by, desc: desc}
						rows, total := tb.rowsOf(w)
						want := all[min(w.offset, n):min(w.offset+20, n)]
						if total != n || len(rows) != len(want) || len(rows) > 0 && !reflect.DeepEqual(rows, want) {
							t.Fatalf("n=%d spread=%d by=%q desc=%v offset=%d: %v of %d, want %v", n, spread, by, desc, offset, rows, total, want)
						}
					}
				}
			}
		}
	}
}

func slowCompare(by string, desc bool, values []float64, names []string, a, b int) int {
	d := 0
	switch by {
	case "name":
		d = strings.Compare(names[a], names[b])
	case "value":
		x, y := values[a], values[b]
		switch {
		case math.IsNaN(x) && math.IsNaN(y):
			return 0
		case math.IsNaN(x):
			return 1
		case math.IsNaN(y):
			return -1
		case x < y:
			d = -1
		case x > y:
			d = 1
		}
	}
	if desc {
		return -d
	}
	return d
}

// An order that is bad for the choice of pivots is sorted all the same.
func TestRowsOfBadOrders(t *testing.T) {
	n := 4000
	values, names := make([]float64, n), make([]string, n)
	for kind := range 4 {
		for i := range n {
			switch kind {
			case 0:
				values[i] = float64(i)
			case 1:
				values[i] = float64(-i)
			case 2:
				values[i] = float64(i % 2)
			case 3:
				values[i] = float64(min(i, n-i)) // up and down
			}
		}
		tb := numbered(n, values, names)
		w := &window{offset: n / 2, limit: 50, by: "value"}
		rows, _ := tb.rowsOf(w)
		sorted := slices.Clone(values)
		slices.Sort(sorted)
		for i, row := range rows {
			if values[row] != sorted[n/2+i] {
				t.Fatalf("kind %d: at %d is %v, want %v", kind, i, values[row], sorted[n/2+i])
			}
		}
	}
}

// A window behind the end is put at the last one that there is.
func TestWindowBehindTheEnd(t *testing.T) {
	tb := numbered(101, make([]float64, 101), make([]string, 101))
	w := &window{offset: 1 << 30, limit: 50}
	rows, total := tb.rowsOf(w)
	if w.offset != 100 || len(rows) != 1 || rows[0] != 100 || total != 101 {
		t.Errorf("offset %d: %v of %d", w.offset, rows, total)
	}
}

func TestExports(t *testing.T) {
	values := []float64{1.5, math.NaN(), -2}
	names := []string{"a", "x\"y\\z\n,", "<script>"}
	tb := numbered(3, values, names)
	tb.columns = append(tb.columns, column{key: "at", title: "At", kind: instant, num: func(row int) float64 { return float64(row) + 0.25 }})
	w := &window{limit: 10}
	rows, total := tb.rowsOf(w)
	b, err := tb.json(rows, total, w)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Table         string
		Total, Offset int
		Rows          []struct {
			Name  string
			Value *float64
			At    time.Time
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	if got.Table != "t" || got.Total != 3 || len(got.Rows) != 3 || got.Rows[1].Name != names[1] || got.Rows[1].Value != nil || *got.Rows[2].Value != -2 ||
		!got.Rows[1].At.Equal(time.Unix(1, 25e7)) {
		t.Errorf("%+v", got)
	}
	if strings.Contains(string(b), "<") {
		t.Errorf("JSON with markup: %s", b)
	}
	b, err = tb.csv(rows, total, w)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil || len(lines) != 4 || lines[0][0] != "name" || lines[2][0] != names[1] || lines[2][1] != "" || lines[3][1] != "-2" {
		t.Errorf("%q, %v", lines, err)
	}
	b, err = tb.prometheus(rows, total, w)
	if err != nil {
		t.Fatal(err)
	}
	want := "# HELP freshet_t_value_bytes Value.\n# TYPE freshet_t_value_bytes gauge\n" +
		"freshet_t_value_bytes{name=\"a\"} 1.5\n" + `freshet_t_value_bytes{name="x\"y\\z\n,"} NaN` + "\n" + "freshet_t_value_bytes{name=\"<script>\"} -2\n"
	if !strings.HasPrefix(string(b), want) {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

func TestContainsFold(t *testing.T) {
	for _, tt := range []struct {
		s, part string
		want    bool
	}{{"Hello", "ell", true}, {"HELLO", "ell", true}, {"HELL", "ello", false}, {"x", "x", true}, {"", "x", false}, {"aab", "ab", true}, {"/A%20b", "%20B", true}} {
		if got := contains(tt.part, func(int) string { return tt.s })(0); got != tt.want {
			t.Errorf("%q in %q: %v", tt.part, tt.s, got)
		}
	}
	if contains("", nil) != nil {
		t.Error("an empty part filters")
	}
}

func TestTexts(t *testing.T) {
	for v, want := range map[float64]string{0: "0\u00a0s", 0.0125: "12.5\u00a0ms", 59: "59\u00a0s", 61: "1\u00a0min\u00a01\u00a0s", 3600: "1\u00a0h", 90061: "1\u00a0d\u00a01\u00a0h", -75: "-1\u00a0min\u00a015\u00a0s"} {
		if got := span(v); got != want {
			t.Errorf("span(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567"} {
		if got := grouped(v); got != want {
			t.Errorf("grouped(%v) = %q, want %q", v, got, want)
		}
	}
}
