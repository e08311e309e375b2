package config

// Seal is what the command line of freshet seal says.
type Seal struct {
	Encrypt     string // a file of keys
	Data        string // the folder of a server; "": none
	Authority   string // the folder of the local authority; "": none
	TLSAutoData string // the folder of certificates by ACME; "": none
	Plain       bool
	DryRun      bool
}

const (
	groupSealFolders = "What is rewritten"
	groupSealHow     = "How"
)

// sealFlags are of freshet seal.
var sealFlags = []Flag{
	{Name: "data", Kind: FilePath, Value: "DIR", Group: groupSealFolders, Example: "/var/lib/freshet",
		Doc:   "The folder that --data of a server names, or for one without it, which takes jobs, $XDG_STATE_HOME/freshet: the jobs, their files, and the state of alerts. Answers of the cache are not rewritten: the command says what becomes of them.",
		field: func(s *sections) any { return &s.seal.Data }},
	{Name: "authority", Kind: FilePath, Value: "DIR", Group: groupSealFolders, Example: "/home/me/.local/share/freshet/authority",
		Doc:   "The folder of the local authority (freshet tls ca).",
		field: func(s *sections) any { return &s.seal.Authority }},
	{Name: "tls-auto-data", Kind: FilePath, Value: "DIR", Group: groupSealFolders, Example: "/var/lib/freshet/certificates",
		Doc:   "The folder of certificates by ACME.",
		field: func(s *sections) any { return &s.seal.TLSAutoData }},
	{Name: "encrypt", Kind: FilePath, Value: "FILE", Group: groupSealHow, Example: "/etc/freshet/disk.keys",
		Doc:   "The file of keys. What is there is opened with any of them, and sealed by the first.",
		field: func(s *sections) any { return &s.seal.Encrypt }},
	{Name: "plain", Kind: Switch, Group: groupSealHow,
		Doc:   "Write it down as it is, not sealed.",
		field: func(s *sections) any { return &s.seal.Plain }},
	{Name: "dry-run", Kind: Switch, Group: groupSealHow,
		Doc:   "Say what is there, by which key it is sealed and what would be done, and do nothing.",
		field: func(s *sections) any { return &s.seal.DryRun }},
}

// sealCommand is the row of freshet seal.
var sealCommand = Command{Name: "seal", Usage: "--encrypt FILE [flags]", Short: "seal what is stored, by another key, or not",
	Long: "Rewrites what is stored, while nobody uses it: seals what is plain, and what another key has sealed, by the first key of the file; with --plain the other way round. " +
		"Servers are started with --encrypt afterwards, or without it. " +
		"What is in use is refused. It needs room for a second copy of the jobs. Who ends it, or kills it, calls it again: until then servers refuse what is not whole. " +
		"What was on the disk before is not erased by it: a disk may keep it until it is written over. " +
		"The exit status is 0 when all is as it is to be, 1 when something could not be rewritten, 2 when the command line is wrong.",
	Flags: sealFlags}

// ParseSeal parses what follows "freshet seal" and the environment. Its error is
// ErrHelp or Faults.
func ParseSeal(args, environ []string) (*Seal, error) {
	c := &Seal{}
	p := newParser("seal")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{seal: c})
	if len(p.operands) > 0 {
		p.fault("%q: freshet seal takes no operand; name a folder with --data, --authority or --tls-auto-data", p.operands[0])
	}
	if c.Encrypt == "" {
		p.fault("there is no key; name the file of keys with --encrypt FILE (\"freshet sign --new-key NAME\" prints a line for it)")
	}
	if c.Data == "" && c.Authority == "" && c.TLSAutoData == "" {
		p.fault("there is nothing to rewrite; name a folder with --data, --authority or --tls-auto-data")
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
