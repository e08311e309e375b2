//go:build !nonats

package bus

import (
	"fmt"
	"strings"
)

// Subjects: a request is freshet.rpc.CALLER.SUBJECT, a hint
// freshet.hint.SUBJECT, an entry freshet.log.NAME, a page
// freshet.page.NAME.KEY, a lease freshet.lease.NAME; answers go to
// freshet.inbox.CALLER. The caller's name is in the subject, because that is
// what a server can hold a node to. Objects have the subjects of NATS' object
// stores, which begin with $O.NAME.
const (
	prefixCall  = "freshet.rpc."
	prefixHint  = "freshet.hint."
	prefixLog   = "freshet.log."
	prefixPage  = "freshet.page."
	prefixLease = "freshet.lease."
	prefixInbox = "freshet.inbox."
)

// workerCalls are how the subjects begin that a worker may call, and, with a name
// and its own behind, those whose hints it may hear.
var workerCalls = [...]string{"jobs.", "fleet."}

// mayHear reports whether a worker of a name may hear the hints of a subject: those
// that are for it alone.
func mayHear(name, subject string) bool {
	own := strings.TrimSuffix(subject, "."+name)
	return mayWorker(subject) && own != subject && strings.Count(own, ".") == 1 && !strings.ContainsAny(own, "*>")
}

// mayWorker reports whether a worker may call a subject. What is served there is
// meant for every worker.
func mayWorker(subject string) bool {
	for _, prefix := range workerCalls {
		if strings.HasPrefix(subject, prefix) {
			return true
		}
	}
	return false
}

const (
	maxName    = 64
	maxSubject = 256
	maxKey     = 256
	maxObject  = 512
)

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// checkName refuses what cannot be one token of a subject.
func checkName(what, name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%s %q: %w: it has 1 to %d letters, digits, - or _", what, name, ErrName, maxName)
	}
	for i := range len(name) {
		if !plain(name[i]) {
			return fmt.Errorf("%s %q: %w: %q is no letter, digit, - or _", what, name, ErrName, name[i])
		}
	}
	return nil
}

// checkSubject refuses what is not names with dots between; wild lets the last
// one be ">" and any be "*".
func checkSubject(subject string, wild bool) error {
	if len(subject) > maxSubject {
		return fmt.Errorf("subject of %d bytes: %w: %d are the most", len(subject), ErrName, maxSubject)
	}
	parts := strings.Split(subject, ".")
	for i, part := range parts {
		if wild && (part == "*" || part == ">" && i == len(parts)-1) {
			continue
		}
		if err := checkName("subject", part); err != nil {
			return fmt.Errorf("subject %q: %w", subject, err)
		}
	}
	return nil
}

// escapeKey makes one token of any key: what is no plain character is =XX.
// Different keys make different tokens, and unescapeKey turns back.
func escapeKey(key string, most int) (string, error) {
	if key == "" || len(key) > most {
		return "", fmt.Errorf("key of %d bytes: %w: it has 1 to %d", len(key), ErrName, most)
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		if c := key[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String(), nil
}

func unescapeKey(token string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		if token[i] != '=' {
			b.WriteByte(token[i])
			continue
		}
		if i+2 >= len(token) {
			return "", false
		}
		high, low := digit(token[i+1]), digit(token[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), true
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
