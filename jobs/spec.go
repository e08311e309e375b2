package jobs

import "time"

// File is an input of a job, which its worker puts into the working folder.
type File struct {
	Name   string `json:"name"`   // a relative path with slashes
	SHA256 string `json:"sha256"` // of its content, in hexadecimal
	Size   int64  `json:"size"`
}

// Spec is what is to be done. Check says which limits hold.
type Spec struct {
	Name  string `json:"name,omitempty"`  // for people
	Owner string `json:"owner,omitempty"` // who shares fairly with other owners
	Pool  string `json:"pool,omitempty"`  // whose limit of running tasks holds; default "default"
	Kind  string `json:"kind,omitempty"`  // a built-in kind of work; empty: Command is run

	Command []string          `json:"command,omitempty"` // a program and its arguments, no shell
	Env     []string          `json:"env,omitempty"`     // NAME=value
	Dir     string            `json:"dir,omitempty"`     // where it runs; empty: in a new folder
	Params  map[string]string `json:"params,omitempty"`  // of a built-in kind

	Array    Array         `json:"array,omitzero"`     // numbers of its tasks; zero: one task, numbered 0
	Timeout  time.Duration `json:"timeout,omitempty"`  // of a run, in nanoseconds; 0: none
	Retries  int           `json:"retries,omitempty"`  // runs beyond the first, for a task that fails
	Backoff  time.Duration `json:"backoff,omitempty"`  // before the first retry, doubled for each further one; 0: 10 s
	Priority int           `json:"priority,omitempty"` // higher first

	Needs map[string]string `json:"needs,omitempty"` // labels that a worker must have; an empty value: any
	After []ID              `json:"after,omitempty"` // jobs that must succeed first
	// AfterAny: the jobs of After need only be over. Otherwise the job fails
	// when one of them does, is cancelled, dead, or not known.
	AfterAny bool `json:"after_any,omitempty"`

	Files   []File   `json:"files,omitempty"`
	Outputs []string `json:"outputs,omitempty"` // patterns of files in the working folder that are kept

	Schedule string `json:"schedule,omitempty"` // "0 3 * * *", "@daily": the job is a template, submitted at these times
	Zone     string `json:"zone,omitempty"`     // of Schedule, as "Europe/Berlin"; default UTC

	Progress string `json:"progress,omitempty"` // an expression with one group that finds the progress in a line of output
}
