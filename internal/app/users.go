package app

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// users are the people who may use the forward proxy: hashes of their passwords
// by their names. A hash of SHA-256 is enough for what the file has in clear.
type users map[string][sha256.Size]byte

// readUsers reads a file with a line name:password for each user. Empty lines
// and those that begin with # are left out.
func readUsers(file string) (users, error) {
	info, err := os.Stat(file)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("--users %s: others can read it; chmod 600 it", file)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, fmt.Errorf("--users %s: %v; give a file with a line name:password for each user", file, cause(err))
	}
	all := users{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, password, ok := strings.Cut(line, ":")
		if !ok || name == "" || password == "" {
			return nil, fmt.Errorf("--users %s:%d: write name:password", file, n)
		}
		all[name] = sha256.Sum256([]byte(password))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--users %s: %v", file, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("--users %s: there is no user in it; write a line name:password for each", file)
	}
	return all, nil
}

// login reports whether name and password are those of a user. It takes the
// same time for an unknown name as for a wrong password.
func (u users) login(name, password string) bool {
	want, known := u[name]
	got := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
}
