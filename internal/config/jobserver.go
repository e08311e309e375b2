package config

import (
	"slices"
	"time"

	"freshet/internal/field"
)

// JobQueue says whether a server takes jobs, and how it runs them.
type JobQueue struct {
	Fleet string   // where workers of other machines may join; "": nowhere
	Tasks int64    // run at once here; -1: there is no queue
	User  string   // that programs run as; "": ourselves, for root nobody
	Dirs  []string // in which jobs may run, and below which
	Keep  time.Duration
	Join  Secret // the token of the hub whose fleet the server joins
	NATS  NATS   // where the queue is kept; the zero value: in --data
	Name  string // of the server in its fleet; "": the host's
	Peer  Secret // its token as one of those that keep the fleet; the zero value: it is none
	// PeerListen is where the other peers find it; "": where its token says.
	PeerListen string
	// Inputs bounds the files that jobs come with, in bytes.
	Inputs int64
	// Outputs bounds the files that tasks make, in bytes.
	Outputs int64
	Limits  map[string]int64 // of pools: tasks that run at once
	Shares  map[string]int64 // of owners
}

// NATS is a cluster elsewhere.
type NATS struct {
	URL      string // one, or several with commas; "": none
	Creds    string // a file
	CA       string // a file of certificates
	Replicas int64
}

// secret is shown in place of one.
func secret(string) string { return "(secret)" }

// jobServerRows are of all commands that serve, and so are the rows of alerts.
var jobServerRows = slices.Concat(jobQueueRows, alertRows)

var jobQueueRows = []Flag{
	{Name: "jobs", Kind: Number, Value: "N", Default: "off", Min: 1, Max: 1024, Unit: "tasks", Off: true, OffIs: "no jobs", Group: groupJobs, Restart: true,
		Doc:   "Take jobs (freshet job), and run so many tasks of them at once on this machine. Who can submit jobs runs programs here: this system's user, and who has the monitor's token. They are kept in the folder jobs of --data.",
		field: func(s *sections) any { return &s.server.Jobs.Tasks }},
	{Name: "fleet", Kind: Text, Value: "ADDR", Group: groupJobs, Example: "192.0.2.7:7422", Restart: true,
		Doc:   "Let workers of other machines join at this address (freshet worker), over TLS and with a token only. Implies --jobs 1 where that is off. Unset: none may.",
		field: func(s *sections) any { return &s.server.Jobs.Fleet }},
	{Name: "nats", Kind: Text, Value: "URL", Group: groupJobs, Example: "nats://192.0.2.8:4222,nats://192.0.2.9:4222", Restart: true, shown: field.WithoutLogins,
		Doc:   "Keep the queue, what the fleet has purged, who may join it, and the files of jobs, in a NATS cluster elsewhere (one URL, or several with commas), not in --data. Several servers may name the same cluster, each with --fleet: one leads, the others are standbys, members of its fleet, of which one leads within seconds when it is gone. A URL may hold a login (nats://USER:PASSWORD@HOST:PORT), which others who see the processes of this machine see here: the variable of the environment is better.",
		field: func(s *sections) any { return &s.server.Jobs.NATS.URL }},
	{Name: "nats-creds", Kind: FilePath, Value: "FILE", Group: groupJobs, Example: "/etc/freshet/nats.creds", Restart: true,
		Doc:   "File of credentials for that cluster (JWT and seed), as nsc makes.",
		field: func(s *sections) any { return &s.server.Jobs.NATS.Creds }},
	{Name: "nats-ca", Kind: FilePath, Value: "FILE", Group: groupJobs, Example: "/etc/freshet/nats-ca.pem", Restart: true,
		Doc:   "Certificates that vouch for that cluster, in PEM; TLS is necessary then. Unset: those of the system, where the cluster wants TLS.",
		field: func(s *sections) any { return &s.server.Jobs.NATS.CA }},
	{Name: "nats-replicas", Kind: Number, Value: "N", Default: "1", Min: 1, Max: 3, Unit: "servers", Group: groupJobs, Restart: true,
		Doc:   "On how many servers of that cluster everything is kept, 1 or 3. It counts when the cluster is used for the first time.",
		field: func(s *sections) any { return &s.server.Jobs.NATS.Replicas }},
	{Name: "node-name", Kind: Text, Value: "NAME", Group: groupJobs, Example: "hub-1", Restart: true,
		Doc:   "What this server is called in its fleet: letters, digits, - and _, 40 at most. Servers that name the same cluster need names of their own. Unset: the host's name.",
		field: func(s *sections) any { return &s.server.Jobs.Name }},
	{Name: "fleet-peer-file", Kind: FilePath, Value: "FILE", Group: groupJobs, Example: "/etc/freshet/peer.token", Restart: true,
		Doc:   "Be one of the servers, 3 to 7, that keep the queue, what the fleet has purged, who may join it, and the files of jobs, themselves, each a copy in its --data: the file whose first line is this server's token, of those that freshet worker peers makes. Nobody else may be able to read it (chmod 600). Any one of them may be lost. One leads, the others are standbys, as with --nats.",
		field: func(s *sections) any { return &s.server.Jobs.Peer.File }},
	{Name: "fleet-peer", Kind: Text, Value: "TOKEN", Group: groupJobs, Example: "freshet-peer-1-eyJ...", Restart: true, shown: secret,
		Doc:   "That token itself. It is a secret: others who see the processes of this machine see it here, so that its variable of the environment, or a file, is better.",
		field: func(s *sections) any { return &s.server.Jobs.Peer.Text }},
	{Name: "fleet-peer-listen", Kind: Text, Value: "ADDR", Group: groupJobs, Example: "10.0.0.7:7423", Restart: true,
		Doc:   "Where this server listens for the other peers, if that is not the address by which its token says they find it, as behind a translation of addresses.",
		field: func(s *sections) any { return &s.server.Jobs.PeerListen }},
	{Name: "join-file", Kind: FilePath, Value: "FILE", Group: groupJobs, Example: "/etc/freshet/join.token", Restart: true,
		Doc:   "Join the fleet of another server: the file whose first line is the token that the other one printed, or that freshet worker invite makes there. Nobody else may be able to read it (chmod 600). What is purged there is purged here; while it is not known what was, nothing stored is used without asking the origin. With --jobs N it runs N tasks of the other one's queue, and has none of its own.",
		field: func(s *sections) any { return &s.server.Jobs.Join.File }},
	{Name: "join", Kind: Text, Value: "TOKEN", Group: groupJobs, Example: "freshet-node-1-eyJ...", Restart: true, shown: secret,
		Doc:   "That token itself. It is a secret: others who see the processes of this machine see it here, so that its variable of the environment, or a file, is better.",
		field: func(s *sections) any { return &s.server.Jobs.Join.Text }},
	{Name: "job-user", Kind: Text, Value: "NAME", Group: groupJobs, Example: "render", Restart: true,
		Doc:   "User that jobs run as, by name or number. Only root can choose. Unset: the user that freshet runs as; for root: nobody.",
		field: func(s *sections) any { return &s.server.Jobs.User }},
	{Name: "job-dir", Kind: FilePath, Value: "DIR", Repeat: true, Group: groupJobs, Example: "/srv/shots", Restart: true,
		Doc:   "A folder in which, and below which, jobs may run that ask for it. Without it jobs run in new, empty folders only.",
		field: func(s *sections) any { return &s.server.Jobs.Dirs }},
	{Name: "pool-limit", Kind: Named, Value: "NAME=N", Repeat: true, Min: 1, Max: 1_000_000, Unit: "tasks", Group: groupJobs, Example: "render=4",
		Doc:   "How many tasks of a pool (freshet job submit --pool) run at once, on all machines together; the pool of jobs that name none is called default. Unset: as many as workers take. A change holds for tasks that are begun from then on.",
		field: func(s *sections) any { return &s.server.Jobs.Limits }},
	{Name: "share", Kind: Named, Value: "OWNER=N", Repeat: true, Min: 1, Max: 1000, Unit: "parts", Group: groupJobs, Example: "ada=2",
		Doc:   "What an owner of jobs gets of the workers, compared with others, while there is not enough for all: with 2, twice as many tasks run as of an owner without one. Unset: 1 each.",
		field: func(s *sections) any { return &s.server.Jobs.Shares }},
	{Name: "job-keep", Kind: Duration, Value: "TIME", Default: "7d", Min: minute, Max: 365 * day, Group: groupJobs, Restart: true,
		Doc:   "How long jobs are remembered that are over, with what they wrote.",
		field: func(s *sections) any { return &s.server.Jobs.Keep }},
	{Name: "job-inputs", Kind: Size, Value: "SIZE", Default: "64GiB", Min: mib, Group: groupJobs, Restart: true,
		Doc:   "How much the files may take, all together, that jobs come with (freshet job submit --input); one may have 4 GiB. Each is kept once, until no job is known that needs it. A job that would need more is refused.",
		field: func(s *sections) any { return &s.server.Jobs.Inputs }},
	{Name: "job-outputs", Kind: Size, Value: "SIZE", Default: "64GiB", Min: mib, Group: groupJobs, Restart: true,
		Doc:   "How much the files may take, all together, that tasks of jobs make and that are kept (freshet job submit --output), until their jobs are forgotten. A task whose files would be more fails, and a job with --output is refused while there is no room.",
		field: func(s *sections) any { return &s.server.Jobs.Outputs }},
}

// checkPeer looks at what single rows cannot tell of a server that keeps a fleet
// together with others.
func (s *settings) checkPeer(j *JobQueue) {
	fleet, nats, peer, peerFile, peers := s.label("fleet"), s.label("nats"), s.label("fleet-peer"), s.label("fleet-peer-file"), j.Peer != (Secret{})
	switch {
	case peers && j.Fleet == "":
		s.faultAbout("fleet-peer", "%s is for a server with a fleet; give %s ADDR, where workers and the others find it while it leads", peer, fleet)
	case peers && j.NATS.URL != "":
		s.faultAbout("fleet-peer", "%s and %s exclude each other: the servers of a fleet keep it themselves, or NATS elsewhere does", peer, nats)
	case peers && j.Name != "":
		s.faultAbout("node-name", "%s is for a server without %s, whose token has its name; leave it out", s.label("node-name"), peer)
	case j.Peer.Text != "" && j.Peer.File != "":
		s.faultAbout("fleet-peer", "%s and %s exclude each other; give one", peer, peerFile)
	case !peers && j.PeerListen != "":
		s.faultAbout("fleet-peer-listen", "%s is used with %s TOKEN only", s.label("fleet-peer-listen"), peer)
	}
}
