package config

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net"
	"net/netip"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"freshet/signature"
)

// Kind is the type of a flag's value.
type Kind uint8

// The kinds.
const (
	Text Kind = iota
	Address
	Number
	Size     // a number of bytes with a unit
	Duration // as time.ParseDuration, and 30d
	Switch   // on without a value
	OnOff
	Choice // one of Choices
	Set    // some of Choices, with commas between
	FileName
	PathInside // the path of a file in the folder, with slashes
	FieldText  // the value of a field, or off
	CachePolicy
	MIMEType
	OriginURL
	OriginHost // origin, client or a name
	Prefix     // of addresses
	FieldName
	FilePath       // relative to the file that it stands in
	SecretFile     // the same; in the environment, what would be in it
	HostName       // of a site
	Asked          // a program or an address
	RoutePath      // of a route
	RedirectTo     // an address
	Pseudonym      // a token that begins with a letter
	Extension      // of files, in lower case; several with commas between
	BackendAddress // of FastCGI, or workers
	Variable       // of the environment, perhaps with its value
	FieldRule      // in a file, a table of fields or an array of names
	Seconds        // a duration; a number alone is one of seconds, as curl has it
	FreeText       // may be empty
	Named          // a number by a name; in a file, a table of them
	AuthorityURL   // of certificates
	ClientRange    // addresses of clients
	ServiceURL     // of a service that is asked
	KeySource      // a FilePath, or an address of keys
	TokenAlgorithm // of tokens that are signed
	TokenClaim     // what such a token says
	CookieName     // as in a request
	Component      // of a message that is signed
)

// put parses text as a value of f and stores it where it belongs. Its error
// says what is allowed.
func (f *Flag) put(s *sections, text string) error {
	if text == "" && f.Kind != Set && f.Kind != FreeText {
		return fmt.Errorf("it is empty; give %s", f.Value)
	}
	switch p := f.field(s).(type) {
	case *string:
		v, err := f.text(text)
		*p = v
		return err
	case *[]string:
		if f.Kind == Extension {
			all, err := parseExtensions(text)
			*p = append(*p, all...)
			return err
		}
		v, err := f.text(text)
		if err == nil {
			*p = append(*p, v)
		}
		return err
	case *Secret:
		v, err := f.text(text)
		p.File = v
		return err
	case *bool:
		v, err := parseSwitch(text)
		*p = v
		return err
	case *int64:
		v, err := f.number(text)
		*p = v
		return err
	case *time.Duration:
		v, err := f.duration(text)
		*p = v
		return err
	case *Cache:
		v, err := f.cache(text)
		*p = v
		return err
	case *[]netip.Prefix:
		v, err := parsePrefix(text)
		if err == nil {
			*p = append(*p, v)
		}
		return err
	case *map[string]string:
		ext, typ, err := parseMIME(text)
		if *p == nil {
			*p = make(map[string]string)
		}
		(*p)[ext] = typ
		return err
	case *map[string]int64:
		name, n, err := f.named(text)
		if err != nil {
			return err
		}
		if *p == nil {
			*p = make(map[string]int64)
		}
		(*p)[name] = n
		return nil
	case *lenient:
		words, err := f.set(text)
		*p.lf, *p.fold = slices.Contains(words, "lf"), slices.Contains(words, "fold")
		return err
	}
	panic("config: --" + f.Name + " has a field of unknown type")
}

// parseRequestComponent reads a component of requests: what only answers have, no
// request could cover.
func parseRequestComponent(s string) (string, error) {
	c, err := signature.ParseComponent(s)
	if err != nil {
		return "", err
	}
	name, params, _ := strings.Cut(c[1:], `"`)
	if name == "@status" || slices.Contains(strings.Split(params, ";"), "req") {
		return "", fmt.Errorf("give a component of requests: %s is one of answers", c)
	}
	return c, nil
}

func (f *Flag) text(s string) (string, error) {
	switch f.Kind {
	case Address:
		if f.Off && s == "off" {
			return s, nil
		}
		return parseAddress(s)
	case OriginURL:
		return parseOrigin(s)
	case OriginHost:
		return parseOriginHost(s)
	case Component:
		return parseRequestComponent(s)
	case AuthorityURL:
		return parseAuthority(s)
	case ServiceURL:
		return parseService(s, strings.HasSuffix(f.Value, "|off"))
	case KeySource:
		return parseKeySource(s)
	case TokenAlgorithm:
		return parseTokenAlgorithm(s)
	case TokenClaim:
		return parseTokenClaim(s)
	case CookieName:
		return parseCookieName(s)
	case OnOff:
		on, err := parseSwitch(s)
		if !on {
			return "off", err
		}
		return "on", err
	case ClientRange:
		return parseClientRange(s, strings.HasSuffix(f.Value, "|off"))
	case Pseudonym:
		if c := s[0] | 0x20; c < 'a' || c > 'z' || !isToken(s) {
			return "", errors.New("give letters, digits and hyphens, a letter first")
		}
		return s, nil
	case BackendAddress:
		if s == "workers" {
			return s, nil // where that can be
		}
		return parseBackend(s)
	case Variable:
		return parseVariable(s)
	case FieldName:
		return parseFieldName(s)
	case HostName:
		return parseHostName(s)
	case Asked:
		return parseAsked(s)
	case RoutePath:
		return parseRoutePath(s)
	case RedirectTo:
		return parseRedirect(s)
	case Choice:
		if !slices.Contains(f.Choices, s) {
			return "", fmt.Errorf("give %s", orList(f.Choices))
		}
	case FileName:
		if strings.ContainsAny(s, "/\\\x00") || s == "." || s == ".." {
			return "", errors.New("give the name of a file, without a folder")
		}
	case PathInside:
		clean := path.Clean(strings.TrimLeft(filepath.ToSlash(s), "/"))
		if clean == "." || !fs.ValidPath(clean) || strings.IndexByte(s, 0) >= 0 {
			return "", errors.New("give the path of a file inside the folder")
		}
		return clean, nil
	case FieldText:
		for i := range len(s) {
			if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
				return "", errors.New("give text without control characters, or off")
			}
		}
		return strings.TrimSpace(s), nil
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "", errors.New("it has a NUL")
	}
	return s, nil
}

// parseAddress checks an address and completes a port that stands alone.
func parseAddress(s string) (string, error) {
	const want = "give :port, host:port, a port, unix:/path, unix:@name, fd:N or systemd:NAME"
	if isHandedOver(s) {
		return handedOver(s)
	}
	if name, ok := strings.CutPrefix(s, "unix:"); ok {
		if name == "" || name == "@" || strings.IndexByte(name, 0) >= 0 {
			return "", errors.New(want)
		}
		return s, nil
	}
	if !strings.Contains(s, ":") && strings.Trim(s, "0123456789") == "" {
		s = ":" + s
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /\x00") {
		return "", errors.New(want)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", errors.New("the port is not a number from 0 to 65535; " + want)
	}
	return s, nil
}

// isHandedOver reports whether an address is of a socket that another process
// opened and this one inherits.
func isHandedOver(s string) bool {
	return strings.HasPrefix(s, "fd:") || strings.HasPrefix(s, "systemd:")
}

// handedOver checks such an address.
func handedOver(s string) (string, error) {
	kind, which, _ := strings.Cut(s, ":")
	if kind == "fd" {
		if _, err := strconv.ParseUint(which, 10, 31); err != nil {
			return "", errors.New("fd: is followed by the number of a descriptor, such as fd:3")
		}
		return s, nil
	}
	if which == "" || strings.ContainsAny(which, ":\x00") {
		return "", errors.New("systemd: is followed by the name of a socket, which FileDescriptorName= of its unit says, such as systemd:http")
	}
	return s, nil
}

func parseSwitch(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "on", "true", "yes", "1":
		return true, nil
	case "off", "false", "no", "0":
		return false, nil
	}
	return false, errors.New("give on or off")
}

func (f *Flag) cache(s string) (Cache, error) {
	switch s {
	case "no-cache":
		return Cache{}, nil
	case "auto":
		return Cache{Mode: CacheAuto}, nil
	case "off":
		return Cache{Mode: CacheOff}, nil
	}
	d, err := f.duration(s)
	if err != nil {
		return Cache{}, fmt.Errorf("give no-cache, auto, off or %s", f.allowed())
	}
	return Cache{Mode: CacheFor, For: d}, nil
}

func parseMIME(s string) (ext, typ string, err error) {
	ext, typ, _ = strings.Cut(s, "=")
	media, _, bad := mime.ParseMediaType(typ)
	if len(ext) < 2 || ext[0] != '.' || strings.ContainsAny(ext, "/\\") || bad != nil || !strings.Contains(media, "/") {
		return "", "", errors.New("give .extension=type/subtype, such as .gmi=text/gemini")
	}
	return strings.ToLower(ext), typ, nil
}

// named reads a number by a name.
func (f *Flag) named(s string) (name string, n int64, err error) {
	name, number, ok := strings.Cut(s, "=")
	name = strings.TrimSpace(name)
	if !ok || name == "" || strings.ContainsFunc(name, unicode.IsControl) {
		return "", 0, fmt.Errorf("give %s, such as %s", f.Value, f.Example)
	}
	n, err = f.number(strings.TrimSpace(number))
	return name, n, err
}

func (f *Flag) set(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	words := strings.Split(s, ",")
	for _, w := range words {
		if !slices.Contains(f.Choices, w) {
			return nil, fmt.Errorf("give %s, or some with commas between", orList(f.Choices))
		}
	}
	return words, nil
}

// orList joins words as a sentence does: a, b or c.
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
