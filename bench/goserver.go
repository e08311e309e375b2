package main

import (
	"path/filepath"
	"strconv"
)

// oneProc is for programs in Go what one worker is for the others.
var oneProc = []string{"GOMAXPROCS=1"}

// freshetServers are ours: as it is, looking at the file on every request, and
// looking at most once a second.
var freshetServers = []server{
	freshet("freshet"),
	freshet("freshet-1s", "--coherence", "1s"),
}

func freshet(name string, flags ...string) server {
	return server{
		name: name, ours: true, can: needTLS | needGzip | needLog, env: oneProc,
		args: func(s *setup) ([]string, error) {
			args := []string{filepath.Join(s.programs, "freshet"), "serve",
				"--max-connections", strconv.Itoa(s.conns + 1000),
				"--max-connections-per-client", strconv.Itoa(s.conns + 1000),
				"--idle-timeout", idleFor.String(),
			}
			if s.needs&needTLS != 0 {
				args = append(args, "--listen", s.plainAddr, "--tls-listen", s.addr, "--tls-cert", s.cert, "--tls-key", s.key)
			} else {
				args = append(args, "--listen", s.addr)
			}
			if s.log != "" {
				args = append(args, "--access-log", s.log)
			} else {
				args = append(args, "--access-log", "off")
			}
			return append(append(args, flags...), s.root), nil
		},
	}
}

// goServers are small programs around Go packages: files from
// http.FileServer, and one handler on our engine and on Go's.
var goServers = []server{
	{
		name: "fileserver", can: needTLS, env: oneProc,
		args: func(s *setup) ([]string, error) {
			args := []string{filepath.Join(s.programs, "fileserver"), "-listen", s.addr, "-root", s.root}
			if s.needs&needTLS != 0 {
				args = append(args, "-tls-cert", s.cert, "-tls-key", s.key)
			}
			return args, nil
		},
	},
	hello("httpd", true),
	hello("net/http", false),
}

func hello(engine string, ours bool) server {
	return server{
		name: engine, ours: ours, can: needHandler, env: oneProc,
		args: func(s *setup) ([]string, error) {
			return []string{filepath.Join(s.programs, "hello"), "-engine", engine, "-listen", s.addr}, nil
		},
	}
}
