package main

import "path/filepath"

// oneProc is for programs in Go what one worker is for the others.
var oneProc = []string{"GOMAXPROCS=1"}

// freshetServers are ours: as it is, which for CGI includes limits of each
// program, and with what may be asked for beyond that.
var freshetServers = []server{
	{
		name: "freshet", ours: true, kinds: []kind{cgi, php, app}, env: oneProc,
		args: func(s *setup) ([]string, error) {
			if s.kind == cgi {
				return s.serve(), nil
			}
			path, err := s.writeConfig("freshet.toml", freshetConfig)
			return []string{filepath.Join(s.programs, "freshet"), "run", "--config", path}, err
		},
	},
	{
		name: "freshet-landlock", ours: true, kinds: []kind{cgi}, env: oneProc,
		args: func(s *setup) ([]string, error) { return s.serve("--cgi-landlock"), nil },
	},
}

// serve returns the command line of ours that serves a folder with programs.
func (s *setup) serve(flags ...string) []string {
	args := []string{filepath.Join(s.programs, "freshet"), "serve", "--listen", s.addr, "--access-log", "off", "--cgi", "/cgi-bin"}
	return append(append(args, flags...), s.root)
}

// The number of connections is that of the application's workers, as the
// reference has it.
var freshetConfig = parse("freshet.toml", `[server]
listen = "{{.Addr}}"
access-log = "off"

[[site]]

[[site.route]]
path = "/"
fastcgi = "unix:{{.Socket}}"
root = "{{.Root}}"
connections = {{.Kept}}
`)
