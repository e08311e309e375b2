package config

import "time"

// SMIME is what the command line of freshet smime says.
type SMIME struct {
	Verb string // "sign", "verify", "encrypt" or "decrypt"
	In   string // "" or "-": standard input

	Out      string // "" or "-": standard output
	MaxBytes int64

	Cert       string // of who signs or decrypts
	Key        string
	Passphrase string // a file of one

	Opaque  bool
	Digest  string
	From    string
	To      []string // addresses of sign, certificates of encrypt
	Subject string
	Binary  bool

	Cipher       string
	OldTransport bool

	CA        string
	Certs     []string
	AnySender bool
	At        string
	AtTime    time.Time // what At says, when that is a time
	Content   string
	JSON      bool

	Mail    bool
	Body    bool
	Purpose string // "mail" or "any"
}

var smimeVerbs = []string{"sign", "verify", "encrypt", "decrypt"}

const (
	groupSMIMEAll     = "All words"
	groupSMIMEKeys    = "Words sign and decrypt"
	groupSMIMEMake    = "Words sign and encrypt"
	groupSMIMESign    = "Word sign"
	groupSMIMEEncrypt = "Word encrypt"
	groupSMIMEVerify  = "Word verify"
	groupSMIMEDecrypt = "Word decrypt"
	groupSMIMERead    = "Words verify and decrypt"
	groupSMIMEPeople  = "Words sign, encrypt and verify"
)

// smimeFlags are of freshet smime. Which words they are for stands in smimeUses.
var smimeFlags = []Flag{
	{Name: "out", Short: "o", Kind: FilePath, Value: "FILE", Group: groupSMIMEAll, Example: "mail.eml", bare: true,
		Doc:   "Where the result goes; it appears whole, or not at all. Unset, or -: to standard output.",
		field: func(s *sections) any { return &s.smime.Out }},
	{Name: "max-bytes", Kind: Size, Value: "SIZE", Default: "32MiB", Min: 1, Max: 1 << 30, Group: groupSMIMEAll, bare: true,
		Doc:   "How large what is read may be. All of it is in memory, several times; what is larger is refused.",
		field: func(s *sections) any { return &s.smime.MaxBytes }},
	{Name: "cert", Kind: FilePath, Value: "FILE", Group: groupSMIMEKeys, Example: "alice.pem", bare: true,
		Doc:   "The certificate of who signs, and after it those that vouch for it, which go with the mail; or of who decrypts, by which the mail names its recipients. PEM or DER. sign needs it.",
		field: func(s *sections) any { return &s.smime.Cert }},
	{Name: "key", Kind: FilePath, Value: "FILE", Group: groupSMIMEKeys, Example: "alice.key", bare: true,
		Doc:   "Its key: PKCS #8, also encrypted (PBES2 with PBKDF2 and AES), PKCS #1 or SEC 1; PEM or DER. Nobody else may be able to read the file.",
		field: func(s *sections) any { return &s.smime.Key }},
	{Name: "passphrase-file", Kind: FilePath, Value: "FILE", Group: groupSMIMEKeys, Example: "alice.pass", bare: true,
		Doc:   "The first line of this file is the passphrase of the key. Nobody else may be able to read the file.",
		field: func(s *sections) any { return &s.smime.Passphrase }},
	{Name: "opaque", Kind: Switch, Group: groupSMIMESign, bare: true,
		Doc:   "Put the text into the signature: nothing on the way can touch it, and who has no S/MIME cannot read it. Unset: the text stays readable, and the signature is an attachment.",
		field: func(s *sections) any { return &s.smime.Opaque }},
	{Name: "digest", Kind: Choice, Value: "NAME", Choices: []string{"sha-256", "sha-384", "sha-512"}, Group: groupSMIMESign, Example: "sha-512", bare: true,
		Doc:   "The digest that is signed. Unset: as strong as the key.",
		field: func(s *sections) any { return &s.smime.Digest }},
	{Name: "to", Kind: Text, Value: "ADDRESS|FILE", Repeat: true, Group: groupSMIMEMake, Example: "bob.pem", bare: true,
		Doc:   "Of encrypt, a file with the certificate of a recipient; one's own, too, to read it again. Of sign, an address for the field To of a mail that has none.",
		field: func(s *sections) any { return &s.smime.To }},
	{Name: "subject", Kind: Text, Value: "TEXT", Group: groupSMIMEMake, Example: "lunch", bare: true,
		Doc:   "The field Subject, of a mail that has none. It is neither signed nor encrypted.",
		field: func(s *sections) any { return &s.smime.Subject }},
	{Name: "binary", Kind: Switch, Group: groupSMIMEMake, bare: true,
		Doc:   "Take what is read as bytes that must not change, though it looks like a mail or text, and make an attachment of it.",
		field: func(s *sections) any { return &s.smime.Binary }},
	{Name: "from", Kind: Text, Value: "ADDRESS", Group: groupSMIMEPeople, Example: "alice@example.org", bare: true,
		Doc:   "Of sign and encrypt, the field From of a mail that has none. Of verify, who has to have signed, whoever the mail says it is from.",
		field: func(s *sections) any { return &s.smime.From }},
	{Name: "purpose", Kind: Choice, Value: "WHAT", Default: "mail", Choices: []string{"mail", "any"}, Group: groupSMIMEPeople, bare: true,
		Doc:   "What certificates have to be for: mail wants the extended key usage emailProtection, if they have any.",
		field: func(s *sections) any { return &s.smime.Purpose }},
	{Name: "cipher", Kind: Choice, Value: "NAME", Default: "aes-256-gcm", Choices: []string{"aes-256-gcm", "aes-128-gcm", "aes-256-cbc"}, Group: groupSMIMEEncrypt, bare: true,
		Doc:   "How the mail is encrypted. aes-256-cbc is for programs that know S/MIME 3 only: it does not notice when somebody changes the mail.",
		field: func(s *sections) any { return &s.smime.Cipher }},
	{Name: "old-transport", Kind: Switch, Group: groupSMIMEEncrypt, bare: true,
		Doc:   "Give recipients with RSA keys the key of the mail by PKCS #1 v1.5, for programs that do not know OAEP.",
		field: func(s *sections) any { return &s.smime.OldTransport }},
	{Name: "ca", Kind: FilePath, Value: "FILE", Group: groupSMIMEVerify, Example: "ca.pem", bare: true,
		Doc:   "The authorities that are trusted, PEM. Unset: those that the system trusts.",
		field: func(s *sections) any { return &s.smime.CA }},
	{Name: "certs", Kind: FilePath, Value: "FILE", Repeat: true, Group: groupSMIMEVerify, Example: "more.pem", bare: true,
		Doc:   "Certificates that may have signed, or vouch for who has, and are not in the mail. They are not trusted for that.",
		field: func(s *sections) any { return &s.smime.Certs }},
	{Name: "any-sender", Kind: Switch, Group: groupSMIMEVerify, bare: true,
		Doc:   "Do not compare who signed with who the mail says it is from.",
		field: func(s *sections) any { return &s.smime.AnySender }},
	{Name: "at", Kind: Text, Value: "TIME", Default: "now", Group: groupSMIMEVerify, bare: true,
		Doc:   "When certificates have to have been valid: now, a day (2026-01-31), a time (2026-01-31T12:00:00Z), or signing, which is what the signer says: who has stolen a key says what it likes.",
		field: func(s *sections) any { return &s.smime.At }},
	{Name: "content", Kind: FilePath, Value: "FILE", Group: groupSMIMEVerify, Example: "text", bare: true,
		Doc:   "What was signed, when the signature is in no mail. It is taken as it is.",
		field: func(s *sections) any { return &s.smime.Content }},
	{Name: "json", Kind: Switch, Group: groupSMIMEVerify, bare: true,
		Doc:   "Print a report as JSON, for programs. What was signed goes to --out then, or nowhere.",
		field: func(s *sections) any { return &s.smime.JSON }},
	{Name: "mail", Kind: Switch, Group: groupSMIMEDecrypt, bare: true,
		Doc:   "Put the fields of the mail before what was in it, so that it is a mail again. Nobody has vouched for them.",
		field: func(s *sections) any { return &s.smime.Mail }},
	{Name: "body", Kind: Switch, Group: groupSMIMERead, bare: true,
		Doc:   "Print what the part says, without its head and its transfer coding.",
		field: func(s *sections) any { return &s.smime.Body }},
}

// smimeUses says which words a flag is for.
var smimeUses = map[string][]string{
	"purpose": {"sign", "verify", "encrypt"},
	"cert":    {"sign", "decrypt"}, "key": {"sign", "decrypt"}, "passphrase-file": {"sign", "decrypt"},
	"opaque": {"sign"}, "digest": {"sign"},
	"from": {"sign", "encrypt", "verify"}, "to": {"sign", "encrypt"}, "subject": {"sign", "encrypt"}, "binary": {"sign", "encrypt"},
	"cipher": {"encrypt"}, "old-transport": {"encrypt"},
	"ca": {"verify"}, "certs": {"verify"}, "any-sender": {"verify"}, "at": {"verify"}, "content": {"verify"}, "json": {"verify"},
	"mail": {"decrypt"}, "body": {"verify", "decrypt"},
}

// smimeCommand is the row of freshet smime.
var smimeCommand = Command{Name: "smime", Usage: "sign|verify|encrypt|decrypt [flags] [FILE]", Short: "sign, verify, encrypt and decrypt mail",
	Long: "S/MIME, of the mail in FILE or on standard input. sign and encrypt also take any other text or bytes, of which they make a part of mail; the fields of a mail stay outside, where everybody can read and change them, but for those of its content. " +
		"verify prints what was signed, byte for byte, and nothing else, if all who signed verify and the mail is from who signed it. decrypt prints what was encrypted. " +
		"The exit status is 0 when it is done, 1 when a mail does not verify or cannot be decrypted, 2 when the command line is wrong, or a file.",
	Flags: smimeFlags}

// ParseSMIME parses what follows "freshet smime" and the environment. Its error
// is ErrHelp or Faults.
func ParseSMIME(args, environ []string) (*SMIME, error) {
	c := &SMIME{}
	p := newParser("smime")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{smime: c})
	var rest []string
	if c.Verb, rest = p.word("smime", smimeVerbs); c.Verb != "" {
		if len(rest) > 0 {
			c.In = rest[0]
		}
		if len(rest) > 1 {
			p.fault("%q is one too many; freshet smime %s takes one file", rest[1], c.Verb)
		}
		p.flagsOf("smime", c.Verb, smimeVerbs, smimeUses)
		p.checkSMIME(c)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

// checkSMIME looks at what single rows cannot tell.
func (p *parser) checkSMIME(c *SMIME) {
	switch {
	case c.Verb == "sign" && c.Cert == "":
		p.fault("say who signs: --cert FILE and --key FILE")
	case (c.Verb == "sign" || c.Verb == "decrypt") && c.Key == "":
		p.fault("say with which key: --key FILE")
	case c.Verb == "encrypt" && len(c.To) == 0:
		p.fault("say for whom: --to FILE, with the certificate of the recipient")
	}
	if c.Mail && c.Body {
		p.fault("--mail and --body exclude each other; give one")
	}
	if c.AnySender && c.From != "" {
		p.fault("--from and --any-sender exclude each other; give one")
	}
	if c.JSON && c.Out == "-" {
		p.fault("--json goes to standard output, and --out - does, too; name a file, or leave one out")
	}
	if c.Verb != "verify" || c.At == "now" || c.At == "signing" {
		return
	}
	var err error
	if c.AtTime, err = time.Parse(time.RFC3339, c.At); err != nil {
		c.AtTime, err = time.Parse(time.DateOnly, c.At)
	}
	if err != nil {
		p.fault("bad value %q for --at: give now, signing, a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z", c.At)
	}
}
