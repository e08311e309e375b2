package config

import (
	"slices"
	"strings"
	"time"
)

// Get is what the command line of freshet get says.
type Get struct {
	URLs []string

	AsIs    bool // the path of a URL
	Method  string
	Headers []string  // "Name: value", "Name:", "Name;" or "@file"
	Body    []GetPart // of --data and its kin, or of --form, in their order
	Query   bool      // Body goes into the query
	Upload  string    // a file; "-" for standard input
	Head    bool
	Agent   string
	Referer string
	Range   string
	If      string // a date, or the name of a file; "-" in front for not modified since
	Decode  bool

	Outputs    []GetOutput // for the URLs, in their order
	RemoteAll  bool
	OutputDir  string
	CreateDirs bool
	FieldName  bool // the name that Content-Disposition says
	Keep       bool // Last-Modified becomes the file's time
	NoClobber  bool
	Heads      bool   // heads go to the output, too
	HeadFile   string // and to this file
	Continue   string // an offset, or "-"
	Parallel   int64
	AtOnce     bool // all URLs
	AtOnceMax  int64
	MaxSize    int64
	SHA256     string
	Digest     bool
	Limit      int64

	Cache     bool
	CacheDir  string
	CacheSize int64
	Offline   bool
	Refresh   bool
	Why       bool

	Follow       bool
	MaxRedirects int64
	TrustOthers  bool
	Keep301      bool
	Keep302      bool
	Keep303      bool
	Retries      int64
	RetryDelay   time.Duration
	RetryTime    time.Duration
	RetryAll     bool
	RetryRefused bool
	Fail         bool
	FailWithBody bool
	FailEarly    bool

	User           string
	Bearer         string
	Sign           string // a file of a key
	SignComponents []string
	Cookies        []string
	CookieJar      string
	JunkSession    bool
	Netrc          bool
	NetrcMaybe     bool
	NetrcFile      string

	Proxy          string
	ProxyUser      string
	NoProxy        string
	ProxySet       bool // Proxy was given, perhaps empty
	NoProxySet     bool
	Unix           string
	Abstract       string
	Resolve        []string
	ConnectTo      []string
	IPv4, IPv6     bool
	HTTP10         bool
	HTTP11         bool
	HTTP2          bool
	MaxTime        time.Duration
	ConnectTimeout time.Duration

	CA       string
	Cert     string
	Key      string
	Pinned   string
	Insecure bool
	TLSMin   string // "1.2", "1.3", or ""
	TLSMax   string

	Silent     bool
	ShowErrors bool
	Verbose    bool
	Trace      string
	TraceASCII string
	Meter      bool
	WriteOut   string

	tls1, tls12, tls13 bool
	list               []string // what is taken in its order
}

// GetPart is a piece of a request's body: which flag said it, without dashes,
// and what.
type GetPart struct{ Flag, Value string }

// GetOutput says where an answer goes.
type GetOutput struct {
	File   string // "-" for standard output
	Remote bool   // the name is that of the URL
}

// getCommand is the row of freshet get.
var getCommand = Command{Name: "get", Usage: "[flags] URL...", Short: "fetch URLs, with a cache of one's own",
	Long: "Fetches each URL and writes what is answered to standard output, or to files. Flags are those of curl, where curl has them; docs/get.md says what differs. " +
		"Redirects are followed. What may be kept is kept in the user's own cache, and used again while it is fresh; --why tells where an answer came from. " +
		"The exit status is curl's: 0 when all went well, 2 when the command line is wrong, 22 with --fail for a status of 400 and more.",
	Flags: getFlags, Bare: true}

// getFlags are of freshet get. None has a variable in the environment: those of
// servers (FRESHET_DATA) mean something else.
var getFlags = func() []Flag {
	all := slices.Concat(getRequestRows, getBodyRows, getOutputRows, getCacheRows, getRedirectRows, getLoginRows, getWayRows, getTLSRows, getTellRows)
	for i := range all {
		all[i].bare = true
	}
	return all
}()

// inOrder are the flags whose order among each other means something.
var (
	getData = []string{"data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"}
	getForm = []string{"form", "form-string"}
)

// ParseGet parses what follows "freshet get". read reads files that it names
// with --config. Its error is ErrHelp or Faults.
func ParseGet(args []string, read func(name string) ([]byte, error)) (*Get, error) {
	c := &Get{Follow: true, Meter: true}
	p := newParser("get")
	p.include = read
	said, err := p.curlArgs(args)
	if err != nil {
		return nil, err
	}
	p.store(&sections{get: c})
	c.URLs = p.operands
	for _, s := range said {
		name := p.flags[s.row].Name
		switch {
		case name == "url":
			c.URLs = append(c.URLs, s.text)
		case name == "output":
			c.Outputs = append(c.Outputs, GetOutput{File: s.text})
		case name == "remote-name":
			c.Outputs = append(c.Outputs, GetOutput{Remote: true})
		case slices.Contains(getData, name), slices.Contains(getForm, name):
			c.Body = append(c.Body, GetPart{name, s.text})
		}
	}
	p.checkGet(c)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// checkGet looks at what single rows cannot tell.
func (p *parser) checkGet(c *Get) {
	if len(c.URLs) == 0 {
		p.fault("say what to fetch: freshet get URL")
	}
	form := slices.ContainsFunc(c.Body, func(b GetPart) bool { return slices.Contains(getForm, b.Flag) })
	data := slices.ContainsFunc(c.Body, func(b GetPart) bool { return slices.Contains(getData, b.Flag) })
	bodies := 0
	for _, one := range []bool{form, data && !c.Query, c.Upload != ""} {
		if one {
			bodies++
		}
	}
	switch {
	case bodies > 1:
		p.fault("a request has one body; give --data, --form or --upload-file")
	case c.Head && bodies > 0:
		p.fault("--head has no body; leave out --data, --form or --upload-file, or give --request HEAD")
	}
	if c.Method != "" && !isToken(c.Method) {
		p.fault("bad value %q for --request: give a method, such as GET", c.Method)
	}
	if c.Continue != "" && (c.NoClobber || c.FieldName) {
		p.fault("--continue-at goes on with the file that is named; leave out --no-clobber and --remote-header-name")
	}
	if c.Continue != "" && c.Heads {
		p.fault("--include puts heads into the file; leave it out with --continue-at")
	}
	if c.Continue != "" && c.Range != "" {
		p.fault("--continue-at and --range exclude each other; give one")
	}
	if c.Continue != "" && c.Continue != "-" {
		if n, ok := parseCount(c.Continue); !ok || n < 0 {
			p.fault("bad value %q for --continue-at: give - , or how many bytes there are", c.Continue)
		}
	}
	if c.Offline && c.Refresh {
		p.fault("--offline and --refresh exclude each other; give one")
	}
	if c.Offline && !c.Cache {
		p.fault("--offline answers from the cache; leave out --cache off")
	}
	if c.IPv4 && c.IPv6 {
		c.IPv4, c.IPv6 = false, false
	}
	if c.Unix != "" && c.Abstract != "" {
		p.fault("--unix-socket and --abstract-unix-socket exclude each other; give one")
	}
	if c.Netrc && c.NetrcMaybe {
		c.NetrcMaybe = false
	}
	c.ProxySet, c.NoProxySet = p.has("proxy"), p.has("noproxy")
	for _, v := range []struct {
		on      bool
		version string
	}{{c.tls12, "1.2"}, {c.tls13, "1.3"}} {
		if v.on {
			c.TLSMin = v.version
		}
	}
	if c.TLSMax == "default" {
		c.TLSMax = ""
	}
	if c.TLSMin != "" && c.TLSMax != "" && c.TLSMin > c.TLSMax {
		p.fault("--tlsv%s and --tls-max %s leave no version; change one", c.TLSMin, c.TLSMax)
	}
	if sum := strings.ToLower(c.SHA256); c.SHA256 != "" {
		if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
			p.fault("bad value %q for --sha256: give 64 hexadecimal digits", c.SHA256)
		}
		if c.SHA256 = sum; len(c.URLs) > 1 {
			p.fault("--sha256 is of one content; give one URL")
		}
	}
}
