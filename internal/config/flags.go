package config

import "math"

// A Flag is one row of the table: all that is known about it.
type Flag struct {
	Name    string // without dashes
	Kind    Kind
	Value   string   // what its value is called in help texts; "" for switches
	Default string   // in the form that a user would type; "" means unset
	Min     int64    // of numbers and sizes; durations in nanoseconds
	Max     int64    // 0: no bound
	Unit    string   // of plain numbers
	Choices []string // of Choice and Set
	Off     bool     // "off" is accepted, for no limit
	Repeat  bool
	Group   string
	Doc     string // sentences

	field func(*Serve) any // pointer to where the value goes
}

// Env returns the name of the flag's environment variable.
func (f *Flag) Env() string { return envName(f.Name) }

// The groups in the order of the help text.
const (
	groupAddresses = "Addresses"
	groupFiles     = "Files"
	groupAnswers   = "Answers"
	groupLogs      = "Logs"
	groupClients   = "Old clients"
	groupLimits    = "Limits"
	groupTimes     = "Time limits"
)

const (
	second = int64(1e9)
	minute = 60 * second
	day    = 24 * 60 * minute
	kib    = int64(1 << 10)
	mib    = int64(1 << 20)
)

// ServeFlags are the flags of freshet serve.
var ServeFlags = []Flag{
	{Name: "listen", Kind: Address, Value: "ADDR", Default: ":8000", Repeat: true, Group: groupAddresses,
		Doc:   "Listen on ADDR: :8000, host:port, a port alone, unix:/path or unix:@name. When only --tls-listen is given there is no default.",
		field: func(s *Serve) any { return &s.Listen }},
	{Name: "tls-listen", Kind: Address, Value: "ADDR", Repeat: true, Group: groupAddresses,
		Doc:   "Listen on ADDR for TLS, with HTTP/1.1 and HTTP/2. Needs --tls-cert and --tls-key.",
		field: func(s *Serve) any { return &s.TLSListen }},
	{Name: "tls-cert", Kind: Text, Value: "FILE", Group: groupAddresses,
		Doc:   "Certificate chain, PEM. Read again when the file changes.",
		field: func(s *Serve) any { return &s.TLSCert }},
	{Name: "tls-key", Kind: Text, Value: "FILE", Group: groupAddresses,
		Doc:   "Private key of the certificate, PEM.",
		field: func(s *Serve) any { return &s.TLSKey }},
	{Name: "backlog", Kind: Number, Value: "N", Min: 1, Max: math.MaxInt32, Unit: "connections", Group: groupAddresses,
		Doc:   "Length of the kernel's accept queue. Unset: the system's own.",
		field: func(s *Serve) any { return &s.Backlog }},
	{Name: "monitor", Kind: Choice, Value: "off", Default: "off", Choices: []string{"off"}, Group: groupAddresses,
		Doc:   "Address of the monitor's page. There is no monitor yet, so only off is accepted.",
		field: func(s *Serve) any { return &s.Monitor }},

	{Name: "memory", Kind: Size, Value: "SIZE", Default: "256MiB", Min: mib, Group: groupFiles,
		Doc:   "Memory for files and their compressed forms. Beyond it the files that were not asked for lately are dropped from memory.",
		field: func(s *Serve) any { return &s.Memory }},
	{Name: "coherence", Kind: Duration, Value: "TIME", Default: "0", Max: day, Group: groupFiles,
		Doc:   "How long a file in memory is taken for unchanged. 0: its state is looked up for each request, so that an edit shows in the next one. On a network file system an edit shows as soon as its attribute cache tells of it.",
		field: func(s *Serve) any { return &s.Coherence }},
	{Name: "data", Kind: Text, Value: "DIR", Group: groupFiles,
		Doc:   "Folder for what the server stores. Accepted, and not used until something is stored.",
		field: func(s *Serve) any { return &s.Data }},
	{Name: "index", Kind: FileName, Value: "NAME", Default: "index.html", Repeat: true, Group: groupFiles,
		Doc:   "File that answers for its folder; the first that exists.",
		field: func(s *Serve) any { return &s.Index }},
	{Name: "listing", Kind: OnOff, Value: "on|off", Default: "on", Group: groupFiles,
		Doc:   "List folders that have no index file.",
		field: func(s *Serve) any { return &s.Listing }},
	{Name: "spa", Kind: PathInside, Value: "FILE", Group: groupFiles,
		Doc:   "Page that answers for pages that do not exist, as applications with their own routing need it. Never for a missing script, style or image.",
		field: func(s *Serve) any { return &s.SPA }},
	{Name: "clean-urls", Kind: Switch, Group: groupFiles,
		Doc:   "Serve about.html as /about.",
		field: func(s *Serve) any { return &s.CleanURLs }},
	{Name: "hidden", Kind: Switch, Group: groupFiles,
		Doc:   "Serve and list dotfiles, editor backups, key files and folders of version control systems too.",
		field: func(s *Serve) any { return &s.Hidden }},
	{Name: "follow-symlinks", Kind: Switch, Group: groupFiles,
		Doc:   "Follow symbolic links that lead out of the folder.",
		field: func(s *Serve) any { return &s.FollowSymlinks }},

	{Name: "cache", Kind: CachePolicy, Value: "POLICY", Default: "no-cache", Min: second, Max: 365 * day, Group: groupAnswers,
		Doc:   "What caches are told. no-cache: check before each use. auto: names with a hash in them are kept for a year, pages are checked, the rest is kept for a short time. A duration: keep for that time. off: nothing.",
		field: func(s *Serve) any { return &s.Cache }},
	{Name: "compress", Kind: OnOff, Value: "on|off", Default: "on", Group: groupAnswers,
		Doc:   "Send gzip, br or zstd to clients that take them. Made once in the background, or taken from files beside the original (.gz, .br, .zst).",
		field: func(s *Serve) any { return &s.Compress }},
	{Name: "mime", Kind: MIMEType, Value: ".x=type/y", Repeat: true, Group: groupAnswers,
		Doc:   "Media type of files with the extension .x.",
		field: func(s *Serve) any { return &s.MIME }},
	{Name: "error-template", Kind: Text, Value: "FILE", Group: groupAnswers,
		Doc:   "HTML template of error pages (Go html/template).",
		field: func(s *Serve) any { return &s.ErrorTemplate }},
	{Name: "server-header", Kind: FieldText, Value: "TEXT|off", Default: "freshet", Group: groupAnswers,
		Doc:   "Value of the Server field. off leaves it out.",
		field: func(s *Serve) any { return &s.ServerHeader }},

	{Name: "access-log", Kind: Text, Value: "FILE|-|off", Default: "-", Group: groupLogs,
		Doc:   "Where a line for each request goes; - is standard output. SIGHUP opens the file anew.",
		field: func(s *Serve) any { return &s.AccessLog }},
	{Name: "log-format", Kind: Choice, Value: "FORMAT", Default: "combined", Choices: []string{"common", "combined", "json"}, Group: groupLogs,
		Doc:   "Form of these lines: common, combined or json.",
		field: func(s *Serve) any { return &s.LogFormat }},
	{Name: "error-log", Kind: Text, Value: "FILE|-", Default: "-", Group: groupLogs,
		Doc:   "Where faults are told; - is standard error. SIGHUP opens the file anew.",
		field: func(s *Serve) any { return &s.ErrorLog }},
	{Name: "dns-names", Kind: Switch, Group: groupLogs,
		Doc:   "Show the names of clients in the access log, looked up aside in the DNS. A line shows the address until the name is known.",
		field: func(s *Serve) any { return &s.DNSNames }},

	{Name: "http09", Kind: Switch, Group: groupClients,
		Doc:   "Answer the bare GET line of HTTP/0.9.",
		field: func(s *Serve) any { return &s.HTTP09 }},
	{Name: "lenient", Kind: Set, Value: "lf,fold", Choices: []string{"lf", "fold"}, Group: groupClients,
		Doc:   "Forgive lines that end in a line feed alone (lf), or fields that go on in the next line (fold). Behind another server this can be unsafe: the two may see different requests.",
		field: func(s *Serve) any { return &lenient{&s.LenientLF, &s.LenientFold} }},

	{Name: "max-connections", Kind: Number, Value: "N", Default: "65536", Min: 1, Max: 1e7, Unit: "connections", Off: true, Group: groupLimits,
		Doc:   "Open connections. Beyond it: 503, with Retry-After; over TLS the connection is closed.",
		field: func(s *Serve) any { return &s.MaxConnections }},
	{Name: "max-connections-per-client", Kind: Number, Value: "N", Min: 1, Max: 1e7, Unit: "connections", Off: true, Group: groupLimits,
		Doc:   "Open connections of one address (IPv6: of one /64). Unset: half of --max-connections. Beyond it: as there.",
		field: func(s *Serve) any { return &s.MaxConnectionsPerClient }},
	{Name: "queue-connections", Kind: Switch, Group: groupLimits,
		Doc:   "Leave connections beyond --max-connections in the accept queue instead of answering 503.",
		field: func(s *Serve) any { return &s.QueueConnections }},
	{Name: "max-requests-per-connection", Kind: Number, Value: "N", Default: "1048576", Min: 1, Unit: "requests", Off: true, Group: groupLimits,
		Doc:   "Requests of one connection. Then it is closed after the answer.",
		field: func(s *Serve) any { return &s.MaxRequestsPerConnection }},
	{Name: "max-head-bytes", Kind: Size, Value: "SIZE", Default: "32KiB", Min: kib, Max: 16 * mib, Group: groupLimits,
		Doc:   "Request line and fields together. Beyond it: 431.",
		field: func(s *Serve) any { return &s.MaxHeadBytes }},
	{Name: "max-fields", Kind: Number, Value: "N", Default: "128", Min: 1, Max: 65535, Unit: "fields", Group: groupLimits,
		Doc:   "Field lines of a request. Beyond it: 431.",
		field: func(s *Serve) any { return &s.MaxFields }},
	{Name: "max-target-bytes", Kind: Size, Value: "SIZE", Default: "8KiB", Min: 64, Max: 16 * mib, Group: groupLimits,
		Doc:   "Address in the request line. Beyond it: 414.",
		field: func(s *Serve) any { return &s.MaxTargetBytes }},
	{Name: "max-body-bytes", Kind: Size, Value: "SIZE", Default: "256MiB", Min: 1, Off: true, Group: groupLimits,
		Doc:   "Body of a request. Beyond it: 413.",
		field: func(s *Serve) any { return &s.MaxBodyBytes }},

	{Name: "head-timeout", Kind: Duration, Value: "TIME", Default: "10s", Min: second / 10, Max: day, Off: true, Group: groupTimes,
		Doc:   "Time for a request head. Then: 408.",
		field: func(s *Serve) any { return &s.HeadTimeout }},
	{Name: "body-timeout", Kind: Duration, Value: "TIME", Default: "30s", Min: second / 10, Max: day, Off: true, Group: groupTimes,
		Doc:   "Longest pause in a request body. Then: 408.",
		field: func(s *Serve) any { return &s.BodyTimeout }},
	{Name: "min-body-rate", Kind: Size, Value: "SIZE", Default: "256", Min: 1, Max: 1 << 30, Unit: "bytes per second", Off: true, Group: groupTimes,
		Doc:   "Least mean rate of a request body in bytes per second, from its 15th second on. Below it: 408.",
		field: func(s *Serve) any { return &s.MinBodyRate }},
	{Name: "idle-timeout", Kind: Duration, Value: "TIME", Default: "75s", Min: second / 10, Max: day, Off: true, Group: groupTimes,
		Doc:   "How long a connection may wait for its next request.",
		field: func(s *Serve) any { return &s.IdleTimeout }},
	{Name: "send-timeout", Kind: Duration, Value: "TIME", Default: "60s", Min: second / 10, Max: day, Off: true, Group: groupTimes,
		Doc:   "How long a client may take nothing of what is sent. Then the connection is cut.",
		field: func(s *Serve) any { return &s.SendTimeout }},
	{Name: "shutdown-timeout", Kind: Duration, Value: "TIME", Default: "10s", Max: day, Group: groupTimes,
		Doc:   "How long running requests may take after SIGTERM or SIGINT. Then they are cut.",
		field: func(s *Serve) any { return &s.ShutdownTimeout }},
}

// lenient is where --lenient puts its words.
type lenient struct{ lf, fold *bool }
