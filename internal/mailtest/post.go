package mailtest

import (
	"bytes"
	"os/exec"
	"testing"
	"time"
)

// A Post is what alerts go to in a test: a server with TLS and a login, and what
// freshet needs to send signed mails there.
type Post struct {
	*Server
	Dir  string   // with files of all that is needed
	Root string   // the file of the authority
	Args []string // of freshet
}

// NewPost starts one.
func NewPost(t testing.TB, o Options) *Post {
	t.Helper()
	a := NewAuthority(t)
	p := &Post{Dir: t.TempDir()}
	if o.TLS == nil {
		o.TLS = Offers(a.Server("127.0.0.1", time.Now().Add(time.Hour)))
	}
	o.User, o.Password = "freshet", "geheim"
	p.Server = Serve(t, o)
	p.Root = Write(t, p.Dir, "root.pem", a.Cert)
	cert, key := a.Person("freshet@example.org")
	p.Args = []string{"--alert-mail", "ops@example.org", "--alert-from", "freshet@example.org", "--alert-smtp", "smtp://freshet@127.0.0.1:" + p.Port(),
		"--alert-smtp-tls", "required", "--alert-smtp-ca", p.Root, "--alert-smtp-password", Write(t, p.Dir, "password", "geheim\n"),
		"--alert-sign-cert", Write(t, p.Dir, "cert.pem", cert), "--alert-sign-key", Write(t, p.Dir, "key.pem", key)}
	return p
}

// Read waits for a mail, and returns the text that OpenSSL has verified.
func (p *Post) Read(t testing.TB) string {
	t.Helper()
	m := p.Mail(t)
	if !m.TLS || m.User != "freshet" {
		t.Errorf("it came in clear, or without a login: %+v", m)
	}
	c := exec.Command("openssl", "cms", "-verify", "-CAfile", p.Root, "-purpose", "smimesign")
	var out, said bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(m.Text), &out, &said
	if err := c.Run(); err != nil {
		t.Fatalf("openssl: %v: %s\n%s", err, said.String(), m.Text)
	}
	return out.String()
}
