package config

// User is what the command line of freshet user says.
type User struct {
	Verb string // "add", "remove", "list" or "check"
	File string
	Name string // "" for list
}

var userVerbs = []string{"add", "remove", "list", "check"}

// userCommand is the row of freshet user.
var userCommand = Command{Name: "user", Usage: "add|remove|check FILE NAME | list FILE", Short: "names and passwords of those who may pass",
	Long: "Keeps the file that --users of a server names, and users in its file: a line for each user, with the hash of the password (argon2id). " +
		"add asks for a password and adds the user, or changes the password, and makes the file if there is none; remove takes the user out; list prints the names; check asks for a password and says whether it is the user's, by its exit status, too. " +
		"A password is asked for in the terminal, where it is not shown, or else is the first line of standard input. The server obeys a change within a second.",
}

// ParseUser parses what follows "freshet user" and the environment. Its error is
// ErrHelp or Faults.
func ParseUser(args, environ []string) (*User, error) {
	c := &User{}
	p := newParser("user")
	if err := p.read(args, environ); err != nil {
		return nil, err
	}
	p.store(&sections{})
	var rest []string
	if c.Verb, rest = p.word("user", userVerbs); c.Verb != "" {
		switch {
		case c.Verb == "list" && len(rest) == 1:
			c.File = rest[0]
		case c.Verb != "list" && len(rest) == 2:
			c.File, c.Name = rest[0], rest[1]
		case c.Verb == "list":
			p.fault("list takes the file; write freshet user list FILE")
		default:
			p.fault("%s takes the file and a name; write freshet user %s FILE NAME", c.Verb, c.Verb)
		}
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return c, nil
}
