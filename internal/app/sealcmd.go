package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"freshet/fleet"
	"freshet/internal/acme"
	"freshet/internal/atrest"
	"freshet/internal/authority"
	"freshet/internal/bus"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/diskstore"
	"freshet/internal/sealedfolder"
)

// seal rewrites what is stored, sealed by another key, or not.
func (e *Env) seal(args []string) int {
	c, err := config.ParseSeal(args, e.Environ)
	if err != nil {
		return e.misused("seal", err)
	}
	ring, err := openRing(c.Encrypt, slog.New(slog.DiscardHandler))
	if err != nil {
		return e.fault(err)
	}
	ctx, stop := e.untilSignal()
	defer stop()
	s := sealing{env: e, conf: c, change: &atrest.Change{Ring: ring, Plain: c.Plain}}
	return e.result(s.run(ctx))
}

// sealing is one call of freshet seal.
type sealing struct {
	env    *Env
	conf   *config.Seal
	change *atrest.Change
	found  bool
}

// A sealPart is rewritten as a whole.
type sealPart struct {
	name string // for people
	// look says what is there, and whether it is to be rewritten; "": nothing is there.
	look func() (now string, needs bool, err error)
	do   func(ctx context.Context, progress func(done, total int64)) error
}

// errSealFailed is that of which the rest was told.
var errSealFailed = errors.New("not all is as it is to be; see above")

func (s *sealing) run(ctx context.Context) error {
	if err := s.isFree(); err != nil {
		return err
	}
	if err := s.opens(); err != nil {
		return err
	}
	failed := false
	for _, p := range s.parts() {
		if err := s.part(ctx, &p); err != nil {
			failed = true
			s.env.tell("freshet: %s: %v", p.name, err)
		}
		if ctx.Err() != nil {
			return errors.New("ended; call it again, else servers refuse what is not whole")
		}
	}
	if !s.aboutCache() || failed {
		return errSealFailed
	}
	if !s.found {
		fmt.Fprintln(s.env.Stdout, "There is nothing to rewrite.")
	}
	return nil
}

// opens looks, before anything is changed, that what each part was sealed with opens
// something of it: with another secret under a name some would be sealed by the one,
// some by the other, and no file of keys would open both.
func (s *sealing) opens() error {
	ring := s.change.Ring
	tries := []error{}
	if dir := s.conf.Authority; dir != "" {
		_, err := authority.Seal(dir, s.change, true)
		tries = append(tries, err)
	}
	if dir := s.conf.TLSAutoData; dir != "" {
		tries = append(tries, acme.SealOpens(dir, ring))
	}
	if data := s.conf.Data; data != "" {
		jobs := filepath.Join(data, "jobs")
		for _, dir := range [...]string{filepath.Join(jobs, "bus"), filepath.Join(jobs, "peers")} {
			_, err := bus.NeedsSeal(dir, s.change)
			tries = append(tries, err)
		}
		tries = append(tries, diskstore.SealOpens(filepath.Join(data, "objects"), ring), fleet.SealOpens(jobs, ring), s.alertsOpen(filepath.Join(data, alertsFile)))
	}
	for _, err := range tries {
		if errors.Is(err, atrest.ErrDamaged) { // anything else is said of its part
			return fmt.Errorf("%w; nothing was changed: give each key the secret that it had, or, if that file was damaged, put it back from a copy", err)
		}
	}
	return nil
}

func (s *sealing) alertsOpen(name string) error {
	text, err := os.ReadFile(name)
	if err != nil || !atrest.IsSealed(text) {
		return nil
	}
	if _, _, err = s.change.Ring.Open(nil, text, alertsSealedAs); err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return err
}

// isFree looks that no server uses the folder. Parts have locks of their own.
func (s *sealing) isFree() error {
	if s.conf.Data == "" {
		return nil
	}
	if _, err := os.Stat(s.conf.Data); err != nil {
		return fileFault("--data", s.conf.Data, err)
	}
	running, err := control.Running(s.conf.Data)
	if err == nil && len(running) > 0 && !s.conf.DryRun {
		err = fmt.Errorf("the server %s uses %s; stop it first", running[0], s.conf.Data)
	}
	return err
}

func (s *sealing) part(ctx context.Context, p *sealPart) error {
	now, needs, err := p.look()
	if err != nil || now == "" {
		return err
	}
	s.found = true
	next := "sealed by " + s.change.Ring.First()
	if s.change.Plain {
		next = "plain"
	}
	switch {
	case !needs:
		s.say(p.name, now+", as it is to be")
	case s.conf.DryRun:
		s.say(p.name, now+"; would be "+next)
	default:
		if err := s.isFree(); err != nil { // one may have been started since
			return err
		}
		if err := p.do(ctx, s.progress(p.name)); err != nil {
			return err
		}
		s.say(p.name, "was "+now+"; is "+next)
	}
	return nil
}

func (s *sealing) say(name, text string) { fmt.Fprintf(s.env.Stdout, "%-14s %s\n", name, text) }

// sealTold is how often somebody is told how far it is.
const sealTold = 2 * time.Second

// progress tells how far a part is.
func (s *sealing) progress(name string) func(done, total int64) {
	told := time.Now()
	return func(done, total int64) {
		if total > 0 && time.Since(told) >= sealTold {
			told = time.Now()
			s.env.tell("%s: %d %% done", name, done*100/total)
		}
	}
}

// sealedBy counts files by the names of the keys that they are sealed by; "" is for
// those that are not.
type sealedBy map[string]int

// count adds a file.
func (b sealedBy) count(name string) error {
	head, err := headOf(name)
	if err != nil || head == nil {
		return err
	}
	return b.add(name, head)
}

// headOf is the beginning of a file, nil when there is none.
func headOf(name string) ([]byte, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, sealHead))
}

func (b sealedBy) add(name string, head []byte) (err error) {
	by := ""
	if atrest.IsSealed(head) {
		if by, err = atrest.KeyOf(head); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	b[by]++
	return nil
}

// sealHead is as much as says by which key a file is sealed.
const sealHead = 512

// words say what was counted, and whether any of it is not as it is to be.
func (b sealedBy) words(change *atrest.Change) (now string, needs bool) {
	var all []string
	for _, by := range sortedNames(b) {
		text := "plain"
		if by != "" {
			text = "sealed by " + by
		}
		if len(b) > 1 {
			text = fmt.Sprintf("%d %s", b[by], text)
		}
		all = append(all, text)
		needs = needs || change.Plain != (by == "") || by != "" && by != change.Ring.First()
	}
	return strings.Join(all, ", "), needs
}

// aboutCache says what becomes of the answers of a cache, which are not rewritten;
// false: a server would refuse them.
func (s *sealing) aboutCache() bool {
	if s.conf.Data == "" {
		return true
	}
	objects := filepath.Join(s.conf.Data, "objects")
	by := sealedBy{}
	if err := by.count(filepath.Join(objects, "sealed")); err != nil {
		s.env.tell("freshet: %v", err)
		return false
	}
	if len(by) == 0 {
		has, err := sealedfolder.HasPlain(objects)
		if err != nil {
			s.env.tell("freshet: %v", err)
			return false
		}
		if !has {
			return true
		}
		by[""] = 1
	}
	now, needs := by.words(s.change)
	s.found = true
	switch {
	case !needs:
		s.say("cache", now+", as it is to be")
	case by[""] == 0 && !s.change.Plain:
		s.say("cache", now+"; a job of kind scrub seals it anew (--param reseal=yes)")
	default:
		s.say("cache", now+", and is not rewritten; to empty it, remove")
		s.say("", objects+" and purges.log beside it")
		return s.conf.DryRun
	}
	return true
}
