package client

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/site"
)

// A file of cookies has a line for each, with tabs between: the domain, whether
// hosts below it get the cookie, the path, whether TLS is needed, when it
// expires (seconds since 1970, 0 at the end of the session), name and value. A
// line that begins with # is a comment, but for #HttpOnly_ in front of a domain.
// curl, wget and browsers' exports have this form.

// httpOnlyMark is in front of the domain of a cookie that scripts do not see.
const httpOnlyMark = "#HttpOnly_"

// maxCookieLine bounds a line of a file of cookies, in bytes.
const maxCookieLine = 64 << 10

// ReadCookies adds the cookies of a file; with junkSession those of a session
// are left out. What has expired, is for a public suffix or is no cookie is
// left out, too. It returns how many lines were none of a cookie.
func (j *Jar) ReadCookies(r io.Reader, junkSession bool) (bad int, err error) {
	now := j.now()
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxCookieLine)
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" || line[0] == '#' && !strings.HasPrefix(line, httpOnlyMark) {
			continue
		}
		c, ok := parseCookieLine(line, now)
		switch {
		case !ok:
			bad++
		case junkSession && c.expires.IsZero():
		default:
			j.put(c, true, now)
		}
	}
	if err := lines.Err(); err != nil {
		return bad, fmt.Errorf("read cookies: %w", err)
	}
	return bad, nil
}

// parseCookieLine reads a line of a file of cookies.
func parseCookieLine(line string, now time.Time) (*jarCookie, bool) {
	line, httpOnly := strings.CutPrefix(line, httpOnlyMark)
	f := strings.Split(line, "\t")
	if len(f) == 6 {
		f = append(f, "") // an empty value, whose tab an editor has taken
	}
	if len(f) != 7 {
		return nil, false
	}
	seconds, err := strconv.ParseInt(f[4], 10, 64)
	below, okBelow := parseTruth(f[1])
	secure, okSecure := parseTruth(f[3])
	c := &jarCookie{
		domain: strings.ToLower(strings.TrimPrefix(f[0], ".")), hostOnly: !below,
		path: f[2], secure: secure, httpOnly: httpOnly, name: f[5], value: f[6],
	}
	if err != nil || seconds < 0 || !okBelow || !okSecure || c.domain == "" || c.name == "" && c.value == "" ||
		len(c.name)+len(c.value) > maxCookieBytes || strings.ContainsFunc(c.domain+c.path+c.name+c.value, isControl) ||
		strings.ContainsAny(c.name, "=;") || strings.Contains(c.value, ";") || strings.ContainsAny(c.domain, " /;") {
		return nil, false
	}
	if !strings.HasPrefix(c.path, "/") {
		c.path = "/"
	}
	if below && (site.IsPublic(c.domain) || isAddress(c.domain)) {
		c.hostOnly = true
	}
	if seconds > 0 {
		c.expires = time.Unix(min(seconds, now.Add(maxCookieAge).Unix()), 0)
	}
	return c, true
}

func parseTruth(s string) (value, ok bool) {
	switch {
	case strings.EqualFold(s, "TRUE"):
		return true, true
	case strings.EqualFold(s, "FALSE"):
		return false, true
	}
	return false, false
}

// WriteCookies writes all cookies that have not expired, in the order in which
// they came, those of the session too.
func (j *Jar) WriteCookies(w io.Writer) error {
	now := j.now()
	j.mu.Lock()
	all := slices.Clone(j.cookies)
	j.mu.Unlock()
	slices.SortFunc(all, func(a, b *jarCookie) int { return cmp.Compare(a.made, b.made) })
	var b strings.Builder
	b.WriteString("# Netscape HTTP Cookie File\n# It holds what logs you in: let nobody else read it.\n\n")
	for _, c := range all {
		if !c.expired(now) {
			b.WriteString(c.line())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// line is the cookie's line in a file.
func (c *jarCookie) line() string {
	domain, below := c.domain, "FALSE"
	if !c.hostOnly {
		domain, below = "."+domain, "TRUE"
	}
	mark, secure, expires := "", "FALSE", int64(0)
	if c.httpOnly {
		mark = httpOnlyMark
	}
	if c.secure {
		secure = "TRUE"
	}
	if !c.expires.IsZero() {
		expires = c.expires.Unix()
	}
	return fmt.Sprintf("%s%s\t%s\t%s\t%s\t%d\t%s\t%s\n", mark, domain, below, c.path, secure, expires, c.name, c.value)
}
