package acme

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// hook proves names by a program that changes the DNS. It is run, without a
// shell, as
//
//	PROGRAM present _acme-challenge.example.org VALUE
//	PROGRAM cleanup _acme-challenge.example.org VALUE
//
// The first puts a TXT record of that name and value beside those that there
// are, and ends with 0 when all servers of the zone have it; the second takes
// it away. It gets our environment, and five minutes; half a minute for what is
// only tidying up, for which an end of the server waits.
type hook struct{ program string }

const (
	hookTime = 5 * time.Minute
	tidyTime = 30 * time.Second
	hookSaid = 512 // bytes of what it said that an error has
)

// Present implements acmez.Solver.
func (h hook) Present(ctx context.Context, c acme.Challenge) error {
	return h.run(ctx, hookTime, "present", c)
}

// CleanUp implements acmez.Solver.
func (h hook) CleanUp(ctx context.Context, c acme.Challenge) error {
	return h.run(context.WithoutCancel(ctx), tidyTime, "cleanup", c)
}

func (h hook) run(ctx context.Context, limit time.Duration, verb string, c acme.Challenge) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	name := c.DNS01TXTRecordName()
	if said, err := run(ctx, h.program, verb, name, c.DNS01KeyAuthorization()); err != nil {
		return fmt.Errorf("%s %s %s: %w: %s", h.program, verb, name, err, said)
	}
	return nil
}

// run has a program of the user's do something, in a group of its own, which ends
// with ctx. It returns the end of what a program said that failed.
func run(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	if cause := ctx.Err(); err != nil && cause != nil {
		err = cause
	}
	return strings.TrimSpace(said.String()), err
}

// tail keeps the end of what is written.
type tail struct{ b bytes.Buffer } // not embedded: its ReadFrom would be used in place of Write

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	t.b.Write(p[max(n-hookSaid, 0):])
	if over := t.b.Len() - hookSaid; over > 0 {
		t.b.Next(over)
	}
	return n, nil
}

func (t *tail) String() string { return t.b.String() }
