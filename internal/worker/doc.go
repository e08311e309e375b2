// Package worker runs tasks of jobs: it claims them of a queue, as many at a
// time as it has room for, runs each as a program in a folder of its own, keeps
// the lease while it runs, and tells the queue how it ended.
//
// It is not a scheduler (which task is next, and what becomes of a failed one,
// the queue decides), not a container (a program sees the file system as its
// user does; programs of one user can reach each other's folders), and it does
// not know where the queue, the files and the logs are: Options have them.
//
//	w, err := worker.New(worker.Options{Queue: scheduler, Dir: "/var/lib/freshet/tasks"})
//	…
//	err = w.Run(ctx) // until ctx ends, or Drain was called and all is done
//
// # What a program gets
//
// Its words are those of Spec.Command; no shell sees them. In each word,
// {frame} and {task} are replaced by the number of the task, and {frame:04} by
// the number with zeros in front, four characters wide (up to 20, a sign
// included); other braces stay as they are. The same is done in Spec.Outputs. A
// program without a slash in its name is looked for in PATH; a relative one
// starts in its working folder.
//
// Its environment is PATH, HOME (its folder), TMPDIR (beside it), FRESHET_JOB,
// FRESHET_TASK (the number), FRESHET_ATTEMPT, FRESHET_TOKEN (larger for each
// claim of a job), FRESHET_PROGRESS_FD (but on Windows), UNIQUE_ID, and the
// job's own, which may change PATH, HOME and TMPDIR. Nothing of ours is handed
// down.
//
// On descriptor 3 it may write lines like
//
//	progress 0.4 denoising
//	progress 40% denoising
//
// or the job names a pattern (Spec.Progress), which is looked for in each line
// that it prints. What its first group finds is a share ("3/16", "3 of 16"),
// percent (with % in it or right behind it), a fraction (a number with a point,
// not above 1), or else percent. What is no progress is ignored.
//
// Spec.Files are in the folder when it starts: copies, which it may change. Files there
// that Spec.Outputs match are stored when it has succeeded: a name without * ? [
// that is not there makes it fail; what is no regular file, or belongs to
// another user, is left out, and the log says so. With Spec.Dir it runs there,
// if Options.Dirs allow it, and outputs are looked for there; inputs are in HOME.
//
// # How it ended
//
// An exit status is the program's; a signal has its name. A program that is not
// there, or cannot be executed, ends with 127 or 126, as in shells, and so does
// a task that this worker refuses. When nothing could be run for reasons of
// ours, the result is Lost: the task is given to somebody else. After some such
// faults in a row, the worker stays away from the queue for a while
// (Options.QuarantineAfter).
//
// Invariants:
//
//   - When a result is told, the program, all that it started and its folder
//     are gone, what it printed and its outputs are stored, or the result, or
//     our log, says what could not be.
//   - Who lost a lease (jobs.ErrLost) tells no result.
//   - A program never runs as root.
//   - What a program makes cannot lead us, who may be root, out of its folder.
//   - What is kept of a program's output is bounded, and what is left out is
//     said.
package worker
