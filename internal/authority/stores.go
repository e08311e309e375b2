package authority

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Store is where programs of Linux look for whom they trust: that of a system,
// or a database of NSS, which browsers have. Nothing of it is quoted.
type Store struct {
	Where    string
	Super    bool       // only root may change it
	Do, Undo [][]string // commands, each with its arguments

	// Of a system: what goes to a file of its own, before the program that makes the
	// bundle of all makes it anew.
	File, Bundle string
	// Of NSS: the folder of a database.
	Database string
}

// Program is what changes the store.
func (s *Store) Program() string { return s.Do[len(s.Do)-1][0] }

// SystemStores are those of Linux, one for each kind of system, below a root: "/".
func (a *Authority) SystemStores(root string) []Store {
	name := fmt.Sprintf("freshet-%x.crt", a.cert.SubjectKeyId[:3])
	copied := func(where, dir, bundle, program string, undo ...string) Store {
		file := path.Join(root, dir, name)
		return Store{Where: where, Super: true, File: file, Bundle: path.Join(root, bundle),
			Do:   [][]string{{"cp", a.File(), file}, {program}},
			Undo: [][]string{{"rm", file}, append([]string{program}, undo...)}}
	}
	return []Store{
		copied("Debian, Ubuntu, Alpine", "usr/local/share/ca-certificates", "etc/ssl/certs/ca-certificates.crt", "update-ca-certificates", "--fresh"),
		copied("Fedora, RHEL", "etc/pki/ca-trust/source/anchors", "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "update-ca-trust"),
		{Where: "Arch", Super: true, Bundle: path.Join(root, "etc/ca-certificates/extracted/tls-ca-bundle.pem"),
			Do: [][]string{{"trust", "anchor", "--store", a.File()}}, Undo: [][]string{{"trust", "anchor", "--remove", a.File()}}},
	}
}

// databaseStore is a database of NSS.
func (a *Authority) databaseStore(dir string) Store {
	db, name := "sql:"+dir, a.cert.Subject.CommonName
	return Store{Where: "NSS database " + dir, Database: dir,
		Do:   [][]string{{"certutil", "-d", db, "-A", "-t", "C,,", "-n", name, "-i", a.File()}},
		Undo: [][]string{{"certutil", "-d", db, "-D", "-n", name}}}
}

// databases are where browsers of a user have theirs: Chrome and Chromium,
// Firefox by profile, and both as a snap or a flatpak.
var databases = []string{
	".pki/nssdb", "snap/chromium/current/.pki/nssdb",
	".mozilla/firefox/*", ".config/mozilla/firefox/*", "snap/firefox/common/.mozilla/firefox/*", ".var/app/org.mozilla.firefox/.mozilla/firefox/*",
}

// DatabaseStores are the databases of NSS that there are below a user's home.
func (a *Authority) DatabaseStores(home string) []Store {
	var all []Store
	for _, pattern := range databases {
		found, _ := fs.Glob(os.DirFS(home), pattern+"/cert9.db") // no pattern is bad
		for _, file := range found {
			all = append(all, a.databaseStore(filepath.Join(home, path.Dir(file))))
		}
	}
	return all
}

// Kept reports whether the store's own file is the authority's certificate already,
// so that it needs not be copied.
func (a *Authority) Kept(s *Store) bool {
	text, err := os.ReadFile(s.File)
	return err == nil && bytes.Equal(text, a.PEM())
}

// Bundled reports whether the store's bundle has the authority.
func (a *Authority) Bundled(s *Store) bool {
	text, err := os.ReadFile(s.Bundle)
	return err == nil && a.isIn(text)
}

// isIn reports whether a text has the authority's certificate, PEM.
func (a *Authority) isIn(text []byte) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if bytes.Equal(block.Bytes, a.cert.Raw) {
			return true
		}
	}
}

// Listed reports whether a database trusts the authority for servers, by what
// certutil says: its list (-L), and the certificate in it that has the authority's
// name (-L -n NAME -a).
func (a *Authority) Listed(list, named []byte) bool {
	name := a.cert.Subject.CommonName
	trusted := slices.ContainsFunc(strings.Split(string(list), "\n"), func(line string) bool {
		flags, ok := strings.CutPrefix(line, name+" ")
		ssl, _, _ := strings.Cut(strings.TrimSpace(flags), ",")
		return ok && strings.Contains(ssl, "C")
	})
	return trusted && a.isIn(named)
}

// Command is one as it is typed into a POSIX shell.
func Command(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = shellQuoted(arg)
	}
	return plain(strings.Join(words, " "))
}
