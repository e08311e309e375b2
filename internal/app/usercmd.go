package app

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"freshet/internal/config"
	"freshet/internal/userfile"
	"freshet/internal/wholefile"
)

// user keeps a file of users.
func (e *Env) user(args []string) int {
	c, err := config.ParseUser(args, e.Environ)
	if err != nil {
		return e.misused("user", err)
	}
	f, err := readUserFile(c.File, c.Verb == "add")
	if err != nil {
		return e.fault(err)
	}
	f.warn(e, c.Verb == "add" || c.Verb == "remove")
	switch c.Verb {
	case "list":
		for _, line := range f.lines {
			if name, ok := userOfLine(line); ok {
				fmt.Fprintln(e.Stdout, name)
			}
		}
		return exitOK
	case "remove":
		return e.result(f.remove(e, c.Name))
	case "check":
		return e.result(f.check(e, c.Name))
	}
	return e.result(f.add(e, c.Name))
}

// userFile is a file of users, by lines, of which those that are about others stay
// as they are.
type userFile struct {
	path  string
	lines []string
	all   *userfile.Users
}

func readUserFile(path string, isNew bool) (*userFile, error) {
	f := &userFile{path: path, all: &userfile.Users{}}
	data, err := os.ReadFile(path)
	switch {
	case isNew && errors.Is(err, fs.ErrNotExist):
		return f, nil
	case err != nil:
		return nil, err
	}
	if f.all, err = userfile.Parse(data); errors.Is(err, userfile.ErrNone) {
		f.all, err = &userfile.Users{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for line := range strings.Lines(string(data)) {
		f.lines = append(f.lines, strings.TrimRight(line, "\r\n"))
	}
	return f, nil
}

// warn tells when others can read the file, which servers refuse then. Who writes it
// mends that.
func (f *userFile) warn(e *Env, writes bool) {
	info, err := os.Stat(f.path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return
	}
	if writes {
		e.tell("%s could be read or changed by others (mode %04o), and is yours alone once it is written; set new passwords if somebody may have had it", f.path, info.Mode().Perm())
		return
	}
	e.tell("%s can be read or changed by others (mode %04o), so that no server takes it; run chmod 600 on it, and set new passwords if somebody may have had it", f.path, info.Mode().Perm())
}

// userOfLine returns whose line it is.
func userOfLine(line string) (name string, ok bool) {
	name, _, ok = strings.Cut(line, ":")
	return name, ok && line[0] != '#'
}

func (f *userFile) index(name string) int {
	return slices.IndexFunc(f.lines, func(line string) bool {
		of, ok := userOfLine(line)
		return ok && of == name
	})
}

func (f *userFile) add(e *Env, name string) error {
	if err := userfile.CheckName(name); err != nil {
		return err
	}
	password, err := e.password("password of " + name + ": ")
	if err != nil {
		return err
	}
	salt := make([]byte, userfile.Salt)
	rand.Read(salt) // does not fail; see crypto/rand
	line, err := userfile.Line(name, password, salt)
	if err != nil {
		return err
	}
	name, _, _ = strings.Cut(line, ":")
	done := "added %s to %s\n"
	if i := f.index(name); i >= 0 {
		f.lines[i], done = line, "replaced the password of %s in %s\n"
	} else {
		f.lines = append(f.lines, line)
	}
	if err := f.write(); err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, done, name, f.path)
	return nil
}

func (f *userFile) remove(e *Env, name string) error {
	i := f.index(name)
	if i < 0 {
		return fmt.Errorf("%s has no user %s; \"freshet user list %s\" prints them", f.path, name, f.path)
	}
	f.lines = slices.Delete(f.lines, i, i+1)
	if err := f.write(); err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "removed %s from %s\n", name, f.path)
	return nil
}

func (f *userFile) check(e *Env, name string) error {
	password, err := e.password("password of " + name + ": ")
	if err != nil {
		return err
	}
	if !f.all.Check(name, password) {
		return errors.New("name and password are not those of a user")
	}
	fmt.Fprintln(e.Stdout, "it is the password of", name)
	return nil
}

// write puts the file in place of the one that there was, whole, for nobody else to
// read.
func (f *userFile) write() error {
	var text strings.Builder
	for _, line := range f.lines {
		text.WriteString(line + "\n")
	}
	if err := wholefile.Write(f.path, []byte(text.String())); err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	return nil
}

// password asks for one: in a terminal, which does not show it, else it is the first
// line of the input.
func (e *Env) password(prompt string) (string, error) {
	if e.Stdin == nil {
		return "", errors.New("there is no standard input to read the password from")
	}
	in := e.Stdin
	if file, is := in.(*os.File); is {
		if restore, ok := hideTyping(file); ok {
			fmt.Fprint(e.Stderr, prompt)
			defer fmt.Fprintln(e.Stderr)
			defer restore()
		}
	}
	line, err := bufio.NewReader(io.LimitReader(in, 2*userfile.MaxPassword)).ReadString('\n')
	if err != nil && (err != io.EOF || line == "") {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
