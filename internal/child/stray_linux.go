package child

import (
	"fmt"
	"os"
	"strconv"
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
	since   time.Time // when it was first seen
	looks   int
	next    time.Time // when it is looked at again
	seen    bool
}

// A stray that nothing tells of may be between two programs, when its
// environment is empty, or not a script's at all. The end of a child waits for
// closeLooks at it; for closeFor it is looked at closely, then now and then.
const (
	closeLooks = 4
	closeFor   = time.Second
)

// look goes through the strays: kills those of children that are over, reaps
// those that are dead, lets alone what it cannot tell, and arms the next look.
// It says whether some were reaped.
func (f *family) look() (reaped bool) {
	now := time.Now()
	for _, s := range f.strays {
		s.seen = false
	}
	for _, pid := range f.children() {
		if f.live[pid] != nil || f.newborn(pid) {
			continue
		}
		s := f.strays[pid]
		if s == nil {
			s = &stray{since: now}
			f.strays[pid] = s
		}
		if s.seen = true; now.Before(s.next) {
			continue
		}
		if f.judge(pid, s, now) {
			delete(f.strays, pid)
			reaped = true
		}
	}
	soon := false
	for pid, s := range f.strays {
		if !s.seen {
			delete(f.strays, pid)
			continue
		}
		soon = soon || s.doomed || now.Sub(s.since) < closeFor
	}
	if f.timer == nil {
		return reaped
	}
	switch {
	case soon:
		f.timer.Reset(lookSoon)
	case len(f.strays) > 0:
		f.timer.Reset(lookLater)
	default:
		f.timer.Reset(lookIdle)
	}
	return reaped
}

// judge does what is to be done about a stray; gone says that it was reaped.
func (f *family) judge(pid int, s *stray, now time.Time) (gone bool) {
	st, err := readStat(pid)
	if err != nil || st.parent != os.Getpid() {
		return false
	}
	if s.started != st.started {
		*s = stray{started: st.started, since: now, seen: true}
	}
	s.looks++
	if st.state == 'Z' {
		return f.judgeDead(pid, s, st, now)
	}
	if !s.doomed {
		if k := f.whose(pid, st); k != nil {
			s.of, s.ours = k, true
			if st.session != f.session {
				k.note(st.session)
			}
		} else if !s.ours {
			s.ours = inOurCgroup(pid)
		}
	}
	if s.of == nil && s.looks >= closeLooks && f.abandoned(pid, st, s) {
		s.ours, s.doomed = true, true
	}
	if over := s.of != nil && !s.of.over.IsZero(); over || s.doomed {
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
	if s.looks >= closeLooks && now.Sub(s.since) > closeFor {
		s.next = now.Add(lookLater)
	}
	return false
}

// abandoned says that a living stray that nothing tells of can only be a
// script's that is over: it runs as a user that we only start programs as, with
// no privileges to gain, in a session that is not ours if programs have such, and every child that
// runs was born after it was here.
func (f *family) abandoned(pid int, st stat, s *stray) bool {
	if !f.plain || f.sessions && st.session == f.session {
		return false
	}
	for _, k := range f.live {
		if !k.childless && k.born.Before(s.since) {
			return false
		}
	}
	var owner unix.Stat_t
	if unix.Stat("/proc/"+strconv.Itoa(pid), &owner) != nil || f.foreign[owner.Uid] == 0 {
		return false
	}
	return hasNoNewPrivileges(pid)
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
	foreign := !f.plain || f.sessions && st.session == f.session || now.Sub(s.dead) < lookLater || !hasNoNewPrivileges(pid)
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

// bySession finds the child whose session a process is in, or that made the
// session in a stray.
func (f *family) bySession(pid int, st stat) *kinship {
	if st.session == 0 || st.session == f.session {
		return nil
	}
	for k := range f.known() {
		if k.has(pid, st.session) {
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
