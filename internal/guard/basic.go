package guard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"freshet/internal/authority"
	"freshet/internal/field"
	"freshet/internal/follow"
	"freshet/internal/rule"
	"freshet/internal/userfile"
	"freshet/internal/who"
	"freshet/internal/why"
)

// BasicOptions say who may pass by name and password.
type BasicOptions struct {
	File      string // of users; see package userfile
	Realm     string // what browsers show; "" means DefaultRealm
	Trusted   []netip.Prefix
	Tries     *Tries
	Passwords *Passwords
	Now       func() int64 // nanoseconds since 1970; nil: the system's clock
}

// DefaultRealm is what people are asked for a password of.
const DefaultRealm = "freshet"

// Basic lets requests pass that have the name and the password of a user, in Basic
// credentials (RFC 7617). What goes on has them no more.
type Basic struct {
	o         BasicOptions
	users     *follow.File[userfile.Users]
	challenge string
}

// OpenBasic returns a guard whose users are in a file, which is to be nobody else's
// to read; it is read again when it has changed. failed is told when that cannot be
// done: the users that there were go on.
func OpenBasic(o BasicOptions, failed func(error)) (*Basic, error) {
	if o.Realm == "" {
		o.Realm = DefaultRealm
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixNano() }
	}
	opened := false
	all, err := follow.OpenFile(o.File, func(file string) (*userfile.Users, error) { return readUsers(file, opened) }, failed)
	if err != nil {
		return nil, err
	}
	opened = true
	realm := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.Realm)
	return &Basic{o, all, `Basic realm="` + realm + `", charset="UTF-8"`}, nil
}

// readUsers reads a file of users, which may be without any if none is well: whoever
// takes the last one out lets nobody in.
func readUsers(file string, none bool) (*userfile.Users, error) {
	data, err := authority.ReadUsers(file)
	if err != nil {
		return nil, fmt.Errorf("read the users: %w", err)
	}
	all, err := userfile.Parse(data)
	switch {
	case none && errors.Is(err, userfile.ErrNone):
		return &userfile.Users{}, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w; \"freshet user add %s NAME\" adds one", file, err, file)
	}
	return all, nil
}

// credentials reads the name and the password of a request, in the one form that
// all that follows is about, or says why there are none.
func credentials(r *http.Request) (name, password string, refused rule.ID) {
	lines := r.Header["Authorization"]
	if len(lines) == 0 {
		return "", "", rule.LoginMissing
	}
	scheme, token, _ := strings.Cut(lines[0], " ")
	if !field.EqualFold(scheme, "Basic") {
		return "", "", rule.LoginMissing
	}
	text, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(token, " "))
	name, password, ok := strings.Cut(string(text), ":")
	name, password = userfile.Form(name), userfile.Form(password)
	if len(lines) > 1 || err != nil || !ok || userfile.CheckName(name) != nil || userfile.CheckPassword(password) != nil || !who.Valid(name) {
		return "", "", rule.LoginMalformed
	}
	return name, password, 0
}

// A verdict is what came of a login: the name, and the rule that refuses it, with
// how long nobody should try again.
type verdict struct {
	name    string
	refused rule.ID
	wait    time.Duration
}

func (g *Basic) decide(r *http.Request) verdict {
	name, password, refused := credentials(r)
	if refused != 0 {
		return verdict{refused: refused}
	}
	try, now := Attempt{clientOf(r, g.o.Trusted), g.o.File, name}, g.o.Now()
	u := g.users.Current(now)
	// The bound comes first: who may not guess is not told by what is remembered
	// that a guess was right.
	if wait := g.o.Tries.Wait(try, time.Unix(0, now)); wait > 0 {
		return verdict{name, rule.TriesTooMany, wait}
	}
	if g.o.Passwords.remembers(u, name, password, now) {
		g.o.Tries.Passed(try, time.Unix(0, now))
		return verdict{name: name}
	}
	leave, refused := g.o.Passwords.turn(r.Context())
	if refused != 0 {
		return verdict{name, refused, time.Second}
	}
	defer leave()
	// Others may have come to an end meanwhile: with the same password, for there
	// are several requests of one page, or with wrong ones.
	now = g.o.Now()
	if wait := g.o.Tries.Wait(try, time.Unix(0, now)); wait > 0 {
		return verdict{name, rule.TriesTooMany, wait}
	}
	if g.o.Passwords.remembers(u, name, password, now) {
		g.o.Tries.Passed(try, time.Unix(0, now))
		return verdict{name: name}
	}
	if !u.Check(name, password) {
		g.o.Tries.Failed(try, time.Unix(0, now))
		return verdict{name: name, refused: rule.LoginWrong}
	}
	g.o.Tries.Passed(try, time.Unix(0, now))
	g.o.Passwords.remember(u, name, password, now)
	return verdict{name: name}
}

// Check implements Guard.
func (g *Basic) Check(fields http.Header, r *http.Request) (*http.Request, rule.ID) {
	v := g.decide(r)
	switch {
	case v.refused == 0:
		return who.On(r, &who.Who{Name: v.name, Method: "Basic"}, "Authorization"), 0
	case v.wait > 0:
		fields.Set("Retry-After", strconv.FormatInt(int64((v.wait+time.Second-1)/time.Second), 10))
	default:
		fields.Set("WWW-Authenticate", g.challenge)
	}
	return nil, v.refused
}

// Why implements Guard. A guess is one, whoever makes it: it counts here, too.
func (g *Basic) Why(r *http.Request) (*http.Request, *why.Explanation) {
	v := g.decide(r)
	e := &why.Explanation{Rule: v.refused}
	switch v.refused {
	case 0:
		e.Compare("user", v.name, "the password is right", false)
		return who.On(r, &who.Who{Name: v.name, Method: "Basic"}, "Authorization"), e
	case rule.LoginMissing:
		e.Compare("user", "none", "Authorization has no Basic credentials", true)
	case rule.LoginMalformed:
		e.Compare("user", "unknown", "Authorization cannot be read", true)
	case rule.LoginWrong:
		e.Compare("user", v.name, "name and password are not those of a user", true)
	default:
		e.Compare("user", v.name, fmt.Sprintf("nothing is looked at for %v", v.wait.Round(time.Second)), true)
	}
	return nil, e
}
