package config

import (
	"math"
	"strconv"
)

// addressFlags say where a server listens.
var addressFlags = []Flag{
	{Name: "listen", Kind: Address, Value: "ADDR", Default: ":8000", Repeat: true, Group: groupAddresses,
		Doc:   "Listen on ADDR: :8000, host:port, a port alone, unix:/path or unix:@name; or on a socket that is there already: fd:N, or systemd:NAME (socket activation). When only --tls-listen is given there is no default.",
		field: func(s *sections) any { return &s.server.Listen }},
	{Name: "tls-listen", Kind: Address, Value: "ADDR", Repeat: true, Group: groupAddresses, Example: ":8443",
		Doc:   "Listen on ADDR for TLS, with HTTP/1.1 and HTTP/2. Needs --tls-cert and --tls-key, or --tls-auto, or --tls-local.",
		field: func(s *sections) any { return &s.server.TLSListen }},
	{Name: "tls-cert", Kind: FilePath, Value: "FILE", Group: groupAddresses, Example: "cert.pem",
		Doc:   "Certificate chain, PEM. Read again when the file changes.",
		field: func(s *sections) any { return &s.server.TLSCert }},
	{Name: "tls-key", Kind: FilePath, Value: "FILE", Group: groupAddresses, Example: "key.pem",
		Doc:   "Private key of the certificate, PEM.",
		field: func(s *sections) any { return &s.server.TLSKey }},
	{Name: "tls-local", Kind: Switch, Group: groupAddresses, Restart: true,
		Doc:   "Have certificates signed by the user's own authority (freshet tls ca), which is made when there is none, as they are asked for: for this machine's name and the address that is connected to, names of sites, and names below localhost, test, local, home.arpa and internal. Browsers take them once they trust it (freshet tls trust). For other names those of files are used, else the handshake is refused. When neither --listen nor --tls-listen is given it listens on :8443 for TLS.",
		field: func(s *sections) any { return &s.server.TLSLocal }},
	{Name: "tls-auto", Kind: HostName, Value: "NAME", Repeat: true, Group: groupAddresses, Example: "example.org",
		Doc:   "Have a certificate for NAME from an authority, by ACME, and renew it in time. The authority asks for a proof at port 80 or 443 of the name, which has to lead here. A certificate in a file that is for the name goes before. Until there is one, who asks for the name is refused. When neither --listen nor --tls-listen is given it listens on :80, and on :443 for TLS. Who gives a name agrees to the terms of the authority.",
		field: func(s *sections) any { return &s.server.Auto.Names }},
	{Name: "tls-auto-directory", Kind: AuthorityURL, Value: "URL", Repeat: true, Group: groupAddresses, Example: "https://acme-staging-v02.api.letsencrypt.org/directory", Restart: true,
		Doc:   "Address of the authority's directory. Of several one is asked: the first, or, when one has failed for a name three times in a row, the next. Unset: that of Let's Encrypt.",
		field: func(s *sections) any { return &s.server.Auto.Directory }},
	{Name: "tls-auto-email", Kind: Text, Value: "ADDRESS", Group: groupAddresses, Example: "admin@example.org", Restart: true,
		Doc:   "Where the authority writes to about the certificates. Unset: nowhere.",
		field: func(s *sections) any { return &s.server.Auto.Email }},
	{Name: "tls-auto-ca", Kind: FilePath, Value: "FILE", Group: groupAddresses, Example: "root.pem", Restart: true,
		Doc:   "Certificates, PEM, that the authority's own is trusted by when it is asked, in place of the system's: for an authority of a network's own.",
		field: func(s *sections) any { return &s.server.Auto.CA }},
	{Name: "tls-auto-dns", Kind: FilePath, Value: "PROGRAM", Group: groupAddresses, Example: "/usr/local/bin/dns-hook", Restart: true,
		Doc:   "Prove names by the DNS: PROGRAM is run with present or cleanup, the name of a TXT record, and its value, and ends when all servers of the zone have it. No port is asked at then, and names such as *.example.org can be had.",
		field: func(s *sections) any { return &s.server.Auto.DNS }},
	{Name: "tls-auto-data", Kind: FilePath, Value: "DIR", Group: groupAddresses, Example: "/var/lib/freshet/certificates", Restart: true,
		Doc:   "Folder for these certificates, their keys and the account, which nobody else can read. Several servers may have one. Unset: freshet/certificates in $XDG_DATA_HOME, or in ~/.local/share.",
		field: func(s *sections) any { return &s.server.Auto.Data }},
	{Name: "tls-auto-fleet", Kind: Switch, Group: groupAddresses, Restart: true,
		Doc:   "Have certificates by ACME, their keys and the account be those of the fleet: its hub (--fleet) keeps them, and servers that join it (--join) have them from there, each with a copy of what it serves. One server asks for a certificate, all have it, and each answers the authority for the others. Who has a token of the fleet can have the keys. While the hub is away nobody asks for a certificate, and what there is is served.",
		field: func(s *sections) any { return &s.server.Auto.Fleet }},
	{Name: "tls-auto-ask", Kind: Asked, Value: "PROGRAM|URL", Group: groupAddresses, Example: "https://127.0.0.1:8090/may", Restart: true,
		Doc:   "Get certificates on demand, too: when a handshake asks for a name that nobody has given, PROGRAM is run with it, or URL is asked with domain=NAME in its query; only when the program ends with 0, or the answer is 200, the name gets a certificate. It is asked again before each renewal. Yes is kept for 10 minutes, no for 1. The handshake waits 20 s at most and is refused then, while the order goes on. Unset: there are none on demand.",
		field: func(s *sections) any { return &s.server.Auto.Ask }},
	{Name: "tls-auto-new-names", Kind: Number, Value: "N", Default: strconv.Itoa(defaultNewNames), Min: 1, Max: 10_000, Unit: "names an hour", Group: groupAddresses, Restart: true,
		Doc:   "How many names on demand may be new in an hour; handshakes for more are refused. No more than 8 are asked about or ordered at a time, and 10,000 are looked after.",
		field: func(s *sections) any { return &s.server.Auto.NewNames }},
	{Name: "backlog", Kind: Number, Value: "N", Min: 1, Max: math.MaxInt32, Unit: "connections", Group: groupAddresses, Example: "1024", Restart: true,
		Doc:   "Length of the kernel's accept queue. Unset: the system's own.",
		field: func(s *sections) any { return &s.server.Backlog }},
	{Name: "monitor", Kind: Address, Value: "ADDR|off", Default: "127.0.0.1:8001", Off: true, OffIs: "no monitor", Group: groupAddresses, Restart: true,
		Doc:   "Address of the monitor, the page that shows what the server does. When the port of the default is taken, the next free one is used. An address that other machines reach needs --monitor-token.",
		field: func(s *sections) any { return &s.server.Monitor }},
	{Name: "monitor-token", Kind: SecretFile, Value: "FILE", Group: groupAddresses, Example: "monitor.token", Restart: true,
		Doc:   "File whose first line is the token, or password, of the monitor, of at least 8 characters. The variable of the environment has the token itself. With one nothing is shown to those who do not have it. Without it all can read who reach the address, and changes need the token that the server keeps beside its socket.",
		field: func(s *sections) any { return &s.server.MonitorToken }},
}

// pageFlags are about all answers of a server.
var pageFlags = []Flag{
	{Name: "error-template", Kind: FilePath, Value: "FILE", Group: groupAnswers, Example: "error.html", Restart: true,
		Doc:   "HTML template of error pages (Go html/template).",
		field: func(s *sections) any { return &s.server.ErrorTemplate }},
	{Name: "request-id", Kind: Choice, Value: "WHEN", Default: "errors", Choices: []string{"errors", "always", "never"}, Group: groupAnswers, Restart: true,
		Doc:   "Which answers tell the name of their request, in the field Freshet-Id: errors, those with a status code of 400 or more; always; or never. It stands in the access log, too, and \"freshet why\" explains the request of that name.",
		field: func(s *sections) any { return &s.server.RequestID }},
	{Name: "server-header", Kind: FieldText, Value: "TEXT|off", Default: "freshet", Group: groupAnswers, Restart: true,
		Doc:   "Value of the Server field. off leaves it out.",
		field: func(s *sections) any { return &s.server.ServerHeader }},
}

// logFlags say where a server tells what it does.
var logFlags = []Flag{
	{Name: "access-log", Kind: FilePath, Value: "FILE|-|off", Default: "-", Group: groupLogs, Restart: true,
		Doc:   "Where a line for each request goes; - is standard output. SIGHUP opens the file anew.",
		field: func(s *sections) any { return &s.server.AccessLog }},
	{Name: "log-format", Kind: Choice, Value: "FORMAT", Default: "combined", Choices: []string{"common", "combined", "json"}, Group: groupLogs, Restart: true,
		Doc:   "Form of these lines: common, combined or json. Combined lines end with two columns more, the name of the request and what it came to; common is to the letter.",
		field: func(s *sections) any { return &s.server.LogFormat }},
	{Name: "error-log", Kind: FilePath, Value: "FILE|-", Default: "-", Group: groupLogs, Restart: true,
		Doc:   "Where faults are told; - is standard error. SIGHUP opens the file anew.",
		field: func(s *sections) any { return &s.server.ErrorLog }},
	{Name: "dns-names", Kind: Switch, Group: groupLogs, Restart: true,
		Doc:   "Show the names of clients in the access log, looked up aside in the DNS. A line shows the address until the name is known.",
		field: func(s *sections) any { return &s.server.DNSNames }},
}

// clientFlags are what very old clients need.
var clientFlags = []Flag{
	{Name: "http09", Kind: Switch, Group: groupClients, Restart: true,
		Doc:   "Answer the bare GET line of HTTP/0.9.",
		field: func(s *sections) any { return &s.server.HTTP09 }},
	{Name: "lenient", Kind: Set, Value: "lf,fold", Choices: []string{"lf", "fold"}, Group: groupClients, Example: "lf", Restart: true,
		Doc:   "Forgive lines that end in a line feed alone (lf), or fields that go on in the next line (fold). Behind another server this can be unsafe: the two may see different requests.",
		field: func(s *sections) any { return &lenient{&s.server.LenientLF, &s.server.LenientFold} }},
}

// limitFlags bound what clients may take.
var limitFlags = []Flag{
	{Name: "max-connections", Kind: Number, Value: "N", Default: "65536", Min: 1, Max: 1e7, Unit: "connections", Off: true, Group: groupLimits, Restart: true,
		Doc:   "Open connections. Beyond it: 503, with Retry-After; over TLS the connection is closed.",
		field: func(s *sections) any { return &s.server.MaxConnections }},
	{Name: "max-connections-per-client", Kind: Number, Value: "N", Min: 1, Max: 1e7, Unit: "connections", Off: true, Group: groupLimits, Example: "1000", Restart: true,
		Doc:   "Open connections of one address (IPv6: of one /64). Unset: half of --max-connections. Beyond it: as there.",
		field: func(s *sections) any { return &s.server.MaxConnectionsPerClient }},
	{Name: "queue-connections", Kind: Switch, Group: groupLimits, Restart: true,
		Doc:   "Leave connections beyond --max-connections in the accept queue instead of answering 503.",
		field: func(s *sections) any { return &s.server.QueueConnections }},
	{Name: "max-requests-per-connection", Kind: Number, Value: "N", Default: "1048576", Min: 1, Unit: "requests", Off: true, Group: groupLimits, Restart: true,
		Doc:   "Requests of one connection. Then it is closed after the answer.",
		field: func(s *sections) any { return &s.server.MaxRequestsPerConnection }},
	{Name: "max-head-bytes", Kind: Size, Value: "SIZE", Default: "32KiB", Min: kib, Max: 16 * mib, Group: groupLimits, Restart: true,
		Doc:   "Request line and fields together. Beyond it: 431.",
		field: func(s *sections) any { return &s.server.MaxHeadBytes }},
	{Name: "max-fields", Kind: Number, Value: "N", Default: "128", Min: 1, Max: 65535, Unit: "fields", Group: groupLimits, Restart: true,
		Doc:   "Field lines of a request. Beyond it: 431.",
		field: func(s *sections) any { return &s.server.MaxFields }},
	{Name: "max-target-bytes", Kind: Size, Value: "SIZE", Default: "8KiB", Min: 64, Max: 16 * mib, Group: groupLimits, Restart: true,
		Doc:   "Address in the request line. Beyond it: 414.",
		field: func(s *sections) any { return &s.server.MaxTargetBytes }},
	{Name: "max-body-bytes", Kind: Size, Value: "SIZE", Default: "256MiB", Min: 1, Off: true, Group: groupLimits, Restart: true,
		Doc:   "Body of a request. Beyond it: 413.",
		field: func(s *sections) any { return &s.server.MaxBodyBytes }},
}

// timeFlags bound how long clients may take.
var timeFlags = []Flag{
	{Name: "head-timeout", Kind: Duration, Value: "TIME", Default: "10s", Min: second / 10, Max: day, Off: true, Group: groupTimes, Restart: true,
		Doc:   "Time for a request head. Then: 408.",
		field: func(s *sections) any { return &s.server.HeadTimeout }},
	{Name: "body-timeout", Kind: Duration, Value: "TIME", Default: "30s", Min: second / 10, Max: day, Off: true, Group: groupTimes, Restart: true,
		Doc:   "Longest pause in a request body. Then: 408.",
		field: func(s *sections) any { return &s.server.BodyTimeout }},
	{Name: "min-body-rate", Kind: Size, Value: "SIZE", Default: "256", Min: 1, Max: 1 << 30, Unit: "bytes per second", Off: true, Group: groupTimes, Restart: true,
		Doc:   "Least mean rate of a request body in bytes per second, from its 15th second on. Below it: 408.",
		field: func(s *sections) any { return &s.server.MinBodyRate }},
	{Name: "idle-timeout", Kind: Duration, Value: "TIME", Default: "75s", Min: second / 10, Max: day, Off: true, Group: groupTimes, Restart: true,
		Doc:   "How long a connection may wait for its next request.",
		field: func(s *sections) any { return &s.server.IdleTimeout }},
	{Name: "send-timeout", Kind: Duration, Value: "TIME", Default: "60s", Min: second / 10, Max: day, Off: true, Group: groupTimes, Restart: true,
		Doc:   "How long a client may take nothing of what is sent. Then the connection is cut.",
		field: func(s *sections) any { return &s.server.SendTimeout }},
	{Name: "shutdown-timeout", Kind: Duration, Value: "TIME", Default: "10s", Max: day, Group: groupTimes,
		Doc:   "How long running requests may take after SIGTERM or SIGINT. Then they are cut.",
		field: func(s *sections) any { return &s.server.ShutdownTimeout }},
}
