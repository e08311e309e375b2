// Package load runs the load generators (wrk for HTTP/1, h2load for HTTP/2)
// and reads their reports. It measures nothing itself.
package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"freshet/bench/internal/process"
)

// Result is what a load generator saw in one run.
type Result struct {
	Requests     int64  // answered
	Unsuccessful int64  // answered with a status of 400 or more
	Failed       int64  // lost to errors of the connection, or to a time limit
	Failures     string // of which kinds those were, in the generator's words
	PerSecond    float64
	P99          time.Duration
}

// Plan says what a load generator does. All of it comes from one thread.
type Plan struct {
	URL      string
	Header   []string      // "Name: value"
	Conns    int           // connections held open
	Streams  int           // requests at once on each: HTTP/2, with h2load; 0 for HTTP/1, with wrk
	Script   string        // Lua file for wrk, "" for the same request again and again
	Argument string        // what the script's init gets
	For      time.Duration // how long; wrk rounds more than a second up to seconds, h2load takes a second at least
	CPU      int           // the one processor that it may use, negative for any
	Dir      string        // for temporary files
}

// ErrNoRequest is for a run that ended before anything was answered, as may
// happen on a busy machine when there is much to connect and little time.
var ErrNoRequest = errors.New("no request was answered")

// Run makes load until the time is over.
func Run(ctx context.Context, p Plan) (Result, error) {
	if p.Streams > 0 {
		return runH2load(ctx, p)
	}
	return runWrk(ctx, p)
}

// patience is added to the planned duration before a generator that does not
// come to its end is ended.
const patience = 20 * time.Second

// run runs a generator and returns what it printed.
func run(ctx context.Context, p Plan, args []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.For+patience)
	defer cancel()
	args = process.Pinned(p.CPU, args)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 3 * time.Second
	// One cipher suite for all servers: left alone, those on OpenSSL take
	// AES-256 and Go AES-128.
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+p.Dir+"/openssl.cnf")
	if err := os.WriteFile(p.Dir+"/openssl.cnf", []byte(opensslConf), 0o644); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if p.Streams == 0 && p.For < time.Second { // at SIGINT wrk ends and reports what there was
		early := time.AfterFunc(p.For, func() { cmd.Process.Signal(syscall.SIGINT) })
		defer early.Stop()
	}
	if err := cmd.Wait(); err != nil {
		// It was ended before it had begun, and had not yet said what it does at SIGINT.
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGINT && p.For < time.Second {
			return nil, ErrNoRequest
		}
		return nil, fmt.Errorf("%v: %w: %s", args, err, bytes.TrimSpace(out.Bytes()))
	}
	return out.Bytes(), nil
}

const opensslConf = `openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
Ciphersuites = TLS_AES_128_GCM_SHA256
CipherString = ECDHE-ECDSA-AES128-GCM-SHA256
`
