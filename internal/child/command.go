package child

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// Command is a program to start.
type Command struct {
	// Path of the program; it is not searched for.
	Path string
	// Args are its arguments, with the name that it is called by first; none:
	// Path.
	Args []string
	// Env is its whole environment, "name=value" each.
	Env []string
	// Dir is its working directory, entered as its user; "": ours.
	Dir string
	// Files become descriptors 0, 1, 2 and so on, and stay the caller's; nil
	// ones, and missing ones among the first three, are /dev/null. They are
	// put into blocking mode.
	Files []*os.File
	// Descriptors are what Files are, as numbers: of what is in blocking mode
	// and stays open until Start returns. -1: the one of Files, or /dev/null.
	// Only on Unix.
	Descriptors []int
	// Mark is the value of UNIQUE_ID in Env: what left the program's session
	// is found by it. Different for each child; "": there is none.
	Mark string
}

// Result is how a child ended.
type Result struct {
	Exit         int            // exit status; -1: it was ended by a signal
	Signal       syscall.Signal // that signal, or 0
	User, System time.Duration  // CPU time of it and of those it waited for
	MaxRSS       int64          // bytes that the largest of them had resident; 0: not known, but on Linux not more than we had
	Leftovers    int            // others that had to be killed after it ended
}

// String is the result for logs: "exit status 1", "signal: killed".
func (r Result) String() string {
	if r.Exit < 0 {
		return "signal: " + r.Signal.String()
	}
	return "exit status " + strconv.Itoa(r.Exit)
}
