package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/alert"
)

// Alerts say who is told that something is wrong, and how.
type Alerts struct {
	Rules  []string // changed, switched off or added; see alert.Apply
	Remind time.Duration
	Queue  int64
	Link   string // address of the monitor, for notices; "": where it listens

	Mail     []string
	From     string
	SMTP     string // smtp://[user@]host[:port] or smtps://
	TLS      string // auto, required or off
	Password Secret
	CA       string   // a file; "" for the system's certificates
	SignCert string   // likewise
	SignKey  string   // of SignCert
	Readers  []string // files of certificates

	Webhooks   []string
	WebhookKey string // a file
	Programs   []string
}

// Told reports whether anybody is told.
func (a *Alerts) Told() bool { return len(a.Mail)+len(a.Webhooks)+len(a.Programs) > 0 }

const groupAlerts = "Alerts"

// alertRows are of all commands that serve. In a file they may stand in [alerts],
// too, without the beginning of their names; see alertfile.go.
var alertRows = []Flag{
	{Name: "alert-rule", Kind: Text, Value: "RULE", Repeat: true, Group: groupAlerts, Example: "latency: > 500ms for 10m", Restart: true,
		Doc:   "Change a rule of alerts, or add one: NAME: FIGURE > BOUND, perhaps with for TIME, of N (requests that a share must be of) and warning or critical; or NAME: off. A rule that there is keeps what is not said. freshet alert list shows them all, docs/alerts.md the figures. In a file, [[alert]] is the same.",
		field: func(s *sections) any { return &s.server.Alerts.Rules }},
	{Name: "alert-remind", Kind: Duration, Value: "TIME", Default: "24h", Min: minute, Max: 365 * day, Group: groupAlerts, Restart: true,
		Doc:   "How often somebody is reminded of an alert that lasts.",
		field: func(s *sections) any { return &s.server.Alerts.Remind }},
	{Name: "alert-queue", Kind: Number, Value: "N", Default: "100", Min: 1, Max: 10000, Unit: "notices", Group: groupAlerts, Restart: true,
		Doc:   "How many notices of alerts wait for each way while it fails. What does not fit is dropped, counted, and told with the next one that arrives.",
		field: func(s *sections) any { return &s.server.Alerts.Queue }},
	{Name: "alert-link", Kind: Text, Value: "URL", Group: groupAlerts, Example: "https://monitor.example.org/", Restart: true,
		Doc:   "Address of the monitor that notices lead to. Unset: the one at which it listens, which may be of this machine alone.",
		field: func(s *sections) any { return &s.server.Alerts.Link }},
	{Name: "alert-mail", Kind: Text, Value: "ADDRESS", Repeat: true, Group: groupAlerts, Example: "ops@example.org", Restart: true,
		Doc:   "Send alerts to this address. Needs --alert-smtp and --alert-from.",
		field: func(s *sections) any { return &s.server.Alerts.Mail }},
	{Name: "alert-from", Kind: Text, Value: "ADDRESS", Group: groupAlerts, Example: "freshet@example.org", Restart: true,
		Doc:   "The sender of these mails.",
		field: func(s *sections) any { return &s.server.Alerts.From }},
	{Name: "alert-smtp", Kind: Text, Value: "URL", Group: groupAlerts, Example: "smtp://freshet@mail.example.org:587", Restart: true,
		Doc:   "The server that takes these mails, perhaps with a user: smtp://[USER@]HOST[:PORT], port 587, TLS by STARTTLS; or smtps://, port 465, TLS from the start. Its certificate has to be good for HOST.",
		field: func(s *sections) any { return &s.server.Alerts.SMTP }},
	{Name: "alert-smtp-tls", Kind: Choice, Value: "WHEN", Default: "auto", Choices: []string{"auto", "required", "off"}, Group: groupAlerts, Restart: true,
		Doc:   "Whether a mail to smtp:// may go without TLS. auto: to this machine only; a server that offers no STARTTLS gets nothing. required: never. off: always, in clear, for whoever listens to read.",
		field: func(s *sections) any { return &s.server.Alerts.TLS }},
	{Name: "alert-smtp-password", Kind: SecretFile, Value: "FILE", Group: groupAlerts, Example: "smtp.password", Restart: true,
		Doc:   "File whose first line is the user's password, which nobody else can read. The variable of the environment has the password itself. It is sent over TLS only, or to this machine.",
		field: func(s *sections) any { return &s.server.Alerts.Password }},
	{Name: "alert-smtp-ca", Kind: FilePath, Value: "FILE", Group: groupAlerts, Example: "mail-root.pem", Restart: true,
		Doc:   "Certificates, PEM, that vouch for that server, in place of the system's.",
		field: func(s *sections) any { return &s.server.Alerts.CA }},
	{Name: "alert-sign-cert", Kind: FilePath, Value: "FILE", Group: groupAlerts, Example: "freshet-mail.pem", Restart: true,
		Doc:   "Sign these mails (S/MIME) with this certificate, of --alert-from; further ones in the file go with it.",
		field: func(s *sections) any { return &s.server.Alerts.SignCert }},
	{Name: "alert-sign-key", Kind: FilePath, Value: "FILE", Group: groupAlerts, Example: "freshet-mail.key", Restart: true,
		Doc:   "Private key of that certificate, which nobody else can read.",
		field: func(s *sections) any { return &s.server.Alerts.SignKey }},
	{Name: "alert-encrypt-cert", Kind: FilePath, Value: "FILE", Repeat: true, Group: groupAlerts, Example: "ops.pem", Restart: true,
		Doc:   "Encrypt these mails for the owner of this certificate. Give one for each who reads them; their subjects say nothing then.",
		field: func(s *sections) any { return &s.server.Alerts.Readers }},
	{Name: "alert-webhook", Kind: Text, Value: "URL", Repeat: true, Group: groupAlerts, Example: "https://hooks.example.org/freshet", Restart: true, shown: hostOnly,
		Doc:   "Send alerts to this address, each as a POST of JSON. Redirects are not followed; HTTP_PROXY and the like are obeyed.",
		field: func(s *sections) any { return &s.server.Alerts.Webhooks }},
	{Name: "alert-webhook-key", Kind: FilePath, Value: "FILE", Group: groupAlerts, Example: "webhook.key", Restart: true,
		Doc:   "Sign what is sent to webhooks (RFC 9421): a private key, PEM, or a line as files of --signatures have it, with the name of a key, its algorithm and the key. Nobody else may be able to read it.",
		field: func(s *sections) any { return &s.server.Alerts.WebhookKey }},
	{Name: "alert-program", Kind: FilePath, Value: "PROGRAM", Repeat: true, Group: groupAlerts, Example: "/usr/local/bin/page-me", Restart: true,
		Doc:   "Run this program for each notice, without a shell, with the notice as JSON on its standard input. It ends with 0 when it has taken it, within half a minute.",
		field: func(s *sections) any { return &s.server.Alerts.Programs }},
}

// hostOnly shows of addresses what is no secret: paths and queries may be.
func hostOnly(text string) string {
	all := strings.Split(text, ", ")
	for i, one := range all {
		if u, err := url.Parse(one); err == nil && u.Host != "" {
			all[i] = u.Scheme + "://" + u.Host + "/..."
		} else {
			all[i] = "(address)"
		}
	}
	return strings.Join(all, ", ")
}

// checkAlerts looks at what single rows cannot tell.
func (s *settings) checkAlerts(a *Alerts) {
	if _, err := alert.Apply(alert.Rules(), a.Rules); err != nil {
		s.faultAbout("alert-rule", "%s: %v", s.label("alert-rule"), err)
	}
	for _, address := range a.Webhooks {
		if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			s.faultAbout("alert-webhook", "%s is no address of a webhook; give one such as https://hooks.example.org/freshet", s.label("alert-webhook"))
		}
	}
	if u, err := url.Parse(a.Link); a.Link != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil) {
		s.faultAbout("alert-link", "%s is no address; give one such as https://monitor.example.org/", s.label("alert-link"))
	}
	if a.WebhookKey != "" && len(a.Webhooks) == 0 {
		s.faultAbout("alert-webhook-key", "%s is used with %s URL only", s.label("alert-webhook-key"), s.label("alert-webhook"))
	}
	s.checkMail(a)
}

func (s *settings) checkMail(a *Alerts) {
	mail, from, smtp, pass, cert, key := s.label("alert-mail"), s.label("alert-from"), s.label("alert-smtp"), s.label("alert-smtp-password"), s.label("alert-sign-cert"), s.label("alert-sign-key")
	if (a.SignCert == "") != (a.SignKey == "") {
		name := "alert-sign-cert"
		if a.SignCert == "" {
			name = "alert-sign-key"
		}
		s.faultAbout(name, "%s and %s belong together; give both", cert, key)
	}
	if len(a.Mail) == 0 {
		for _, name := range []string{"alert-from", "alert-smtp", "alert-smtp-password", "alert-smtp-ca", "alert-sign-cert", "alert-encrypt-cert"} {
			if s.has(name) {
				s.faultAbout(name, "%s is used with %s ADDRESS only", s.label(name), mail)
				return
			}
		}
		return
	}
	switch {
	case a.SMTP == "" || a.From == "":
		s.faultAbout("alert-mail", "%s needs %s URL, the server that takes mails, and %s ADDRESS, their sender", mail, smtp, from)
		return
	case len(a.Readers) > 0 && len(a.Readers) < len(a.Mail):
		s.faultAbout("alert-encrypt-cert", "%s is given for fewer than there are in %s, and who has none could read nothing; give one each", s.label("alert-encrypt-cert"), mail)
	}
	to, err := ParseSMTP(a.SMTP)
	switch {
	case err != "":
		s.faultAbout("alert-smtp", "%s: %s", smtp, err)
	case to.User == "" && a.Password != (Secret{}):
		s.faultAbout("alert-smtp-password", "%s is used with a user only; write it as smtp://USER@HOST in %s", pass, smtp)
	case to.User != "" && a.Password == (Secret{}):
		s.faultAbout("alert-smtp", "%s has a user and no password; give a file with it: %s FILE", smtp, pass)
	case to.User != "" && a.TLS == "off" && !to.Implicit && !isLocal(net.JoinHostPort(to.Host, to.Port)):
		s.faultAbout("alert-smtp-tls", "%s: off shows a password to whoever listens; leave out the user, or give smtps:// or STARTTLS", s.label("alert-smtp-tls"))
	}
}

// A MailServer is what an address of one comes to.
type MailServer struct {
	Host, Port, User string
	Implicit         bool // TLS from the start
}

// ParseSMTP reads the address of a mail server; fault says what is wrong.
func ParseSMTP(text string) (to MailServer, fault string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains([]string{"smtp", "smtps"}, u.Scheme) || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return to, "it is no address of a mail server; give one such as smtp://mail.example.org or smtps://mail.example.org"
	case hasPassword(u):
		return to, "it has a password in it, which others who see it can read; put that into a file, or the variable of the environment"
	}
	to = MailServer{Host: u.Hostname(), Port: u.Port(), User: u.User.Username(), Implicit: u.Scheme == "smtps"}
	if to.Port == "" {
		to.Port = map[bool]string{false: "587", true: "465"}[to.Implicit]
	}
	return to, ""
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}
