package main

import "path/filepath"

// oneProc is for programs in Go what one worker is for the others.
var oneProc = []string{"GOMAXPROCS=1"}

// freshetServers are ours.
var freshetServers = []server{
	{
		name: "freshet", ours: true, kinds: []kind{cgi}, env: oneProc,
		args: func(s *setup) ([]string, error) {
			return []string{filepath.Join(s.programs, "freshet"), "serve", "--listen", s.addr, "--access-log", "off", "--cgi", "/cgi-bin", s.root}, nil
		},
	},
}
