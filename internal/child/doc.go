// Package child starts programs for requests and as workers: each leads a
// process group (and mostly a session) of its own, runs within limits and in a
// sandbox, and is gone with all that it started when [Process.Wait] returns.
//
// It is not a supervisor (it restarts nothing), not a container (a program
// sees the file system as its user does, unless Landlock rules say less), and
// it knows nothing of CGI or FastCGI: pipes, sockets and environments are the
// caller's.
//
//	user, err := child.LookupUser("nobody")
//	…
//	s, err := child.New(child.Options{User: user, Limits: child.Limits{CPU: 30 * time.Second}})
//	…
//	p, err := s.Start(&child.Command{Path: "/srv/cgi/hello", Args: []string{"hello"}, Files: []*os.File{in, out, errs}})
//	…
//	p.Terminate()      // TERM, after Options.Grace KILL
//	result := p.Wait() // exit status, times, what was left over
//
// Invariants:
//
//   - A signal goes to a group only while its leader is not reaped: until then
//     nobody else can get its number.
//   - The rest of a group is killed when its leader ended, however it ended.
//   - Limits hold before the first instruction of a program, or Start fails.
//   - What was asked for and cannot be had makes New fail; nothing is left out
//     in silence.
//   - Only processes that are known to be a script's are killed or reaped;
//     children that other code of this process starts are not touched.
//
// # Linux
//
// Programs are started by a vfork of our own (birth_linux.go), in assembly for
// amd64 and arm64: between its birth and its program a child has our memory and
// our stack, where no compiled code may run, and it has more to do there than
// package syscall lets it: lower its own limits, which needs no privilege, enter
// a network namespace, and put itself under Landlock rules. It goes through a
// table of system calls that was made before. The calling goroutine keeps its
// processor until the program is executed, as in syscall.ForkExec. On other
// processors that is what starts programs, and Limits, NoNetwork and Landlock
// make New fail.
//
// There is no death signal (PR_SET_PDEATHSIG): it is sent when the thread ends
// that started the program, and Go ends threads. The keeper, see below, does
// what it is for: a child's number is in its table before the child runs, and
// the keeper does not hear of our end before each child that was just being
// made has executed its program, for until then it holds the pipe, too.
//
// Where the scheduler groups processes by session (autogroup) and we have no
// terminal, programs lead groups only and stay in our session: see
// wantSessions. What left such a group without leaving the session is found by
// its mark, its cgroup or its user.
//
// The first New makes the process a subreaper (PR_SET_CHILD_SUBREAPER), for
// as long as it lives: what a program leaves behind becomes our child, and is
// found by its group, its session, the mark in its environment or its cgroup.
// What left its session, emptied its environment and is in no cgroup of ours
// is left alone. Without CONFIG_PROC_CHILDREN the same is found by reading
// all of /proc.
//
// It also marks the descriptors that the process was started with as not to be
// inherited (Linux 5.11): programs get those of Command.Files and no others.
//
// After [WithoutSIGCHLD], which a program may call that asks for no such signal,
// SIGCHLD has its default disposition while there is a Spawner.
//
// The first Start, or a New that makes a cgroup, also executes the running
// binary once more, as a keeper: the init function of this package, which runs
// before main, takes that process over when it finds the environment variable
// FRESHET_CHILD_KEEPER and the two descriptors that belong to it. When the
// server is killed, the keeper kills the groups that the server had, and ends.
// The last Close ends it.
//
// # Elsewhere
//
// Other Unix systems have process groups, TERM and KILL, and nothing else;
// Windows has no groups: a process is ended alone. User (but for Unix),
// Limits, NoNetwork, Landlock and a path as Cgroup make New fail there.
package child
