package jobs

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a Spec.
const (
	maxName     = 200       // bytes of Name
	maxWord     = 64        // bytes of Owner, Pool, Kind and of names of labels
	maxArgs     = 4096      // words of Command
	maxArgBytes = 128 << 10 // bytes of all words
	maxEnv      = 1024      // variables
	maxEnvBytes = 64 << 10  // bytes of all
	maxPath     = 4096      // bytes of Dir
	maxParams   = 64        // Params, of 64 KiB together
	maxLabels   = 32        // Needs
	maxAfter    = 100       // jobs in After
	maxFiles    = 1024      // Files
	maxOutputs  = 64        // Outputs, of 256 bytes each
	maxPattern  = 256       // bytes of Progress
	maxRetries  = 100       // Retries
	maxPriority = 1000      // Priority, either way
	maxSpec     = 512 << 10 // bytes of all, encoded
	maxTimeout  = 366 * 24 * time.Hour
	maxBackoff  = 24 * time.Hour
)

// File is an input of a job, which its worker puts into the working folder.
type File struct {
	Name   string `json:"name"`   // a relative path with slashes
	SHA256 string `json:"sha256"` // of its content, in hexadecimal
	Size   int64  `json:"size"`
	Exec   bool   `json:"exec,omitempty"` // it may be executed
}

// Spec is what is to be done. Check says which limits hold.
type Spec struct {
	Name  string `json:"name,omitempty"`  // for people; at most 200 bytes
	Owner string `json:"owner,omitempty"` // who shares fairly with other owners
	Pool  string `json:"pool,omitempty"`  // whose limit of running tasks holds; empty: "default"
	Kind  string `json:"kind,omitempty"`  // a built-in kind of work; empty: Command is run
	// Key makes a Submit repeatable, as after an error that leaves open whether it
	// has happened: while a job of this owner with this key is known, nothing is
	// added, and its ID is the answer.
	Key string `json:"key,omitempty"`

	Command []string          `json:"command,omitempty"` // a program and its arguments, no shell; at most 4096 of 128 KiB together
	Env     []string          `json:"env,omitempty"`     // NAME=value; at most 1024 of 64 KiB together
	Dir     string            `json:"dir,omitempty"`     // where it runs; empty: in a new folder
	Params  map[string]string `json:"params,omitempty"`  // of a built-in kind; at most 64 of 64 KiB together

	Array    Array         `json:"array,omitzero"`     // numbers of its tasks, at most 10,000,000; zero: one task, numbered 0
	Timeout  time.Duration `json:"timeout,omitempty"`  // of a run, in nanoseconds, at most a year; 0: none
	Retries  int           `json:"retries,omitempty"`  // runs beyond the first, for a task that fails; at most 100
	Backoff  time.Duration `json:"backoff,omitempty"`  // before the first retry, doubled for each further one up to an hour; 0: 10 s
	Priority int           `json:"priority,omitempty"` // higher first; −1000 to 1000
	// Preempt: when a task of it waits and no worker that fits is free, one of a
	// lower priority that runs is given back.
	Preempt bool `json:"preempt,omitempty"`
	// NoPreempt: no task of it is given back for another job.
	NoPreempt bool `json:"no_preempt,omitempty"`

	Needs map[string]string `json:"needs,omitempty"` // labels that a worker must have, at most 32; an empty value: any
	After []ID              `json:"after,omitempty"` // jobs that must succeed first, at most 100
	// AfterAny: the jobs of After need only be over. Otherwise the job fails
	// when one of them fails, is cancelled or dead.
	AfterAny bool `json:"after_any,omitempty"`

	Files   []File   `json:"files,omitempty"`   // at most 1024
	Outputs []string `json:"outputs,omitempty"` // patterns of files in the working folder that are kept; at most 64

	Schedule string `json:"schedule,omitempty"` // "0 3 * * *", "@daily": the job is a template, submitted at these times
	Zone     string `json:"zone,omitempty"`     // of Schedule, as "Europe/Berlin"; empty: UTC
	From     ID     `json:"from,omitempty"`     // the template that this job was made from; set by the scheduler

	Progress string `json:"progress,omitempty"` // an expression with one group that finds the progress in a line of output
}

// pool is the name of the job's pool.
func (s *Spec) pool() string {
	if s.Pool == "" {
		return "default"
	}
	return s.Pool
}

// Check says everything that is wrong with a Spec, each fault a line. The
// error wraps ErrSpec.
func (s *Spec) Check() error {
	var c faults
	c.text("name", s.Name, maxName)
	c.word("owner", s.Owner)
	c.word("pool", s.Pool)
	c.word("kind", s.Kind)
	c.word("key", s.Key)
	c.command(s)
	c.environment(s.Env)
	c.passes("dir", s.Dir)
	c.most("dir: bytes", len(s.Dir), maxPath)
	c.pairs("params", s.Params, maxParams, maxEnvBytes)
	c.most("array: numbers", int(s.Array.Len()), MaxTasks)
	if len(s.Array.spans) > maxSpans/4 {
		c.most("array: bytes of its text", len(s.Array.String()), maxArray)
	}
	c.between("timeout", s.Timeout, maxTimeout)
	c.between("backoff", s.Backoff, maxBackoff)
	if s.Retries < 0 || s.Retries > maxRetries {
		c.add("retries: %d is not between 0 and %d", s.Retries, maxRetries)
	}
	if s.Priority < -maxPriority || s.Priority > maxPriority {
		c.add("priority: %d is not between -%d and %d", s.Priority, maxPriority, maxPriority)
	}
	c.pairs("needs", s.Needs, maxLabels, maxLabels*2*maxWord)
	for name := range s.Needs {
		c.word("needs", name)
	}
	c.after(s)
	c.files(s.Files)
	c.outputs(s.Outputs)
	c.schedule(s)
	c.progress(s.Progress)
	if len(c) == 0 {
		if encoded, err := json.Marshal(s); err != nil || len(encoded) > maxSpec {
			c.add("all of it: %d bytes; at most %d are taken", len(encoded), maxSpec)
		}
	}
	if len(c) > 0 {
		return fmt.Errorf("%w: %w", ErrSpec, errors.Join(c...))
	}
	return nil
}

// faults gathers what is wrong.
type faults []error

func (c *faults) add(format string, args ...any) { *c = append(*c, fmt.Errorf(format, args...)) }

func (c *faults) most(what string, n, most int) {
	if n > most {
		c.add("%s: %d; at most %d are taken", what, n, most)
	}
}

func (c *faults) between(what string, d, most time.Duration) {
	if d < 0 || d > most {
		c.add("%s: %v is not between 0 and %v", what, d, most)
	}
}

// passes is text that programs get. It must be UTF-8, for JSON has no other.
func (c *faults) passes(what, text string) {
	if strings.IndexByte(text, 0) >= 0 {
		c.add("%s: %q has a byte 0 in it", what, clip(text, 40))
	}
	if !utf8.ValidString(text) {
		c.add("%s: %q is not UTF-8", what, clip(text, 40))
	}
}

// text is one line that people read.
func (c *faults) text(what, text string, most int) {
	c.most(what+": bytes", len(text), most)
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		c.add("%s: %q is not a line of text", what, clip(text, 40))
	}
}

// word is a name that is compared.
func (c *faults) word(what, text string) {
	c.most(what+": bytes", len(text), maxWord)
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.@:/+", r) || r == utf8.RuneError {
			c.add("%s: %q has %q in it; letters, digits and -_.@:/+ are taken", what, clip(text, 40), r)
			return
		}
	}
}

func (c *faults) command(s *Spec) {
	if (len(s.Command) == 0) == (s.Kind == "") {
		c.add("command, kind: exactly one of them is needed")
		return
	}
	c.most("command: words", len(s.Command), maxArgs)
	size := 0
	for i, word := range s.Command {
		size += len(word) + 1
		c.passes("command", word)
		if i == 0 && word == "" {
			c.add("command: the program has no name")
		}
	}
	c.most("command: bytes", size, maxArgBytes)
}

func (c *faults) environment(env []string) {
	c.most("env: variables", len(env), maxEnv)
	size := 0
	for _, v := range env {
		size += len(v) + 1
		c.passes("env", v)
		if strings.IndexByte(v, '=') < 1 {
			c.add("env: %q is not NAME=value", clip(v, 40))
		}
	}
	c.most("env: bytes", size, maxEnvBytes)
}

func (c *faults) pairs(what string, m map[string]string, most, mostBytes int) {
	c.most(what, len(m), most)
	size := 0
	for name, value := range m {
		size += len(name) + len(value)
		c.passes(what, name+value)
		if name == "" {
			c.add("%s: a name is empty", what)
		}
	}
	c.most(what+": bytes", size, mostBytes)
}

func (c *faults) after(s *Spec) {
	c.most("after: jobs", len(s.After), maxAfter)
	for _, id := range s.After {
		if _, err := id.number(); err != nil {
			c.add("after: %q is not the name of a job", clip(string(id), 40))
		}
	}
	if s.AfterAny && len(s.After) == 0 {
		c.add("after_any: there is no job in after")
	}
}

func (c *faults) files(files []File) {
	c.most("files", len(files), maxFiles)
	seen, folders := map[string]bool{}, map[string]bool{}
	for _, f := range files {
		if !fs.ValidPath(f.Name) || f.Name == "." || strings.ContainsAny(f.Name, "\\\x00") {
			c.add("files: %q is not a relative path without \"..\"", clip(f.Name, 80))
		}
		if seen[f.Name] {
			c.add("files: %q is named twice", clip(f.Name, 80))
		}
		seen[f.Name] = true
		for dir := path.Dir(f.Name); dir != "." && dir != "/"; dir = path.Dir(dir) {
			folders[dir] = true
		}
		if b, err := hex.DecodeString(f.SHA256); err != nil || len(b) != 32 {
			c.add("files: %q: %q is not a SHA-256 in hexadecimal", clip(f.Name, 80), clip(f.SHA256, 80))
		}
		if f.Size < 0 {
			c.add("files: %q: a size is not negative", clip(f.Name, 80))
		}
	}
	for _, f := range files {
		if folders[f.Name] {
			c.add("files: %q is a file, and a folder of others", clip(f.Name, 80))
		}
	}
}

func (c *faults) outputs(patterns []string) {
	c.most("outputs", len(patterns), maxOutputs)
	for _, p := range patterns {
		c.most("outputs: bytes", len(p), maxPattern)
		if _, err := path.Match(p, ""); err != nil || !fs.ValidPath(p) || strings.ContainsAny(p, "\\\x00") {
			c.add("outputs: %q is not a pattern of relative paths", clip(p, 80))
		}
	}
}

func (c *faults) schedule(s *Spec) {
	if s.Schedule == "" {
		if s.Zone != "" {
			c.add("zone: there is no schedule")
		}
		return
	}
	if _, err := ParseSchedule(s.Schedule, s.Zone); err != nil {
		c.add("%w", err)
	}
	if len(s.After) > 0 {
		c.add("schedule, after: a job has one of them")
	}
}

func (c *faults) progress(pattern string) {
	if pattern == "" {
		return
	}
	c.most("progress: bytes", len(pattern), maxPattern)
	if e, err := regexp.Compile(pattern); err != nil {
		c.add("progress: %w", err)
	} else if e.NumSubexp() != 1 {
		c.add("progress: %q has %d groups, not one", clip(pattern, 80), e.NumSubexp())
	}
}
