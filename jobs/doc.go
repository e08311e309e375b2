// Package jobs is a durable queue of work for programs: jobs of one task or of
// millions (an array, the frames of a film), for workers that may die at any
// moment. A [Scheduler] keeps it over a [Log] with one writer; workers and
// clients use it through [Queue].
//
// A task is delivered at least once: who claims it has a lease that must be
// renewed, and a token; when the lease has run out the task is another's, and
// what the first says about it afterwards is refused ([ErrLost]). Nothing is
// answered before it is durable. What a task does to the world twice because
// its worker died in between is not undone: tasks have to bear being repeated.
//
// The package starts no program and speaks no network protocol; it decides
// who gets what, and remembers.
//
// In memory a queued job takes about 250 bytes with a short spec, and an array
// that waits no more than that, however many tasks it has. A task that was
// claimed takes about 90 bytes, in steps of 1024 tasks, until its job is forgotten.
//
// Templates, jobs with a schedule, need the database of time zones: a program for
// systems without one imports time/tzdata.
//
// Invariants, which a model and the replay of every prefix of a log check:
// a job that was acknowledged is there; each task is in exactly one state; a
// final state changes only when somebody asks for it (Retry); a token is given
// once.
package jobs
