package app

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/internal/smime"
)

// A post office has an authority and people that OpenSSL made.
type postOffice struct {
	t   *testing.T
	dir string
}

func newPostOffice(t *testing.T) *postOffice {
	t.Helper()
	o := &postOffice{t, t.TempDir()}
	o.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", "ca.key", "-out", "ca.pem",
		"-subj", "/CN=test authority", "-days", "30")
	for name, kind := range map[string][]string{"alice": {"rsa:2048"}, "bob": {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"}} {
		o.openssl(append(append([]string{"req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-newkey"}, kind...), "-noenc", "-keyout", name+".key", "-out", name+".pem",
			"-subj", "/CN="+name, "-days", "30", "-addext", "subjectAltName=email:"+name+"@example.org", "-addext", "basicConstraints=critical,CA:FALSE",
			"-addext", "extendedKeyUsage=emailProtection")...)
	}
	o.openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", "alice.key", "-out", "alice.enc", "-passout", "pass:sesame")
	o.put("pass", "sesame\n")
	o.put("mail", "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: lunch\n\nAt noon?\n")
	return o
}

func (o *postOffice) in(name string) string { return filepath.Join(o.dir, name) }

func (o *postOffice) put(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(o.in(name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func (o *postOffice) read(name string) string {
	o.t.Helper()
	b, err := os.ReadFile(o.in(name))
	if err != nil {
		o.t.Fatal(err)
	}
	return string(b)
}

func (o *postOffice) openssl(args ...string) string {
	o.t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Dir = o.dir
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return string(out)
}

// run runs freshet smime in the folder; words that end in a dot and more are
// files there.
func (o *postOffice) run(status int, stdin string, args ...string) (stdout, stderr string) {
	o.t.Helper()
	for i, a := range args {
		if _, err := os.Stat(o.in(a)); err == nil || strings.HasPrefix(a, "new") {
			args[i] = o.in(a)
		}
	}
	p := startWith(o.t, func(e *Env) { e.Stdin = strings.NewReader(stdin) }, append([]string{"smime"}, args...)...)
	if got := p.wait(); got != status {
		o.t.Errorf("%v: exit status %d, want %d: %s", args, got, status, p.stderr)
	}
	return p.stdout.String(), p.stderr.String()
}

const noon = "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nAt noon?\r\n"

func TestSMIMEStory(t *testing.T) {
	o := newPostOffice(t)
	// Signed by file and by pipe, in both forms; OpenSSL and we read it.
	o.run(exitOK, "", "sign", "--cert", "alice.pem", "--key", "alice.key", "mail", "-o", "new-signed")
	signed := o.read("new-signed")
	contains(t, signed, "From: Alice <alice@example.org>\nTo: bob@example.org\nSubject: lunch\nMIME-Version: 1.0\n", "micalg=sha-256", "At noon?")
	piped, _ := o.run(exitOK, "dinner\n", "sign", "--cert", "alice.pem", "--key", "alice.enc", "--passphrase-file", "pass", "--opaque", "--digest", "sha-512",
		"--from", "alice@example.org", "--to", "bob@example.org", "--subject", "today")
	contains(t, piped, "From: <alice@example.org>\nTo: <bob@example.org>\nSubject: today\n", "smime-type=signed-data")
	if strings.ReplaceAll(o.openssl("cms", "-verify", "-in", "new-signed", "-CAfile", "ca.pem"), "\r", "") != strings.ReplaceAll(noon, "\r", "") {
		t.Error("openssl reads something else")
	}
	out, said := o.run(exitOK, "", "verify", "--ca", "ca.pem", "new-signed")
	if out != noon {
		t.Errorf("%q", out)
	}
	contains(t, said, "signed by alice@example.org on ", "vouched for by CN=test authority; RSA 2048, sha-256; certificate ")
	if out, _ = o.run(exitOK, piped, "verify", "--ca", "ca.pem", "--body"); out != "dinner\r\n" {
		t.Errorf("%q", out)
	}

	// What does not verify is not printed.
	for _, tt := range []struct {
		mail string
		args []string
		want string
	}{
		{strings.Replace(signed, "noon", "nine", 1), []string{"--ca", "ca.pem"}, "freshet: not verified: the text is not the one that was signed; have it sent again"},
		{signed, nil, "freshet: not verified: no trusted authority vouches for the certificate of alice@example.org; its issuer is CN=test authority"},
		{strings.Replace(signed, "alice@", "bob@", 1), []string{"--ca", "ca.pem"}, "freshet: not verified: it is from bob@example.org, and signed by alice@example.org; look who has signed it"},
		{signed, []string{"--ca", "ca.pem", "--from", "bob@example.org"}, "it is from bob@example.org, and signed by alice@example.org"},
		{signed[:len(signed)-300], []string{"--ca", "ca.pem"}, "the mail was cut off"},
		{"From: alice@example.org\n\nhello\n", []string{"--ca", "ca.pem"}, "the mail is not signed; its type is text/plain"},
		{signed, []string{"--ca", "ca.pem", "--at", "2040-01-01"}, "expired on"},
	} {
		out, said := o.run(exitFault, tt.mail, append([]string{"verify"}, tt.args...)...)
		if contains(t, said, tt.want); out != "" {
			t.Errorf("printed: %q", out)
		}
	}
	if out, _ := o.run(exitOK, strings.Replace(signed, "alice@", "bob@", 1), "verify", "--ca", "ca.pem", "--any-sender"); out != noon {
		t.Errorf("%q", out)
	}

	// The report for programs.
	out, _ = o.run(exitOK, "", "verify", "--ca", "ca.pem", "--json", "new-signed", "-o", "new-text")
	var r smime.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || !r.Verified || r.Signers[0].Addresses[0] != "alice@example.org" || len(r.Signers[0].Chain) != 2 {
		t.Errorf("%v %s", err, out)
	}
	if o.read("new-text") != noon {
		t.Error("the text is another one")
	}
	contains(t, out, `"problems": []`, `"signing_time": "20`, `"key": "RSA 2048"`)
	out, _ = o.run(exitFault, "", "verify", "--json", "new-signed", "-o", "new-other")
	contains(t, out, `"verified": false`, `"id": "unknown-authority"`, `"remedy": "`)
	if _, err := os.Stat(o.in("new-other")); err == nil {
		t.Error("what did not verify is in a file")
	}

	// Encrypted for two, signed inside; each reads it, and OpenSSL does.
	o.run(exitOK, "", "encrypt", "--to", "alice.pem", "--to", "bob.pem", "new-signed", "-o", "new-sealed")
	sealed := o.read("new-sealed")
	contains(t, sealed, "Subject: lunch\n", "smime-type=authEnveloped-data")
	if strings.Contains(sealed, "noon") {
		t.Error("the text can be read")
	}
	for _, who := range []string{"alice", "bob"} {
		mail, _ := o.run(exitOK, "", "decrypt", "--key", who+".key", "--cert", who+".pem", "--mail", "new-sealed")
		if out, _ := o.run(exitOK, mail, "verify", "--ca", "ca.pem"); out != noon {
			t.Errorf("%s: %q", who, out)
		}
		inner, _ := o.run(exitOK, sealed, "decrypt", "--key", who+".key")
		contains(t, inner, "Content-Type: multipart/signed")
		contains(t, o.openssl("cms", "-decrypt", "-in", "new-sealed", "-recip", who+".pem", "-inkey", who+".key"), "Content-Type: multipart/signed")
	}
	o.put("cbc", o.openssl("cms", "-encrypt", "-in", "mail", "-aes256", "alice.pem"))
	_, said = o.run(exitOK, "From: a@b.example\n"+o.read("cbc"), "decrypt", "--key", "alice.key")
	contains(t, said, "note: it was encrypted with AES-CBC")
	_, said = o.run(exitFault, "", "decrypt", "--key", "bob.key", "--cert", "bob.pem", "cbc")
	contains(t, said, "freshet: the message is not for the certificate of bob@example.org, but for number ")
	o.put("des", o.openssl("cms", "-encrypt", "-in", "mail", "-des3", "alice.pem"))
	_, said = o.run(exitFault, "", "decrypt", "--key", "alice.key", "des")
	contains(t, said, "encrypted with Triple DES, which can be broken; have it encrypted with AES-256-GCM")

	// Bytes stay what they are.
	o.put("data.bin", "\x00\xff\r\n\n\r")
	mail, _ := o.run(exitOK, "", "encrypt", "--to", "bob.pem", "data.bin", "--from", "a@b.example")
	if out, _ := o.run(exitOK, mail, "decrypt", "--key", "bob.key", "--body"); out != "\x00\xff\r\n\n\r" {
		t.Errorf("%q", out)
	}
	// A signature apart.
	o.put("sig", o.openssl("cms", "-sign", "-binary", "-in", "data.bin", "-outform", "DER", "-signer", "alice.pem", "-inkey", "alice.key"))
	if out, said := o.run(exitOK, "", "verify", "--ca", "ca.pem", "--content", "data.bin", "sig"); out != "\x00\xff\r\n\n\r" {
		t.Errorf("%q", out)
	} else {
		contains(t, said, "note: nothing says who it should be from")
	}
}

func TestSMIMEFaults(t *testing.T) {
	o := newPostOffice(t)
	o.put("empty", "\n")
	o.openssl("rsa", "-aes128", "-traditional", "-in", "alice.key", "-out", "old.key", "-passout", "pass:sesame")
	sign := []string{"sign", "--cert", "alice.pem", "--key"}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "say what to do: freshet smime sign, verify, encrypt or decrypt"},
		{[]string{"sing"}, "did you mean freshet smime sign?"},
		{[]string{"sign"}, "say who signs: --cert FILE and --key FILE"},
		{[]string{"decrypt"}, "say with which key: --key FILE"},
		{[]string{"encrypt"}, "say for whom: --to FILE"},
		{[]string{"verify", "--opaque"}, "--opaque is for freshet smime sign; leave it out"},
		{[]string{"verify", "a", "b"}, "one too many"},
		{[]string{"verify", "--at", "yesterday"}, "bad value \"yesterday\" for --at: give now, signing, a day"},
		{[]string{"verify", "--json", "-o", "-"}, "name a file, or leave one out"},
		{[]string{"verify", "--from", "a@b.example", "--any-sender"}, "exclude each other"},
		{[]string{"decrypt", "--key", "k", "--mail", "--body"}, "exclude each other"},
		{[]string{"verify", "none"}, "none: no such file or directory; name a file that can be read"},
		{[]string{"verify", "mail", "--max-bytes", "10"}, "has more than 10 bytes; --max-bytes allows more"},
		{[]string{"verify", "mail", "--ca", "alice.key"}, "it has no certificate; give one or more"},
		{[]string{"verify", "mail", "--from", "nobody"}, "--from \"nobody\" is no mail address"},
		{append(sign, "bob.key", "mail"), "the key is not that of the certificate of alice@example.org"},
		{append(sign, "pass", "mail"), "it has no private key"},
		{append(sign, "none", "mail"), "--key none: no such file"},
		{append(sign, "alice.enc", "mail"), "it is encrypted; give a file with its passphrase"},
		{append(sign, "alice.enc", "--passphrase-file", "mail", "mail"), "the passphrase is not that of the key"},
		{append(sign, "alice.enc", "--passphrase-file", "empty", "mail"), "its first line is empty"},
		{append(sign, "old.key", "mail"), "encrypted in the old way of PEM"},
		{append(sign, "alice.key", "mail", "--from", "x@example.org"), "the mail has a field From already"},
		{append(sign, "alice.key", "mail", "-o", "none/here"), "no such file or directory; name another file with --out"},
		{[]string{"encrypt", "mail", "--to", "mail"}, "it has no certificate"},
	} {
		out, said := o.run(exitUsage, "", append([]string(nil), tt.args...)...)
		if contains(t, said, tt.want); out != "" || !strings.HasPrefix(said, "freshet: ") {
			t.Errorf("%v: %q %q", tt.args, out, said)
		}
	}
	if runtime.GOOS != "windows" {
		os.Chmod(o.in("bob.key"), 0o640)
		_, said := o.run(exitUsage, "", "sign", "--cert", "bob.pem", "--key", "bob.key", "mail")
		contains(t, said, "others can read or change the key in ", "chmod 600", "make a new key")
	}
	// A certificate that has run out, by the clock.
	p := startWith(t, func(e *Env) { e.Now = func() int64 { return time.Now().AddDate(1, 0, 0).UnixNano() } }, "smime", "sign", "--cert", o.in("alice.pem"), "--key", o.in("alice.key"), o.in("mail"))
	if p.wait() != exitUsage {
		t.Error("signed with a certificate that has run out")
	}
	contains(t, p.stderr.String(), "the certificate of alice@example.org expired on")
	// A terminal is not upset unless that is asked for.
	o.put("bell", "From: alice@example.org\n\n\x1b]0;title\a\n")
	bell, _ := o.run(exitOK, "", "sign", "--cert", "alice.pem", "--key", "alice.key", "bell")
	for _, asked := range []bool{false, true} {
		args := []string{"smime", "verify", "--ca", o.in("ca.pem")}
		if asked {
			args = append(args, "--out", "-")
		}
		p := startWith(t, func(e *Env) {
			e.Stdin, e.Screen = strings.NewReader(bell), func() (int, int, bool) { return 80, 24, true }
		}, args...)
		status := p.wait()
		if got := strings.Contains(p.stdout.String(), "\x1b"); got != asked || (status == exitOK) != asked {
			t.Errorf("asked %v: status %d, %q", asked, status, p.stdout)
		}
	}
}
