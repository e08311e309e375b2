package config

import (
	"net"
	"regexp"
	"slices"
	"strings"
)

// TLS is what the command line of freshet tls says.
type TLS struct {
	Verb  string   // "ca", "cert", "probe" or "trust"
	Names []string // of cert
	Peer  string   // of probe, host:port

	Dir     string // of the authority; "" for the user's own
	Name    string
	Permit  []string
	Exclude []string
	Days    int64 // that a certificate lives; 0: the default of what is made
	Print   bool
	Force   bool

	Out    string // "" for a name that is made of the first name
	Key    string // the same
	Client bool
	CSR    bool

	JSON bool
	CA   string // a file of authorities; "" for the system's
	SNI  string

	Apply bool // of trust

	Encrypt string // a file of keys; "": the authority is not sealed
}

var tlsVerbs = []string{"ca", "cert", "probe", "trust"}

const (
	groupNotProbe  = "All words but probe"
	groupCA        = "Word ca"
	groupCAAndCert = "Words ca and cert"
	groupCert      = "Word cert"
	groupProbe     = "Word probe"
	groupTrust     = "Word trust"
)

// tlsFlags are of freshet tls. Which words they are for stands in tlsUses.
var tlsFlags = []Flag{
	{Name: "dir", Kind: FilePath, Value: "DIR", Group: groupNotProbe, Example: "/var/lib/freshet/authority",
		Doc:   "The folder of the authority. Its key is in there, and nobody else may read it. Unset: $XDG_DATA_HOME/freshet/authority, else ~/.local/share/freshet/authority.",
		field: func(s *sections) any { return &s.tls.Dir }},
	{Name: "encrypt", Kind: FilePath, Value: "FILE", Group: groupNotProbe, Example: "/etc/freshet/disk.keys",
		Doc:   "The authority is sealed by the keys in this file, as --encrypt of a server has it. Unset: it is not. One that is there is as this says, or refused; \"freshet seal\" rewrites it.",
		field: func(s *sections) any { return &s.tls.Encrypt }},
	{Name: "name", Kind: Text, Value: "NAME", Group: groupCA, Example: "test bench",
		Doc:   "What people see in lists of authorities. Unset: freshet local authority. A part of its key's hash is added.",
		field: func(s *sections) any { return &s.tls.Name }},
	{Name: "permit", Kind: Text, Value: "DOMAIN", Repeat: true, Group: groupCA, Example: "home.arpa",
		Doc:   "The authority vouches for this domain and what is below it, or this address or prefix, and for nothing else that is not permitted; clients see to that. Unset: for any name.",
		field: func(s *sections) any { return &s.tls.Permit }},
	{Name: "exclude", Kind: Text, Value: "DOMAIN", Repeat: true, Group: groupCA, Example: "bank.example",
		Doc:   "The authority does not vouch for this domain and what is below it, or this address or prefix.",
		field: func(s *sections) any { return &s.tls.Exclude }},
	{Name: "print", Kind: Switch, Group: groupCA,
		Doc:   "Print the certificate of the authority that there is, PEM, and make none.",
		field: func(s *sections) any { return &s.tls.Print }},
	{Name: "force", Kind: Switch, Group: groupCAAndCert,
		Doc:   "Replace what is there. What an authority has signed is worth nothing when it is replaced.",
		field: func(s *sections) any { return &s.tls.Force }},
	{Name: "days", Kind: Number, Value: "N", Min: 1, Max: 3650, Unit: "days", Group: groupCAAndCert, Example: "90",
		Doc:   "How long it is valid. Unset: 1825 for an authority, 397 for a certificate, which may have 825 at most, and not more than its authority.",
		field: func(s *sections) any { return &s.tls.Days }},
	{Name: "out", Kind: FilePath, Value: "FILE", Group: groupCert, Example: "site.pem",
		Doc:   "Where the certificate goes, or the request. Unset: the first name, with .pem or .csr.",
		field: func(s *sections) any { return &s.tls.Out }},
	{Name: "key", Kind: FilePath, Value: "FILE", Group: groupCert, Example: "site.key",
		Doc:   "The file where its key goes, with mode 0600; what kind of key it is cannot be chosen. Unset: the first name, with .key.",
		field: func(s *sections) any { return &s.tls.Key }},
	{Name: "client", Kind: Switch, Group: groupCert,
		Doc:   "Make it for a client that proves who it is, in place of a server; the first name may then be any text.",
		field: func(s *sections) any { return &s.tls.Client }},
	{Name: "csr", Kind: Switch, Group: groupCert,
		Doc:   "Make a request for the names that another authority can sign, in place of a certificate. Requests of others are not signed.",
		field: func(s *sections) any { return &s.tls.CSR }},
	{Name: "json", Kind: Switch, Group: groupProbe,
		Doc:   "Print JSON, for programs.",
		field: func(s *sections) any { return &s.tls.JSON }},
	{Name: "ca", Kind: FilePath, Value: "FILE", Group: groupProbe, Example: "freshet-ca.crt",
		Doc:   "The authorities that are trusted, PEM. Unset: those that the system trusts.",
		field: func(s *sections) any { return &s.tls.CA }},
	{Name: "sni", Kind: Text, Value: "NAME", Group: groupProbe, Example: "www.example.org",
		Doc:   "The name that is asked for, and that the certificate has to be for. Unset: that of the host.",
		field: func(s *sections) any { return &s.tls.SNI }},
	{Name: "apply", Kind: Switch, Group: groupTrust,
		Doc:   "Have this machine trust the authority, on Linux: the system, by update-ca-certificates, update-ca-trust or trust, with sudo unless root runs it, and the databases of Chrome, Chromium and Firefox below HOME, by certutil. Each command is printed before it runs, the first that fails ends it, and where the authority is trusted already nothing is done. Unset: what has to be done is printed.",
		field: func(s *sections) any { return &s.tls.Apply }},
}

// tlsUses says which words a flag is for.
var tlsUses = map[string][]string{
	"dir": {"ca", "cert", "trust"}, "encrypt": {"ca", "cert", "trust"},
	"name": {"ca"}, "permit": {"ca"}, "exclude": {"ca"}, "print": {"ca"},
	"force": {"ca", "cert"}, "days": {"ca", "cert"},
	"out": {"cert"}, "key": {"cert"}, "client": {"cert"}, "csr": {"cert"},
	"apply": {"trust"}, "json": {"probe"}, "ca": {"probe"}, "sni": {"probe"},
}

// tlsCommand is the row of freshet tls.
var tlsCommand = Command{Name: "tls", Usage: "ca | cert NAME... | probe HOST[:PORT] | trust", Short: "local certificates, and what a TLS server offers",
	Long: "ca makes a certificate authority for the user, or says which one there is. cert signs a certificate with it, for hosts (www.home.arpa, *.home.arpa), addresses, or a client. " +
		"trust prints what has to be done so that systems and browsers trust the authority, and with --apply does it for this machine. " +
		"probe says which versions a server speaks, what it agrees on, its certificates and what is wrong with them; the exit status is 1 when it does not verify. " +
		"Keys are ECDSA on P-256; there is no choice of weaker ones. Who can read the authority's key can be any host to those who trust it.",
	Flags: tlsFlags}

// ParseTLS parses what follows "freshet tls" and the environment. Its error is
// ErrHelp or Faults.
func ParseTLS(args, environ []string) (*TLS, error) {
	c := &TLS{}
	p := newParser("tls")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{tls: c})
	var rest []string
	if c.Verb, rest = p.word("tls", tlsVerbs); c.Verb != "" {
		p.tlsOperands(c, rest)
		p.checkTLS(c)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

func (p *parser) tlsOperands(c *TLS, rest []string) {
	switch {
	case c.Verb == "cert":
		if c.Names = rest; len(rest) == 0 {
			p.fault("say for which names: freshet tls cert NAME, such as www.home.arpa or 192.0.2.1")
		}
	case c.Verb == "probe" && len(rest) == 1:
		peer, ok := withPort(rest[0], "443")
		if !ok {
			p.fault("%q is no server; give HOST or HOST:PORT, such as www.example.org:443", rest[0])
		}
		c.Peer = peer
	case c.Verb == "probe" && len(rest) == 0:
		p.fault("say whom to ask: freshet tls probe HOST[:PORT]")
	case len(rest) > 0:
		p.fault("%q is one too many for freshet tls %s; leave it out", rest[len(rest)-1], c.Verb)
	}
}

// withPort completes the name of a server, which may also be copied from an
// address bar.
func withPort(text, port string) (string, bool) {
	text, _ = strings.CutPrefix(text, "https://")
	text, _, _ = strings.Cut(text, "/")
	host, given, err := net.SplitHostPort(text)
	if err != nil {
		host, given = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), port
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", false
		}
	}
	n, ok := parseCount(given)
	if host == "" || !ok || n < 1 || n > 65535 || strings.ContainsAny(host, " @?#[]\x00") {
		return "", false
	}
	return net.JoinHostPort(host, given), true
}

// checkTLS looks at what single rows cannot tell.
func (p *parser) checkTLS(c *TLS) {
	p.flagsOf("tls", c.Verb, nil, tlsUses)
	if c.Verb == "cert" && c.Days > 825 {
		p.fault("bad value \"%d\" for --days: a certificate has 825 days at most; Apple's systems take no more", c.Days)
	}
	if c.Verb == "ca" && c.Print && (c.Force || c.Name != "" || len(c.Permit)+len(c.Exclude) > 0) {
		p.fault("--print makes nothing; leave it out, or the flags of a new authority")
	}
	if c.Verb == "cert" && c.CSR && c.Days != 0 {
		p.fault("--days is not said in a request; leave it out, or --csr")
	}
	if i := slices.IndexFunc(c.Names, func(name string) bool { return fileEnding.MatchString(name) }); i >= 0 {
		p.fault("%q is no name but a file: %s", c.Names[i], SignsNames)
	}
	if keyType.MatchString(c.Key) {
		p.fault("bad value %q for --key: keys are ECDSA P-256, and there is no choice of another kind; --key says in which file the key goes (./%s for one that is called so)", c.Key, c.Key)
	}
}

// SignsNames says what freshet tls cert does, to who gives it a request.
const SignsNames = "freshet tls cert signs names, not requests of others, and --csr makes a request for names; give a name, such as www.home.arpa"

// What is taken for a name, or a file, by who knows other programs: no top-level
// domain is an ending of these files.
var (
	fileEnding = regexp.MustCompile(`(?i).\.(csr|req|p10|pem|der|crt|cer|key)$`)
	keyType    = regexp.MustCompile(`(?i)^(dsa|rsa|ecdsa|ec|eddsa|ed25519|ed448|x25519|prime256v1|secp[0-9]+[kr]1|p-?(192|224|256|384|521))([-:_]?[0-9]+)?$`)
)
