package config

import (
	"errors"
	"net/netip"
	"strings"
	"time"
)

// Sign is what the command line of freshet sign says.
type Sign struct {
	URLs    []string
	Key     string        // a file
	Expires time.Duration // from now
	Until   time.Time     // zero: see Expires
	Prefix  string
	IP      netip.Prefix // not valid: all
	NewKey  string       // the name of a key that is to be made; "" for none

	until string
	ip    []netip.Prefix
}

// MaxLinkLife is how long a link of freshet sign may live.
const MaxLinkLife = time.Duration(366 * day)

// signFlags are of freshet sign.
var signFlags = []Flag{
	{Name: "key", Kind: FilePath, Value: "FILE", Group: groupLinks, Example: "links.keys",
		Doc:   "The file of keys that --signed-urls of the server names; the first one signs.",
		field: func(s *sections) any { return &s.sign.Key }},
	{Name: "expires", Kind: Duration, Value: "TIME", Default: "1h", Min: second, Max: int64(MaxLinkLife), Group: groupLinks,
		Doc:   "How long the links live, from now on.",
		field: func(s *sections) any { return &s.sign.Expires }},
	{Name: "until", Kind: Text, Value: "MOMENT", Group: groupLinks, Example: "2026-12-31T18:00:00Z",
		Doc:   "When they end, in place of --expires: 2026-12-31T18:00:00Z, or a day, at whose beginning in UTC they end. A year and a day from now at the latest.",
		field: func(s *sections) any { return &s.sign.until }},
	{Name: "prefix", Kind: Text, Value: "PATH|URL", Group: groupLinks, Example: "/films/",
		Doc:   "Make links to all below this path of the host, with any query: what they end in opens each address there. It begins and ends with a slash. A whole URL, such as https://example.org/films/, is this path of that host, and is signed itself if no other is given.",
		field: func(s *sections) any { return &s.sign.Prefix }},
	{Name: "ip", Kind: Prefix, Value: "ADDR[/BITS]", Group: groupLinks, Example: "203.0.113.0/24",
		Doc:   "The clients that may use the links, as the server sees them: behind another proxy it sees that.",
		field: func(s *sections) any { return &s.sign.ip }},
	{Name: "new-key", Kind: Text, Value: "NAME", Group: groupKeys, Example: "k1",
		Doc:   "Sign nothing, and print a line for the file of keys: this name, which stands in links, and 32 random bytes.",
		field: func(s *sections) any { return &s.sign.NewKey }},
}

// signCommand is the row of freshet sign.
var signCommand = Command{Name: "sign", Usage: "--key FILE [flags] URL... | --new-key NAME", Short: "make links that open what is closed, for a time",
	Long: "Prints each URL as a signed link: with parameters that let whoever has it read there until a moment, at a server whose --signed-urls, or signed-urls in its file, names the same keys. " +
		"The host's name, the path and the query are signed; scheme and port are not. " +
		"A new key goes before the others in the file, so that it signs and links of the old one go on; when the last of those has ended, the old line goes: (umask 077; freshet sign --new-key k1 > links.keys).",
	Flags: signFlags}

// ParseSign parses what follows "freshet sign" and the environment. Its error is
// ErrHelp or Faults.
func ParseSign(args, environ []string) (*Sign, error) {
	c := &Sign{}
	p := newParser("sign")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{sign: c})
	c.URLs = p.operands
	p.checkSign(c)
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}

func (s *settings) checkSign(c *Sign) {
	if c.until != "" {
		var err error
		if c.Until, err = parseMoment(c.until); err != nil {
			s.fault("bad value %q for --until: %v", c.until, err)
		}
		if s.has("expires") {
			s.fault("--expires and --until both say when the links end; give one")
		}
	}
	if len(c.ip) > 0 {
		c.IP = c.ip[0]
	}
	switch {
	case c.NewKey != "" && len(c.URLs) > 0:
		s.fault("%q: --new-key signs nothing; leave the URL out, or the flag", c.URLs[0])
	case c.NewKey != "":
	case strings.Contains(c.Prefix, "://"):
		s.prefixOfURL(c)
	case len(c.URLs) == 0 && c.Prefix != "":
		s.fault("there is nothing to sign: --prefix %s names no host; give a URL after it, or all of one as the prefix, such as --prefix https://example.org/films/", c.Prefix)
	case len(c.URLs) == 0:
		s.fault("there is nothing to sign; give a URL, such as https://example.org/films/a.mp4")
	}
	if c.NewKey == "" && c.Key == "" && len(c.URLs) > 0 {
		s.fault("there is no key; name the file of keys with --key FILE (\"freshet sign --new-key NAME\" prints a line for it)")
	}
}

// prefixOfURL makes the path of a URL the prefix; without other URLs that is what is
// signed.
func (s *settings) prefixOfURL(c *Sign) {
	url := c.Prefix
	_, after, _ := strings.Cut(url, "://")
	host, path, _ := strings.Cut(after, "/")
	c.Prefix = "/" + path
	if i := strings.LastIndexByte(c.Prefix, '/'); strings.ContainsAny(url, "?#") || i < len(c.Prefix)-1 {
		s.fault("bad value %q for --prefix: it has to end in a slash, for links are to all below it; to sign this URL alone, leave --prefix out", url)
		return
	}
	if len(c.URLs) == 0 {
		c.URLs = []string{url}
	}
	for _, other := range c.URLs {
		_, after, _ := strings.Cut(other, "://")
		if of, _, _ := strings.Cut(after, "/"); !strings.EqualFold(of, host) {
			s.fault("%q is of another host than --prefix %s; give the path alone, %s, which is that of each URL's host", other, url, c.Prefix)
		}
	}
}

// parseMoment reads a moment, or the beginning of a day in UTC.
func parseMoment(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	return time.Time{}, errors.New("give 2026-12-31T18:00:00Z, 2026-12-31T18:00:00+01:00 or 2026-12-31")
}
