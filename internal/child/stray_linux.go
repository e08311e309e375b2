package child

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// stray is a process in our list of children that is none of those we know.
type stray struct {
	started uint64 // from its stat: another start is another process
	of      *kinship
	ours    bool      // it was told to be a script's, so it is reaped when it ends
	doomed  bool      // it was sent KILL
	dead    time.Time // when it was first seen as a zombie
	looks   int
	next    time.Time // when it is looked at again
	seen    bool
}

// closeLooks is how often a stray that nothing tells of is looked at closely;
// it may be between fork and exec, or not a script's at all.
const closeLooks = 3

// look goes through the strays: kills those of children that are over, reaps
// those that are dead, lets alone what it cannot tell. It arms the next look,
// and returns how many were killed and are not reaped.
func (f *family) look() (dying int) {
	now := time.Now()
	for _, s := range f.strays {
		s.seen = false
	}
	for _, pid := range f.children() {
		if f.live[pid] != nil {
			continue
		}
		s := f.strays[pid]
		if s == nil {
			s = &stray{}
			f.strays[pid] = s
		}
		if s.seen = true; now.Before(s.next) {
			continue
		}
		if f.judge(pid, s, now) {
			delete(f.strays, pid)
		} else if s.doomed {
			dying++
		}
	}
	soon := false
	for pid, s := range f.strays {
		if !s.seen {
			delete(f.strays, pid)
			continue
		}
		soon = soon || s.doomed || s.looks < closeLooks
	}
	if f.timer == nil {
		return dying
	}
	switch {
	case soon:
		f.timer.Reset(lookSoon)
	case len(f.strays) > 0:
		f.timer.Reset(lookLater)
	default:
		f.timer.Reset(lookIdle)
	}
	return dying
}

// judge does what is to be done about a stray; gone says that it was reaped.
func (f *family) judge(pid int, s *stray, now time.Time) (gone bool) {
	st, err := readStat(pid)
	if err != nil || st.parent != os.Getpid() {
		return false
	}
	if s.started != st.started {
		*s = stray{started: st.started, seen: true}
	}
	s.looks++
	if st.state == 'Z' {
		return f.judgeDead(pid, s, st, now)
	}
	if !s.doomed {
		if k := f.whose(pid, st); k != nil {
			s.of, s.ours = k, true
		} else if !s.ours {
			s.ours = inOurCgroup(pid)
		}
	}
	if s.of != nil && !s.of.over.IsZero() {
		if !s.doomed {
			s.doomed = true
			s.of.killed++
		}
		_ = unix.Kill(pid, unix.SIGKILL)
		if st.group == pid {
			_ = unix.Kill(-pid, unix.SIGKILL)
		}
		return false
	}
	if s.looks >= closeLooks {
		s.next = now.Add(lookLater)
	}
	return false
}

// judgeDead reaps a zombie that is a script's.
func (f *family) judgeDead(pid int, s *stray, st stat, now time.Time) (gone bool) {
	k := f.bySession(pid, st)
	if k != nil && k.ending && k.over.IsZero() {
		return false // who waits for the child reaps it, and counts
	}
	if s.dead.IsZero() {
		s.dead = now
	}
	// The zombie of somebody else's child has been waited for after a second,
	// is in our own session, or had our privileges.
	foreign := !f.plain || st.session == f.session || now.Sub(s.dead) < lookLater || !hasNoNewPrivileges(pid)
	if k == nil && !s.ours && foreign && !inOurCgroup(pid) {
		return false
	}
	got, err := wait4(pid, nil, unix.WNOHANG, nil)
	return got == pid || err != nil
}

// whose finds the child that a living stray belongs to.
func (f *family) whose(pid int, st stat) *kinship {
	if k := f.bySession(pid, st); k != nil {
		return k
	}
	mark := markOf(pid)
	if mark == "" {
		return nil
	}
	for k := range f.known() {
		if k.mark == mark {
			return k
		}
	}
	return nil
}

// bySession finds the child whose session a process is in. Who leads a
// session has made one of its own.
func (f *family) bySession(pid int, st stat) *kinship {
	if st.session == pid || st.session == 0 || st.session == f.session {
		return nil
	}
	if k := f.live[st.session]; k != nil {
		return k
	}
	for k := range f.known() {
		if k.pid == st.session {
			return k
		}
	}
	return nil
}

// known goes through the children that run, and those that did lately, the
// latest first.
func (f *family) known() func(yield func(*kinship) bool) {
	return func(yield func(*kinship) bool) {
		for _, k := range f.live {
			if !yield(k) {
				return
			}
		}
		for i := 1; i <= len(f.recent); i++ {
			k := f.recent[(f.next-i+len(f.recent))%len(f.recent)]
			if k == nil || time.Since(k.over) > recentFor || !yield(k) {
				return
			}
		}
	}
}

// inOurCgroup says whether a process, or what is left of it, is in a cgroup
// that a spawner of this process made.
func inOurCgroup(pid int) bool {
	return strings.Contains(cgroupOf(pid), fmt.Sprintf("/%s%d-", groupPrefix, os.Getpid()))
}
