// Command atrest measures what a hit on disk costs a proxy whose folder is
// sealed, beside one whose folder is not: processor time of the server for each
// byte that it sends. Both have one processor and the same bodies, each of which
// is in a file alone; rounds take turns, so that a busy machine is busy for both.
package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

var (
	program = flag.String("program", "", "the program; built when it is not given")
	rounds  = flag.Int("rounds", 9, "rounds of each")
	size    = flag.Int("size", 8<<20, "bytes of a body")
	total   = flag.Int64("total", 2<<30, "bytes that are sent in a round")
	out     = flag.String("out", "", "file for the result, as well")
)

func main() {
	flag.Parse()
	if err := measure(); err != nil {
		fmt.Fprintln(os.Stderr, "atrest:", err)
		os.Exit(1)
	}
}

// a server is a proxy that runs.
type server struct {
	name string
	cmd  *exec.Cmd
	url  string
	cost []float64 // seconds of processor time for 1e9 bytes, by round
}

func measure() error {
	dir, err := os.MkdirTemp("", "atrest-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if *program == "" {
		*program = filepath.Join(dir, "freshet")
		build := exec.Command("go", "build", "-o", *program, "./cmd/freshet")
		build.Dir = ".."
		if text, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, text)
		}
	}
	body := make([]byte, *size)
	rand.Read(body)
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=86400")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body)
	}))
	defer origin.Close()
	keys := filepath.Join(dir, "keys")
	line, err := exec.Command(*program, "sign", "--new-key", "k1").Output()
	if err == nil {
		err = os.WriteFile(keys, line, 0o600)
	}
	if err != nil {
		return err
	}
	var servers []*server
	for _, name := range []string{"plain", "sealed"} {
		args := []string{"--data", filepath.Join(dir, name), "--disk", "4GiB"}
		if name == "sealed" {
			args = append(args, "--encrypt", keys)
		}
		s, err := start(name, origin.URL, args)
		if err != nil {
			return err
		}
		defer func() { s.cmd.Process.Kill(); s.cmd.Wait() }()
		servers = append(servers, s)
	}
	for _, s := range servers { // stored, and compared with its sums once
		for range 3 {
			if err := s.fetch(int64(*size)); err != nil {
				return err
			}
			time.Sleep(300 * time.Millisecond)
		}
	}
	for range *rounds {
		for _, s := range servers {
			before, err := s.processorTime()
			if err == nil {
				err = s.fetch(*total)
			}
			if err != nil {
				return err
			}
			after, err := s.processorTime()
			if err != nil {
				return err
			}
			s.cost = append(s.cost, (after-before).Seconds()/float64(*total)*1e9)
		}
	}
	if n := asked.Load(); n != int64(len(servers)) {
		return fmt.Errorf("the origin was asked %d times: these were no hits", n)
	}
	return report(servers)
}

// start starts a proxy and waits until it listens.
func start(name, origin string, args []string) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	s := &server{name: name, url: "http://" + addr + "/body"}
	s.cmd = exec.Command(*program, append([]string{"proxy", "--listen", addr, "--monitor", "off", "--access-log", "off", "--to", origin, "--memory", "1MiB", "--max-object", "1GiB"}, args...)...)
	s.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.New(name + ": it does not listen")
}

// fetch fetches so many bytes at least, on one connection.
func (s *server) fetch(n int64) error {
	for n > 0 {
		resp, err := http.Get(s.url)
		if err != nil {
			return err
		}
		got, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || got != int64(*size) {
			return fmt.Errorf("%s: %d bytes, %w", s.name, got, err)
		}
		n -= got
	}
	return nil
}

// processorTime is what the server has used, user and system.
func (s *server) processorTime() (time.Duration, error) {
	var sum int64
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.cmd.Process.Pid))
	for _, name := range tasks {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum), err
}

func report(servers []*server) error {
	var b strings.Builder
	fmt.Fprintf(&b, "A hit on disk, sealed and not: %s, %s, %s\n", time.Now().UTC().Format(time.DateOnly), machine(), runtime.Version())
	fmt.Fprintf(&b, "go run -C bench ./atrest -rounds %d -size %d -total %d\n\n", *rounds, *size, *total)
	fmt.Fprintf(&b, "%-8s %14s %14s %14s\n", "", "CPU s per GB", "least..most", "GB/s a core")
	for _, s := range servers {
		m := median(s.cost)
		fmt.Fprintf(&b, "%-8s %14.2f %6.2f..%6.2f %14.2f\n", s.name, m, slices.Min(s.cost), slices.Max(s.cost), 1/m)
	}
	var ratios []float64
	for i := range servers[0].cost {
		ratios = append(ratios, servers[1].cost[i]/servers[0].cost[i])
	}
	fmt.Fprintf(&b, "\nsealed / plain, by rounds: median %.2f, %.2f..%.2f\n", median(ratios), slices.Min(ratios), slices.Max(ratios))
	fmt.Print(b.String())
	if *out == "" {
		return nil
	}
	return os.WriteFile(*out, []byte(b.String()), 0o644)
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
