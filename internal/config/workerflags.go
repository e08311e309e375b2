package config

import (
	"slices"
	"strings"
	"time"
)

// Worker is what the command line of freshet worker says.
type Worker struct {
	Reach
	Verb string // "", "invite", "list", "peers" or "revoke"
	Name string // of invite and revoke
	// Peers are those of peers: NAME=ADDR.
	Peers []string

	Join   Secret
	Tasks  int64 // 0: a processor each
	Labels []string
	Pools  []string
	User   string
	Dirs   []string
	Drain  time.Duration
	Inputs int64 // bytes of files that jobs came with, kept
	// Encrypt is a file of keys that seal these; "": they are not sealed.
	Encrypt string
	Life    time.Duration // of a token; 0: for ever
	Serves  bool          // it is a server's
}

var workerWords = []string{"invite", "list", "peers", "revoke"}

const groupWorker = "Worker"

// workerRows are of freshet worker alone.
var workerRows = []Flag{
	{Name: "join", Kind: Text, Value: "TOKEN", Group: groupWorker, Example: "freshet-node-1-eyJ...",
		Doc:   "The token that the server printed, or that freshet worker invite makes. It is a secret: others who see the processes of this machine see it here, so that its variable of the environment is better.",
		field: func(s *sections) any { return &s.worker.Join.Text }},
	{Name: "join-file", Kind: FilePath, Value: "FILE", Group: groupWorker, Example: "worker.token", bare: true,
		Doc:   "The file whose first line is the token. Nobody else may be able to read it (chmod 600).",
		field: func(s *sections) any { return &s.worker.Join.File }},
	{Name: "tasks", Kind: Number, Value: "N", Min: 1, Max: 1024, Unit: "tasks", Group: groupWorker, Example: "4", bare: true,
		Doc:   "How many run at once. Unset: one for each processor.",
		field: func(s *sections) any { return &s.worker.Tasks }},
	{Name: "label", Kind: Text, Value: "LABEL[=VALUE]", Repeat: true, Group: groupWorker, Example: "gpu", bare: true,
		Doc:   "What this machine has, for jobs that need it (freshet job submit --need).",
		field: func(s *sections) any { return &s.worker.Labels }},
	{Name: "pool", Kind: Text, Value: "NAME", Repeat: true, Group: groupWorker, Example: "render", bare: true,
		Doc:   "Take tasks of this pool only. Unset: of all.",
		field: func(s *sections) any { return &s.worker.Pools }},
	{Name: "user", Kind: Text, Value: "NAME", Group: groupWorker, Example: "render", bare: true,
		Doc:   "User that jobs run as. Only root can choose. Unset: who starts it; for root: nobody.",
		field: func(s *sections) any { return &s.worker.User }},
	{Name: "job-dir", Kind: FilePath, Value: "DIR", Repeat: true, Group: groupWorker, Example: "/srv/shots", bare: true,
		Doc:   "A folder in which, and below which, jobs may run that ask for it.",
		field: func(s *sections) any { return &s.worker.Dirs }},
	{Name: "drain", Kind: Duration, Value: "TIME", Default: "30s", Max: day, Group: groupWorker, bare: true,
		Doc:   "How long tasks may go on once it is told to stop. Then they are ended, and given back.",
		field: func(s *sections) any { return &s.worker.Drain }},
	{Name: "keep-inputs", Kind: Size, Value: "SIZE", Default: "8GiB", Min: mib, Group: groupWorker, bare: true,
		Doc:   "How much the files may take that jobs came with, and that are kept for the next ones, in the folder freshet/inputs of $XDG_CACHE_HOME, else of ~/.cache. What was used longest ago goes first.",
		field: func(s *sections) any { return &s.worker.Inputs }},
	{Name: "encrypt", Kind: FilePath, Value: "FILE", Group: groupWorker, Example: "/etc/freshet/disk.keys",
		Doc:   "File of keys that seal the files that are kept so, as --encrypt of a server has it. Unset: they are not sealed. What was kept in the other way is removed at the start.",
		field: func(s *sections) any { return &s.worker.Encrypt }},
	{Name: "for", Kind: Duration, Value: "TIME", Min: minute, Max: 3650 * day, Group: groupWorker, Example: "30d", bare: true,
		Doc:   "How long the token of invite is valid. Unset: until it is revoked.",
		field: func(s *sections) any { return &s.worker.Life }},
	{Name: "serves", Kind: Switch, Group: groupWorker, bare: true,
		Doc:   "The token of invite is that of a further server over TLS: with it come the certificates that the hub keeps for the fleet (--tls-auto-fleet), their keys and the account, and the keys of session tickets. Without it the token is a worker's, or a further cache's, and gets none of these.",
		field: func(s *sections) any { return &s.worker.Serves }},
}

// workerUses says which words a flag is for; "" is the worker itself.
var workerUses = map[string][]string{"for": {"invite"}, "serves": {"invite"}}

var workerFlags = slices.Concat(workerRows, reachFlags)

// workerCommand is the row of freshet worker.
var workerCommand = Command{Name: "worker", Usage: "--join TOKEN [flags] | invite | list | revoke | peers ...", Short: "run tasks of a server's jobs on this machine",
	Long: "Joins the server that made the token, and runs tasks of its jobs, in the processes of this machine, until SIGTERM or SIGINT (Ctrl-C). While the server is away it finishes what it has, and waits. " +
		"On the server's machine, invite NAME makes a token for a further worker and prints it, with --serves for a further server; list says which there are, and revoke NAME ends one, and what it is connected by. " +
		"peers NAME=ADDR NAME=ADDR NAME=ADDR makes the tokens of 3 to 7 servers that keep a fleet together (--fleet-peer), without any server: NAME is what one is called, and ADDR, host:port, where the others find it.",
	Flags: workerFlags}

// ParseWorker parses what follows "freshet worker" and the environment. Its
// error is ErrHelp or Faults.
func ParseWorker(args, environ []string) (*Worker, error) {
	c := &Worker{}
	p := newParser("worker")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{worker: c, reach: &c.Reach})
	p.checkReach(&c.Reach)
	var rest []string
	if len(p.operands) > 0 {
		c.Verb, rest = p.word("worker", workerWords)
	}
	switch {
	case len(p.operands) == 0 && c.Join == (Secret{}):
		p.fault("say where to: freshet worker --join TOKEN; freshet worker invite NAME makes one on the server's machine")
	case len(p.operands) == 0, c.Verb == "":
	case c.Verb == "list":
		if len(rest) > 0 {
			p.fault("freshet worker list takes no %q; leave it out", rest[0])
		}
	case c.Verb == "peers":
		if c.Peers = rest; len(rest) == 0 {
			p.fault("say which servers, and where they find each other: freshet worker peers a=10.0.0.1:7423 b=10.0.0.2:7423 c=10.0.0.3:7423")
		}
	case len(rest) != 1:
		p.fault("say which worker: freshet worker %s NAME", c.Verb)
	default:
		c.Name = strings.TrimSpace(rest[0])
	}
	if c.Verb != "" {
		p.flagsOf("worker", c.Verb, nil, workerUses)
	} else if c.Life != 0 {
		p.fault("--for is for freshet worker invite; leave it out")
	} else if c.Serves {
		p.fault("--serves is for freshet worker invite; leave it out")
	}
	if c.Join.Text != "" && c.Join.File != "" {
		p.fault("--join and --join-file exclude each other; give one")
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
