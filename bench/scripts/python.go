package main

import "net"

// pythonServer is the server in Python's library, which says itself that it is
// not for production: for curiosity. It closes each connection.
var pythonServer = server{
	name: "python", curious: true, closes: true, kinds: []kind{cgi},
	tools: []tool{{"python3", "/usr/bin/python3"}}, version: []string{"/usr/bin/python3", "--version"},
	args: func(s *setup) ([]string, error) {
		host, port, err := net.SplitHostPort(s.addr)
		return []string{"/usr/bin/python3", "-m", "http.server", "--cgi", "--bind", host, "--directory", s.root, port}, err
	},
}
