package load

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const wrkPlain = `Running 2s test @ http://127.0.0.1:9101/1k.txt
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   652.13us  110.28us   3.71ms   97.37%
    Req/Sec    97.91k     1.53k  100.74k    66.67%
  Latency Distribution
     50%  649.00us
     75%  669.00us
     90%  691.00us
     99%  786.00us
  204134 requests in 2.10s, 246.07MB read
Requests/sec:  97141.07
Transfer/sec:    117.10MB
`

const wrkErrors = `Running 1s test @ http://127.0.0.1:9101/none
  1 threads and 4 connections
  Latency Distribution
     50%   32.00us
     99%    1.20s
  109901 requests in 1.10s, 32.28MB read
  Socket errors: connect 1, read 20, write 300, timeout 4000
  Non-2xx or 3xx responses: 109900
Requests/sec:  99892.66
`

func TestParseWrk(t *testing.T) {
	for _, c := range []struct {
		name, out string
		want      Result
	}{
		{"plain", wrkPlain, Result{Requests: 204134, PerSecond: 97141.07, P99: 786 * time.Microsecond}},
		{"errors", wrkErrors, Result{Requests: 109901, Unsuccessful: 109900, Failed: 4321, Failures: "connect 1, read 20, write 300, timeout 4000", PerSecond: 99892.66, P99: 1200 * time.Millisecond}},
	} {
		got, err := parseWrk(c.out)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
}

func TestParseWrkRefuses(t *testing.T) {
	for _, out := range []string{
		"",
		"unable to connect to 127.0.0.1:9101 Connection refused\n",
		strings.Replace(wrkPlain, "204134 requests", "many requests", 1),
		strings.Replace(wrkPlain, "786.00us", "long", 1),
		strings.Replace(wrkPlain, "97141.07", "quick", 1),
		strings.Replace(wrkErrors, "read 20", "read some", 1),
	} {
		if r, err := parseWrk(out); err == nil {
			t.Errorf("read %+v from %q", r, out)
		}
	}
}

// TestNoRequest sees that a run without an answer can be told from a report
// that could not be read.
func TestNoRequest(t *testing.T) {
	_, err := parseWrk(strings.Replace(wrkPlain, "204134 requests", "0 requests", 1))
	_, err2 := parseH2load(strings.Replace(h2loadPlain, "98283 done", "0 done", 1))
	if !errors.Is(err, ErrNoRequest) || !errors.Is(err2, ErrNoRequest) {
		t.Errorf("got %v and %v", err, err2)
	}
}

const h2loadPlain = `starting benchmark...
Application protocol: h2
Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in 1.00s, 98283.00 req/s, 107.79MB/s
requests: 98283 total, 98539 started, 98283 done, 98281 succeeded, 2 failed, 3 errored, 4 timeout
status codes: 98276 2xx, 0 3xx, 5 4xx, 2 5xx
traffic: 107.79MB (113027018) total, 10.12MB (10614564) headers (space savings 39.66%), 95.98MB (100641792) data
                     min         max         mean         sd        +/- sd
time for request:       30us     11.18ms      2.52ms       676us    93.10%
`

func TestParseH2load(t *testing.T) {
	want := Result{Requests: 98283, Unsuccessful: 7, Failed: 7, Failures: "errored 3, timeout 4", PerSecond: 98283}
	if got, err := parseH2load(h2loadPlain); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for _, out := range []string{
		"",
		strings.Replace(h2loadPlain, "98283 done", "all done", 1),
		strings.Replace(h2loadPlain, "98283.00 req/s", "fast", 1),
		strings.Replace(h2loadPlain, "5 4xx", "- 4xx", 1),
		strings.Replace(h2loadPlain, "98283 done", "0 done", 1),
	} {
		if r, err := parseH2load(out); err == nil {
			t.Errorf("read %+v from %q", r, out)
		}
	}
}

func TestQuantileOfLog(t *testing.T) {
	got, err := quantileOfLog(strings.NewReader("1795269409879211\t200\t746\n1795269409879212\t200\t12000\n1795269409879213\t200\t795\n"), 0.5)
	if err != nil || got != 795*time.Microsecond {
		t.Errorf("got %v, %v, want 795µs", got, err)
	}
	for _, log := range []string{"", "1 200 3\n", "1\t200\tx\n"} {
		if d, err := quantileOfLog(strings.NewReader(log), 0.5); err == nil {
			t.Errorf("read %v from %q", d, log)
		}
	}
}
