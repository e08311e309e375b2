package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"freshet/internal/alert"
)

// Program runs a program for each notice, without a shell and in a group of its
// own. It gets the notice as JSON on its standard input, and what a line of it
// needs in variables; it ends with 0 when the notice has been taken.
type Program struct {
	Path    string
	Environ []string      // that it gets besides; variables of ours are left out
	Limit   time.Duration // 0: half a minute. Then it is killed.
}

const (
	programTime = 30 * time.Second
	programSaid = 512 // bytes of what it said that an error has
)

// Name implements Way.
func (p *Program) Name() string { return "program " + p.Path }

// ID implements Way.
func (p *Program) ID() string { return p.Name() }

// Most implements Way.
func (p *Program) Most() int { return 1 }

// Send implements Way.
func (p *Program) Send(ctx context.Context, notices []alert.Notice, dropped int64) error {
	n := &notices[0]
	input, err := json.Marshal(&message{*n, n.Title(), dropped})
	if err != nil {
		return fmt.Errorf("make the message of a program: %w", err)
	}
	limit := p.Limit
	if limit <= 0 {
		limit = programTime
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path)
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	var said tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(append(input, '\n')), &said, &said
	cmd.Env = p.environ(n, dropped)
	err = cmd.Run()
	if err == nil || errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success() { // what it left behind has its output still
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	err = fmt.Errorf("%s: %w", p.Name(), err)
	if errors.Is(err, exec.ErrNotFound) {
		err = fmt.Errorf("%w; give its whole path", err)
	}
	if text := alert.Clean(strings.TrimSpace(string(said))); text != "" {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// environ is what the program gets. Our own variables may be secrets.
func (p *Program) environ(n *alert.Notice, dropped int64) []string {
	var all []string
	for _, e := range p.Environ {
		if !strings.HasPrefix(e, "FRESHET_") {
			all = append(all, e)
		}
	}
	add := func(name, value string) {
		all = append(all, "FRESHET_ALERT_"+name+"="+strings.ReplaceAll(value, "\x00", "?"))
	}
	add("ID", n.ID)
	add("KIND", string(n.Kind))
	add("RULE", n.Rule)
	add("SUBJECT", n.Subject)
	add("SEVERITY", string(n.Severity))
	add("SERVER", n.Server)
	add("TITLE", n.Title())
	add("VALUE", n.Shown)
	add("LINK", n.Link)
	add("DROPPED", fmt.Sprint(dropped))
	return all
}

// tail keeps the end of what is written.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p[max(len(p)-programSaid, 0):]...)
	*t = append((*t)[:0], (*t)[max(len(*t)-programSaid, 0):]...)
	return len(p), nil
}
