// Package config declares the commands and flags of freshet, each once, and
// turns a command line and the environment into plain structs. Help texts and
// the reference pages are made from the same table, so that they cannot differ
// from what is parsed.
//
//	s, err := config.ParseServe(os.Args[2:], os.Environ())
//
// What commands share is declared once and shared as rows of the table and as
// a struct: [Server] is in [Serve] and in [Proxy]. The keys of a configuration
// file are rows of the table, too:
//
//	r, err := config.ParseRun(os.Args[2:], os.Environ())
//	f, err := r.Parse(data) // again when the file has changed
//
// A command line goes before the environment, that before the file, that before
// the default. All faults are told at once; those of a file with their place.
//
// It opens nothing, looks at no file and knows no other package: whether a
// folder exists, or an address is free, is found out by package app.
//
// A flag may stand before or after the operands, with one dash or two, its
// value after "=" or as the next argument; "--" ends the flags. Each has an
// environment variable, FRESHET_ and its name in capitals, that a flag on the
// command line overrides. Variables of other names are left alone: container
// platforms set FRESHET_PORT and the like for a service of that name.
package config

//go:generate go test . -run ^TestReference$ -update

import (
	"net/netip"
	"time"
)

// Server is what a command says that serves: where it listens, what it tells
// and what it bears. Every field has its default filled in. A limit that is
// off is -1.
type Server struct {
	Listen    []string // addresses in the forms of socketserver.Listen
	TLSListen []string
	TLSCert   string
	TLSKey    string
	TLSLocal  bool // certificates by the user's own authority
	Auto      Auto
	HTTPS     HTTPS // of what one command serves
	Backlog   int64 // 0: the system's own

	Monitor      string // an address, or "off"
	MonitorAsked bool   // Monitor was given, even if as the default is
	MonitorToken Secret

	Encrypt string // a file of keys; "": what is on disk is not sealed

	Jobs   JobQueue
	Alerts Alerts

	ErrorTemplate string
	RequestID     string // "errors", "always" or "never"
	ServerHeader  string // "off" leaves the field out

	AccessLog string // a path, "-" or "off"
	LogFormat string
	ErrorLog  string // a path or "-"
	DNSNames  bool

	HTTP09      bool
	LenientLF   bool
	LenientFold bool

	MaxConnections           int64
	MaxConnectionsPerClient  int64 // 0: half of MaxConnections
	QueueConnections         bool
	MaxRequestsPerConnection int64
	MaxHeadBytes             int64
	MaxFields                int64
	MaxTargetBytes           int64
	MaxBodyBytes             int64
	HeadTimeout              time.Duration
	BodyTimeout              time.Duration
	MinBodyRate              int64
	IdleTimeout              time.Duration
	SendTimeout              time.Duration
	ShutdownTimeout          time.Duration
}

// A Secret is in a file or, given by a variable of the environment, a text.
// Both are "" when there is none.
type Secret struct {
	File, Text string
}

// Files says how a folder is served.
type Files struct {
	Memory         int64
	Coherence      time.Duration
	Index          []string
	Listing        bool
	SPA            string
	CleanURLs      bool
	Hidden         bool
	FollowSymlinks bool
	Cache          Cache
	Compress       bool
	MIME           map[string]string // ".x": "type/y"
	Trust          []netip.Prefix    // proxies in front
}

// Serve is what the command line of freshet serve says.
type Serve struct {
	Server
	Files
	Programs Programs
	Guards   Guards
	Dir      string   // the folder to serve; "." when none was named
	CGI      []string // paths below which all is run; begin with a slash
	Data     string
	Given    []Setting
}

// Origins says where requests are passed on to.
type Origins struct {
	To                []string // http://, https:// or unix:
	Balance           string
	Host              string // "origin", "client" or a name
	OriginCA          string // file; "" for the system's certificates
	OriginCert        string // a file of ours; "" for none
	OriginKey         string
	OriginSign        string // a file of a key; "": nothing is signed
	HTTP2             bool
	MaxConnections    int64 // 0: no bound
	Trust             []netip.Prefix
	Name              string
	ShowNextHop       bool
	Retries           int64
	ConnectTimeout    time.Duration
	OriginHeadTimeout time.Duration
	OriginBodyTimeout time.Duration
	UpgradeTimeout    time.Duration
	MaxFails          int64
	FailTimeout       time.Duration
}

// Store is where answers are kept for others.
type Store struct {
	Memory int64
	Data   string // "": memory only
	Disk   int64
}

// Caching says which answers are kept and how they are found again.
type Caching struct {
	Enabled    bool
	Profile    string
	MaxObject  int64 // 0: what the store bears
	KeyDrop    []string
	KeyKeep    []string
	KeySort    bool
	KeyHeader  []string
	EarlyHints bool

	MaxVariants      int64
	HeuristicPercent int64
	MaxHeuristic     time.Duration
	MaxStale         time.Duration
	MaxDisconnected  time.Duration
	IgnoreRequest    bool
	Lease            time.Duration
	HitForMiss       time.Duration
	CacheStatus      bool
}

// Proxy is what the command line of freshet proxy says.
type Proxy struct {
	Server
	Origins
	Caching
	Store
	Guards Guards
	Given  []Setting
}

// Purge is what the command line of freshet purge says.
type Purge struct {
	Reach
	URLs, Tags, Prefixes, Hosts, Where []string
	Everything, All                    bool // the same
	Soft, DryRun, Here                 bool
	ID                                 string // of the receipt; "": one is made
	Undo, Receipt                      string // of which purge; "": of none
	Receipts                           bool
	JSON                               bool
}

// sections are the places that rows of the table put values in; a command, or
// a table of a file, has some of them.
type sections struct {
	server   *Server
	files    *Files
	serve    *Serve
	origins  *Origins
	caching  *Caching
	store    *Store
	run      *Run
	site     *Site
	route    *Route
	purge    *Purge
	check    *Check
	why      *Why
	reach    *Reach
	top      *Top
	programs *Programs
	fastcgi  *FastCGI
	tls      *TLS
	smime    *SMIME
	forward  *Forward
	get      *Get
	job      *Job
	worker   *Worker
	servers  *Servers
	guards   *Guards
	sign     *Sign
	seal     *Seal
	alert    *Alert
}

// newSections has all sections, for values that are only looked at.
func newSections() *sections {
	return &sections{&Server{}, &Files{}, &Serve{}, &Origins{}, &Caching{}, &Store{}, &Run{}, &Site{}, &Route{}, &Purge{}, &Check{}, &Why{}, &Reach{}, &Top{}, &Programs{}, &FastCGI{}, &TLS{}, &SMIME{}, &Forward{}, &Get{}, &Job{}, &Worker{}, &Servers{}, &Guards{}, &Sign{}, &Seal{}, &Alert{}}
}

// Cache is the policy of --cache.
type Cache struct {
	Mode CacheMode
	For  time.Duration // of CacheFor
}

// CacheMode is the kind of a Cache.
type CacheMode uint8

// The policies.
const (
	CacheNoCache CacheMode = iota // a stored answer is checked before each use
	CacheAuto                     // by the name of the file
	CacheFor                      // fresh for a time
	CacheOff                      // no Cache-Control at all
)
