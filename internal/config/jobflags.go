package config

import (
	"slices"
	"strings"
	"time"
)

// Job is what the command line of freshet job says.
type Job struct {
	Reach
	Verb    string   // one of jobWords
	IDs     []string // of the jobs that it is about
	Command []string // of submit: the program and its arguments, or the operands of a kind

	Name     string
	Owner    string // "": who types it
	Pool     string
	Kind     string
	Params   []string // NAME=VALUE
	Array    string
	Env      []string // NAME=VALUE
	Dir      string
	Timeout  time.Duration // 0: none
	Retries  int64
	Backoff  time.Duration
	Priority int64
	Preempt  bool
	Stays    bool     // is pre-empted by no other
	Needs    []string // LABEL or LABEL=VALUE
	After    []string
	AfterAny bool
	Inputs   []string // FILE or FILE:NAME
	Outputs  []string
	Schedule string
	Zone     string
	Progress string
	Wait     bool

	States []string
	Tasks  string
	Limit  int64
	Watch  bool
	Follow bool
	JSON   bool
}

var jobWords = []string{"submit", "list", "show", "logs", "cancel", "retry", "pause", "resume", "wait"}

const (
	groupSubmit   = "Word submit"
	groupJobWords = "Other words"
)

// jobRows are of freshet job alone. Which words they are for stands in jobUses.
var jobRows = []Flag{
	{Name: "name", Kind: Text, Value: "NAME", Group: groupSubmit, Example: "shot 7", bare: true,
		Doc:   "What people see. Unset: the program's name.",
		field: func(s *sections) any { return &s.job.Name }},
	{Name: "array", Kind: Text, Value: "NUMBERS", Group: groupSubmit, Example: "1-250x10", bare: true,
		Doc:   "Run the program once for each number: 1-250, 1-250x10, 3,7,9. {frame} in a word of the command is the number, {frame:04} with zeros before it.",
		field: func(s *sections) any { return &s.job.Array }},
	{Name: "pool", Kind: Text, Value: "NAME", Group: groupSubmit, Example: "render", bare: true,
		Doc:   "The pool whose limit holds, and whose workers take it. With list, only jobs of this pool are shown.",
		field: func(s *sections) any { return &s.job.Pool }},
	{Name: "owner", Kind: Text, Value: "NAME", Group: groupSubmit, Example: "ada", bare: true,
		Doc:   "Whose job it is: owners share workers evenly. Unset: the user's name. With list, only jobs of this owner are shown.",
		field: func(s *sections) any { return &s.job.Owner }},
	{Name: "priority", Kind: Number, Value: "N", Max: 1000, Unit: "", Group: groupSubmit, Default: "0", bare: true,
		Doc:   "Jobs with a higher one come first, whoever's they are.",
		field: func(s *sections) any { return &s.job.Priority }},
	{Name: "preempt", Kind: Switch, Group: groupSubmit, bare: true,
		Doc:   "When no worker that fits is free, end a task of a lower priority in its place; that one is queued again, and has not failed. The lowest goes first, then the one that began last.",
		field: func(s *sections) any { return &s.job.Preempt }},
	{Name: "no-preempt", Kind: Switch, Group: groupSubmit, bare: true,
		Doc:   "No task of it is ended for a job with --preempt.",
		field: func(s *sections) any { return &s.job.Stays }},
	{Name: "timeout", Kind: Duration, Value: "TIME", Group: groupSubmit, Example: "10m", Max: 30 * day, bare: true,
		Doc:   "How long a run may take; then it is ended, and has failed. Unset: as long as it likes.",
		field: func(s *sections) any { return &s.job.Timeout }},
	{Name: "retries", Kind: Number, Value: "N", Default: "0", Max: 100, Unit: "runs", Group: groupSubmit, bare: true,
		Doc:   "How often a task that failed is run again.",
		field: func(s *sections) any { return &s.job.Retries }},
	{Name: "backoff", Kind: Duration, Value: "TIME", Default: "10s", Max: day, Group: groupSubmit, bare: true,
		Doc:   "How long it waits before the first of these; twice as long before each further one.",
		field: func(s *sections) any { return &s.job.Backoff }},
	{Name: "env", Kind: Text, Value: "NAME=VALUE", Repeat: true, Group: groupSubmit, Example: "LANG=C", bare: true,
		Doc:   "A variable of the program's environment, which has PATH and HOME otherwise, and what freshet says of the task.",
		field: func(s *sections) any { return &s.job.Env }},
	{Name: "dir", Kind: FilePath, Value: "DIR", Group: groupSubmit, Example: "/srv/shots", bare: true,
		Doc:   "The folder that it runs in, on the worker, which must allow it. Unset: a new, empty one that is removed afterwards.",
		field: func(s *sections) any { return &s.job.Dir }},
	{Name: "input", Kind: Text, Value: "FILE[:NAME]", Repeat: true, Group: groupSubmit, Example: "scene.blend", bare: true,
		Doc:   "A file of this machine that it needs, or a folder with all that is in it: a copy is in its folder ($HOME) when it starts, on whatever worker, under its own name or NAME. Only what the server does not have yet is sent.",
		field: func(s *sections) any { return &s.job.Inputs }},
	{Name: "output", Kind: Text, Value: "PATTERN", Repeat: true, Group: groupSubmit, Example: "*.png", bare: true,
		Doc:   "Files of that folder that are kept when it has succeeded.",
		field: func(s *sections) any { return &s.job.Outputs }},
	{Name: "need", Kind: Text, Value: "LABEL[=VALUE]", Repeat: true, Group: groupSubmit, Example: "gpu", bare: true,
		Doc:   "A label that its worker must have.",
		field: func(s *sections) any { return &s.job.Needs }},
	{Name: "after", Kind: Text, Value: "ID", Repeat: true, Group: groupSubmit, Example: "000000001", bare: true,
		Doc:   "A job that has to succeed first. When it does not, this one fails.",
		field: func(s *sections) any { return &s.job.After }},
	{Name: "after-any", Kind: Switch, Group: groupSubmit, bare: true,
		Doc:   "Jobs of --after need only be over.",
		field: func(s *sections) any { return &s.job.AfterAny }},
	{Name: "schedule", Kind: Text, Value: "CRON", Group: groupSubmit, Example: "0 3 * * *", bare: true,
		Doc:   "Submit it again and again: minute, hour, day, month, weekday, or @hourly, @daily, @weekly, @monthly.",
		field: func(s *sections) any { return &s.job.Schedule }},
	{Name: "zone", Kind: Text, Value: "ZONE", Group: groupSubmit, Example: "Europe/Berlin", bare: true,
		Doc:   "The time zone of --schedule. Unset: UTC.",
		field: func(s *sections) any { return &s.job.Zone }},
	{Name: "progress", Kind: Text, Value: "EXPRESSION", Group: groupSubmit, Example: `Rendered (\d+)%`, bare: true,
		Doc:   "A regular expression with one group that finds, in a line of its output, how many percent are done. A program can also write lines such as \"progress 0.4\" to descriptor 3.",
		field: func(s *sections) any { return &s.job.Progress }},
	{Name: "kind", Kind: Choice, Value: "NAME", Choices: []string{"check", "list-update", "precompress", "purge", "scrub", "warm"}, Group: groupSubmit, Example: "warm", bare: true,
		Doc:   "Built-in work in place of a program, on the addresses that follow: warm fetches them, so that caches on the way have them; check does what freshet check does, and purge what freshet purge does; scrub, without addresses, reads back what the cache has on disk, and removes what is not what was written; list-update looks at the filter lists; precompress writes what files are in gzip, br and zstd beside them, of paths such as /docs/ or of all.",
		field: func(s *sections) any { return &s.job.Kind }},
	{Name: "param", Kind: Text, Value: "NAME=VALUE", Repeat: true, Group: groupSubmit, Example: "sitemap=http://127.0.0.1:8000/sitemap.xml", bare: true,
		Doc:   "A parameter of it: of warm, sitemap=URL (all that it lists), concurrency=N, accept-encoding=VALUE; of check, sitemap=URL, fail-on=SEVERITY, passive=yes, concurrency=N, max-pages=N; of purge, tags=TAGS, hosts=HOSTS, prefixes=URLS, where=CONDITION, all=yes, soft=yes; of scrub, rate=SIZE (a second); of precompress, codings=gzip,br,zstd, min-size=SIZE.",
		field: func(s *sections) any { return &s.job.Params }},
	{Name: "wait", Kind: Switch, Group: groupSubmit, bare: true,
		Doc:   "Wait until it is over, as freshet job wait does.",
		field: func(s *sections) any { return &s.job.Wait }},

	{Name: "tasks", Kind: Text, Value: "NUMBERS", Group: groupJobWords, Example: "3,7", bare: true,
		Doc:   "Only these tasks of the job, for cancel, retry, show and logs. Unset: all that it can be done to.",
		field: func(s *sections) any { return &s.job.Tasks }},
	{Name: "state", Kind: Set, Value: "STATES", Choices: []string{"queued", "running", "succeeded", "failed", "cancelled", "dead"}, Repeat: true, Group: groupJobWords, Example: "failed", bare: true,
		Doc:   "Only jobs in this state, for list; for show, only tasks.",
		field: func(s *sections) any { return &s.job.States }},
	{Name: "limit", Kind: Number, Value: "N", Min: 1, Max: 1000, Default: "20", Unit: "rows", Group: groupJobWords, bare: true,
		Doc:   "How many rows are shown at most, of list and show.",
		field: func(s *sections) any { return &s.job.Limit }},
	{Name: "watch", Kind: Switch, Group: groupJobWords, bare: true,
		Doc:   "Show the list again each second, until Ctrl-C.",
		field: func(s *sections) any { return &s.job.Watch }},
	{Name: "follow", Short: "f", Kind: Switch, Group: groupJobWords, bare: true,
		Doc:   "Go on with logs until the job is over.",
		field: func(s *sections) any { return &s.job.Follow }},
	{Name: "json", Kind: Switch, Group: groupJobWords, bare: true,
		Doc:   "Print JSON, for programs.",
		field: func(s *sections) any { return &s.job.JSON }},
}

// jobUses says which words a flag is for, if it is not for submit alone.
var jobUses = map[string][]string{
	"pool": {"submit", "list"}, "owner": {"submit", "list"},
	"tasks": {"cancel", "retry", "show", "logs"}, "state": {"list", "show"}, "limit": {"list", "show"},
	"watch": {"list"}, "follow": {"logs"}, "json": {"submit", "list", "show", "wait"},
}

var jobFlags = slices.Concat(jobRows, reachFlags)

// jobCommand is the row of freshet job.
var jobCommand = Command{Name: "job", Usage: "submit [--] PROGRAM [ARG...] | WORD [ID...]",
	Short: "submit jobs to a server, and look after them",
	Long: "submit has a server that was started with --jobs run a program, or for each number of an array, on this machine or on its workers, and prints the job's ID. The words of the command are given to the program as they are, without a shell. " +
		"The other words are list, which shows the latest jobs; show, for one and its tasks; logs, what they wrote; cancel, which ends them; retry, which queues what failed, was cancelled or is dead anew; pause and resume; and wait. " +
		"wait returns when the jobs are over; its exit status is 0 when all have succeeded, else 1.",
	Flags: jobFlags}

// ParseJob parses what follows "freshet job" and the environment. Its error is
// ErrHelp or Faults.
func ParseJob(args, environ []string) (*Job, error) {
	c := &Job{}
	p := newParser("job")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{job: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	var rest []string
	c.Verb, rest = p.word("job", jobWords)
	switch {
	case c.Verb == "":
	case c.Verb == "submit":
		c.Command = rest
		p.checkSubmit(c)
	case c.Verb == "list":
		if len(rest) > 0 {
			p.fault("freshet job list takes no %q; leave it out, or see freshet job show", rest[0])
		}
	case len(rest) == 0:
		p.fault("say which job: freshet job %s ID", c.Verb)
	case len(rest) > 1 && (c.Verb == "show" || c.Verb == "logs"):
		p.fault("%q is one too many; freshet job %s takes one job", rest[1], c.Verb)
	default:
		c.IDs = rest
	}
	if c.Verb != "" {
		p.flagsOf("job", c.Verb, []string{"submit"}, jobUses)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// checkSubmit looks at what single rows cannot tell.
func (p *parser) checkSubmit(c *Job) {
	if len(c.Command) == 0 && c.Kind == "" && !p.has("kind") {
		p.fault("say what to run: freshet job submit -- PROGRAM ARG...")
	}
	for _, list := range [...]struct {
		flag  string
		pairs []string
	}{{"env", c.Env}, {"param", c.Params}} {
		for _, pair := range list.pairs {
			if name, _, ok := strings.Cut(pair, "="); !ok || name == "" {
				p.fault("bad value %q for --%s: give NAME=VALUE", pair, list.flag)
			}
		}
	}
	if c.Zone != "" && c.Schedule == "" {
		p.fault("--zone is the time zone of --schedule; give that too, or leave it out")
	}
	if c.Kind != "" && len(c.Inputs) > 0 {
		p.fault("--input is for programs; built-in work (--kind) takes no files")
	}
	if c.Schedule != "" && c.Wait {
		p.fault("a job with --schedule is never over; leave --wait out")
	}
}
