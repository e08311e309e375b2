package main

// caddyServer is Caddy with its directive for PHP. Debian's build has no CGI.
var caddyServer = server{
	name: "caddy", kinds: []kind{php, app}, env: oneProc,
	tools: []tool{{"caddy", "caddy"}}, version: []string{"caddy", "version"},
	args: func(s *setup) ([]string, error) {
		path, err := s.writeConfig("Caddyfile", caddyConfig)
		return []string{"caddy", "run", "--config", path, "--adapter", "caddyfile"}, err
	},
}

var caddyConfig = parse("Caddyfile", `{
	admin off
	auto_https off
	log {
		level ERROR
	}
}
http://{{.Addr}} {
	bind {{.Host}}
	root * {{.Root}}
	php_fastcgi unix/{{.Socket}}
}
`)
