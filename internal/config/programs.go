package config

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Programs says which files are run by CGI, and what they may do. A limit that
// is off is -1, one that is unset 0.
type Programs struct {
	Extensions    []string // with a dot, in lower case
	Index         []string
	User          string
	AllowWritable bool
	Env           []string // NAME or NAME=VALUE
	Authorization bool
	Trust         []netip.Prefix
	Max           int64
	Queue         int64
	QueueTime     time.Duration
	Timeout       time.Duration
	Memory        int64
	CPU           time.Duration
	Processes     int64
	Output        int64
	Spool         int64
	NoNetwork     bool
	Landlock      bool
	Writable      []string
	Cgroup        string // "off", "auto" or a folder
}

// FastCGI says how requests go to a FastCGI backend. A limit that is off is -1.
type FastCGI struct {
	Address           string // "unix:/path" or host:port; "workers" for those that are started
	Root              string
	Split             []string // with a dot, in lower case
	Index             []string
	Fallback          string
	Connections       int64
	Queue             int64
	QueueTime         time.Duration
	ConnectTimeout    time.Duration
	Timeout           time.Duration
	Pause             time.Duration
	Idle              time.Duration
	Output            int64
	Sendfile          []string
	Env               []string
	HideAuthorization bool
	Trust             []netip.Prefix
	Workers           []string // a command
	MinWorkers        int64
	MaxWorkers        int64
	WorkerIdle        time.Duration
	WorkerUser        string
}

// DefaultCaching is how answers are kept where nothing says otherwise.
func DefaultCaching() Caching {
	var c Caching
	newSettings(cachingFlags, nil).store(&sections{caching: &c})
	return c
}

// DefaultFiles is how a folder is served where nothing says otherwise.
func DefaultFiles() Files {
	var f Files
	newSettings(folderRows, nil).store(&sections{files: &f})
	return f
}

// parseExtensions checks extensions with commas between.
func parseExtensions(s string) ([]string, error) {
	const want = "give extensions with a dot, such as .py, and commas between several"
	all := strings.Split(strings.ToLower(s), ",")
	for i, ext := range all {
		ext = strings.TrimSpace(ext)
		if len(ext) < 2 || ext[0] != '.' || strings.ContainsAny(ext, "/\\*\x00 ") {
			return nil, errors.New(want)
		}
		all[i] = ext
	}
	return all, nil
}

// parseVariable checks a variable of the environment, NAME or NAME=VALUE.
func parseVariable(s string) (string, error) {
	name, value, _ := strings.Cut(s, "=")
	for i := range len(name) {
		c := name[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || i > 0 && '0' <= c && c <= '9') {
			return "", errors.New("give NAME or NAME=VALUE, with a name of letters, digits and underscores")
		}
	}
	switch {
	case name == "" || strings.IndexByte(value, 0) >= 0:
		return "", errors.New("give NAME or NAME=VALUE")
	case strings.HasPrefix(name, "HTTP_"):
		return "", errors.New("variables whose names begin with HTTP_ are fields of requests; give it another name")
	}
	return s, nil
}

// checkPrograms looks at what single rows of programs cannot tell.
func (s *settings) checkPrograms(c *Programs) {
	if len(c.Writable) > 0 && !c.Landlock {
		landlock := s.label("cgi-landlock")
		s.faultAbout("cgi-writable", "%s means something with %s only; give that, too", s.label("cgi-writable"), landlock)
	}
}

// differs reports whether something else than the default of a row was given.
func (s *settings) differs(name string) bool {
	i := s.index(name)
	given := s.given[i].values
	return len(given) > 1 || len(given) == 1 && given[0].text != s.flags[i].Default
}

// checkFastCGI looks at what single rows of a FastCGI route cannot tell.
func (s *settings) checkFastCGI(c *FastCGI) {
	own := c.Address == "workers"
	if own && len(c.Workers) == 0 {
		s.faultAbout("fastcgi", "fastcgi = \"workers\" needs a command; give workers = [\"PROGRAM\"], or the address of a backend that runs")
	}
	for _, name := range []string{"workers", "min-workers", "max-workers", "worker-idle", "worker-user"} {
		if !own && s.differs(name) {
			s.faultAbout(name, "%s means something with fastcgi = \"workers\" only; write that, or leave it out", name)
		}
	}
	if own && s.differs("connections") {
		s.faultAbout("connections", "workers have a connection each; give max-workers, and leave connections out")
	}
	if c.MaxWorkers < c.MinWorkers {
		s.faultAbout("min-workers", "min-workers is more than max-workers, which is %d; give both", c.MaxWorkers)
	}
	for _, name := range []string{"split", "fastcgi-index", "fallback"} {
		if c.Root == "" && s.differs(name) {
			s.faultAbout(name, "%s means something with root only; name the folder of the scripts, too", s.label(name))
		}
	}
}

// checkServed looks at what single rows cannot tell about the programs of a
// folder that is served.
func (s *settings) checkServed(c *Serve) {
	s.checkPrograms(&c.Programs)
	if s.has("cgi") || s.has("cgi-ext") {
		return
	}
	for i := range programFlags {
		if name := programFlags[i].Name; s.has(name) {
			s.faultAbout(name, "--%s is about programs, and there are none; give --cgi PATH or --cgi-ext .EXT, too", name)
			return
		}
	}
}

// parseBackend checks the address of a FastCGI backend.
func parseBackend(s string) (string, error) {
	const want = "give unix:/path, host:port or workers"
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || path == "@" || strings.IndexByte(path, 0) >= 0 {
			return "", errors.New(want)
		}
		return s, nil
	}
	host, port, err := net.SplitHostPort(s)
	switch {
	case strings.HasPrefix(s, "/"):
		return "", errors.New("a socket is unix:" + s + " here")
	case err != nil || strings.ContainsAny(host, " /\x00") || port == "" || !isPort(port):
		return "", errors.New(want)
	case host == "":
		return "127.0.0.1" + s, nil
	}
	return s, nil
}
