// Package config declares the commands and flags of freshet, each once, and
// turns a command line and the environment into plain structs. Help texts and
// the reference pages are made from the same table, so that they cannot differ
// from what is parsed.
//
//	s, err := config.ParseServe(os.Args[2:], os.Environ())
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

import "time"

// Serve is what the command line of freshet serve says. Every field has its
// default filled in. A limit that is off is -1.
type Serve struct {
	Dir string // the folder to serve; "." when none was named

	Listen    []string // addresses in the forms of socketserver.Listen
	TLSListen []string
	TLSCert   string
	TLSKey    string
	Backlog   int64 // 0: the system's own

	Memory    int64
	Coherence time.Duration
	Data      string
	Monitor   string // "off"

	Index          []string
	Listing        bool
	SPA            string
	CleanURLs      bool
	Hidden         bool
	FollowSymlinks bool
	Cache          Cache
	Compress       bool
	MIME           map[string]string // ".x": "type/y"
	ErrorTemplate  string
	ServerHeader   string // "off" leaves the field out

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
