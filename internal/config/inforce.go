package config

// A Parameter is a row of the table with the value that is in force.
type Parameter struct {
	Key   string
	Value string // "" when it is unset
	From  string // the flag or variable; "" of the file, and for defaults
	Line  int    // of the file; 0 for none
	Given bool   // else it is the default
	Doc   string
}

// InForce returns all parameters of a command, given what was given.
func InForce(command string, given []Setting) []Parameter {
	c := CommandNamed(command)
	if c == nil {
		return nil
	}
	return inForce(c.Flags, given)
}

// InForce returns the parameters that are the server's, whatever the sites.
func (f *File) InForce() []Parameter { return inForce(serverFlags, f.Given) }

// InForce returns the parameters of the site alone.
func (s *Site) InForce() []Parameter { return inForce(siteRows, s.Given) }

// InForce returns the parameters that have a meaning for what the route does.
func (r *Route) InForce() []Parameter {
	rows := routeRows
	for _, k := range routeKinds {
		if k.kind == r.Kind {
			rows = append(rows[:len(rows):len(rows)], k.rows...)
		}
	}
	return inForce(rows, r.Given)
}

func inForce(rows []Flag, given []Setting) []Parameter {
	all := make([]Parameter, 0, len(rows))
	for i := range rows {
		f := &rows[i]
		p := Parameter{Key: f.key(), Value: f.Default, Doc: f.Doc}
		if f.Kind == Switch && p.Value == "" {
			p.Value = "off"
		}
		for _, g := range given {
			if g.Key == p.Key {
				p.Value, p.From, p.Line, p.Given = g.Value, g.From, g.Line, true
			}
		}
		all = append(all, p)
	}
	return all
}
