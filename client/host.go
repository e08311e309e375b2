package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"freshet/internal/wire"

	"golang.org/x/net/idna"
)

// A HostError says that a host in a URL is no name that there can be. It is the
// Err of a *url.Error.
type HostError struct {
	Host string
	Err  error // which rule it breaks
}

// Error implements error.
func (e *HostError) Error() string {
	return fmt.Sprintf("no host can be called %q: %s", e.Host, strings.TrimPrefix(e.Err.Error(), "idna: "))
}

// Unwrap returns the rule.
func (e *HostError) Unwrap() error { return e.Err }

// lookup maps and checks names as browsers do (URL Standard, "domain to ASCII"):
// UTS #46, not transitional, so that ß stays what it is; hyphens and underscores
// may stand where old names have them.
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckJoiners(true), idna.CheckHyphens(false), idna.StrictDomainName(false))

// ASCIIHost returns the ASCII form in which a host, with or without a port, is
// looked up and named in requests: "bücher.example:8080" becomes
// "xn--bcher-kva.example:8080". What is ASCII already comes back as it is. The
// error is a *HostError.
func ASCIIHost(host string) (string, error) {
	if isASCII(host) {
		return host, nil
	}
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		name, port = host[:i], host[i:]
	}
	if !utf8.ValidString(name) {
		return "", &HostError{host, errHostText}
	}
	ascii, err := lookup.ToASCII(name)
	if err != nil {
		return "", &HostError{host, err}
	}
	if ascii == "" || !wire.ValidHost(ascii+port) {
		return "", &HostError{host, errHostForm}
	}
	return ascii + port, nil
}

var (
	errHostForm = errors.New("its ASCII form is no host")
	errHostText = errors.New("it is not UTF-8")
)

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// named makes the hosts of a request ASCII. Its URL is not shared.
func named(req *http.Request) error {
	var err error
	if req.URL.Host, err = ASCIIHost(req.URL.Host); err != nil {
		return err
	}
	req.Host, err = ASCIIHost(req.Host)
	return err
}
