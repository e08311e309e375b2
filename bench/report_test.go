package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"freshet/bench/internal/process"
	"freshet/bench/internal/stats"
)

var reported = scenario{name: "test", title: "a test", floors: []floor{
	{"freshet", "nginx", 1, 1.3}, {"freshet", "h2o", 1, 1.3}, {"freshet", "fileserver", 1, 1.3}, {"freshet", "lighttpd", 1, 1.3},
}}

func reportedColumns() []*column {
	three := func(name string, cpu ...float64) *column {
		return &column{server: serverNamed(name), cpu: cpu, perSecond: []float64{1000, 2000, 3000}, p99: []float64{1500, 1500, 1500},
			memory: process.Memory{RSS: 3 << 20, PSS: 2 << 20}}
	}
	return []*column{
		three("freshet", 2, 4, 5),
		three("nginx", 3, 4.8, 7),
		three("h2o", 1, 1, 1),
		three("fileserver", 20, 40, 50),
		{server: serverNamed("lighttpd"), fault: errors.New("went away")},
	}
}

func TestPrintTable(t *testing.T) {
	var w bytes.Buffer
	columns := reportedColumns()
	columns[2].note("3 connection errors")
	printTable(&w, &reported, columns)
	got := strings.Split(w.String(), "\n")
	for i, want := range []string{
		"",
		"test: a test",
		"CPU µs/req req/s p99 ms RSS MiB PSS MiB CPU ÷ freshet",
		"freshet 4.00 2000 1.50 3.0 2.0 1",
		"nginx 4.80 2000 1.50 3.0 2.0 1.40 (1.20..1.50)",
		"h2o 1.00 2000 1.50 3.0 2.0 0.25 (0.20..0.50)",
		"fileserver 40.00 2000 1.50 3.0 2.0 10.00 (10.00..10.00)",
		"h2o: 3 connection errors",
		"lighttpd: FAILED: went away",
	} {
		if i >= len(got) || strings.Join(strings.Fields(got[i]), " ") != want {
			t.Fatalf("line %d is not %q:\n%s", i, want, w.String())
		}
	}
}

func TestJudge(t *testing.T) {
	var words []string
	for _, v := range judge(&reported, reportedColumns()) {
		f := strings.Split(v.String(), "\t")
		words = append(words, f[1]+": "+f[len(f)-1])
	}
	want := []string{"nginx ÷ freshet: met", "h2o ÷ freshet: MISSED", "fileserver ÷ freshet: met"}
	if !slices.Equal(words, want) {
		t.Errorf("got %q, want %q", words, want)
	}
	below := reportedColumns()
	below[1].cpu = []float64{2.2, 4.4, 5.5}
	if v := judge(&reported, below)[0].String(); !strings.HasSuffix(v, "met, below the aim") {
		t.Errorf("a ratio of 1.1 between 1 and 1.3: %q", v)
	}
}

func TestVerdictWithoutFloor(t *testing.T) {
	for got, want := range map[float64]string{0.6: "test\tnginx ÷ freshet\t0.60\t-\t1.00\tbelow the aim", 1.2: "test\tnginx ÷ freshet\t1.20\t-\t1.00\tmet"} {
		v := verdict{"test", floor{"freshet", "nginx", 0, 1}, stats.Of([]float64{got})}
		if v.String() != want {
			t.Errorf("got %q, want %q", v, want)
		}
	}
}

func TestPrintIdleTable(t *testing.T) {
	var w bytes.Buffer
	printIdleTable(&w, &reported, 10, []*column{
		{server: serverNamed("httpd"), perConn: 4096, heldConn: 3000, held: 30000},
		{server: serverNamed("nginx"), perConn: 500},
	})
	for _, want := range []string{"httpd 4096 3000 0.0 0.0", "nginx 500 - 0.0 0.0"} {
		if got := strings.Join(strings.Fields(w.String()), " "); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, w.String())
		}
	}
}

func TestMissing(t *testing.T) {
	got := missing([]tool{{"shell", "sh"}, {"nothing", "no-such-program-anywhere"}, {"file", "/no/such/file"}, {"root", "/"}})
	if !slices.Equal(got, []string{"nothing", "file"}) {
		t.Errorf("got %v", got)
	}
}
