package authority

import (
	"fmt"
	"strings"
)

// An Instruction says how an authority comes to be trusted somewhere, and how
// that is undone.
type Instruction struct {
	Where string
	Do    []string // commands, or what a person does
	Undo  []string
}

// Trust says what a person has to do so that an authority is trusted. Nothing is
// done by it; see [Authority.SystemStores] for that. File names are quoted for a
// POSIX shell, those for Windows aside.
func (a *Authority) Trust() []Instruction {
	file := a.File()
	sh, name := shellQuoted(file), shellQuoted(a.cert.Subject.CommonName)
	sum := strings.ReplaceAll(Fingerprint(a.cert), ":", "")
	var all []Instruction
	for _, s := range a.SystemStores("/") {
		all = append(all, Instruction{s.Where, asRoot(s.Do), asRoot(s.Undo)})
	}
	return append(all, []Instruction{
		{"macOS (Safari, Chrome)",
			[]string{"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain " + sh},
			[]string{"sudo security remove-trusted-cert -d " + sh, "sudo security delete-certificate -Z " + sum + " /Library/Keychains/System.keychain"}},
		{"Windows (Edge, Chrome), for the user",
			[]string{"certutil -user -addstore Root " + windowsQuoted(file)},
			[]string{"certutil -user -delstore Root " + a.cert.SerialNumber.Text(16)}},
		{"Chrome and Chromium on Linux (certutil is in libnss3-tools, or nss-tools)",
			[]string{"certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n " + name + " -i " + sh},
			[]string{"certutil -d sql:$HOME/.pki/nssdb -D -n " + name}},
		{"Firefox",
			[]string{"Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import: " + file + "; tick \"Trust this CA to identify websites\"",
				"or, for it to use what the system trusts: security.enterprise_roots.enabled = true in about:config"},
			[]string{"the same list: " + a.cert.Subject.CommonName + ", Delete or Distrust"}},
		{"One program at a time",
			[]string{"curl --cacert " + sh, "SSL_CERT_FILE=" + sh + " (OpenSSL, Go on Linux: in place of all others)", "NODE_EXTRA_CA_CERTS=" + sh + " (Node.js)", "REQUESTS_CA_BUNDLE=" + sh + " (Python requests: in place of all others)"},
			nil},
	}...)
}

func asRoot(commands [][]string) []string {
	all := make([]string, len(commands))
	for i, args := range commands {
		all[i] = "sudo " + Command(args)
	}
	return all
}

// TrustText is that for people.
func (a *Authority) TrustText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Authority    %s\nCertificate  %s\nSHA-256      %s\nValid until  %s\n", a.cert.Subject.CommonName, a.File(), Fingerprint(a.cert), a.cert.NotAfter.Format("2006-01-02"))
	b.WriteString("\nWho trusts it believes all that its key signs. Nothing has been changed by printing\n" +
		"this. Compare the SHA-256 on the machine that is to trust it.\n")
	for _, i := range a.Trust() {
		fmt.Fprintf(&b, "\n%s:\n", i.Where)
		for _, s := range i.Do {
			fmt.Fprintf(&b, "    %s\n", s)
		}
		for n, s := range i.Undo {
			if n == 0 {
				b.WriteString("  and to undo it:\n")
			}
			fmt.Fprintf(&b, "    %s\n", s)
		}
	}
	return plainLines(b.String())
}

// shellQuoted quotes a word for a POSIX shell, where that is needed.
func shellQuoted(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !safe(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// windowsQuoted does so for its command line: no file name has a quote there.
func windowsQuoted(s string) string {
	if strings.ContainsAny(s, " \t&()^;,=") {
		return `"` + s + `"`
	}
	return s
}

// plainLines is plain for text of several lines.
func plainLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}
