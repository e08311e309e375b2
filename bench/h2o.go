package main

import (
	"fmt"
	"os"
	"strings"
)

// h2oServer is h2o with one thread. It writes its access log line by line: it
// knows no buffer for it.
var h2oServer = server{
	name: "h2o", tools: []tool{{"h2o", "h2o"}}, version: []string{"h2o", "-v"},
	can: needTLS | needGzip | needLog,
	args: func(s *setup) ([]string, error) {
		var c strings.Builder
		line := func(format string, a ...any) { fmt.Fprintf(&c, format+"\n", a...) }
		if os.Getuid() == 0 {
			line("user: root")
		}
		line("num-threads: 1")
		line("max-connections: %d", s.conns+1000)
		line("http1-request-timeout: %d", int(idleFor.Seconds()))
		line("http2-idle-timeout: %d", int(idleFor.Seconds()))
		line("error-log: %s/error.log", s.dir)
		if s.log != "" {
			line("access-log: %s", s.log)
		}
		if s.needs&needGzip != 0 {
			line("compress: [gzip]")
		}
		line("listen:")
		line("  host: 127.0.0.1")
		line("  port: %d", port(s.addr))
		if s.needs&needTLS != 0 {
			line("  ssl:")
			line("    certificate-file: %s", s.cert)
			line("    key-file: %s", s.key)
		}
		line("hosts:")
		line("  default:")
		line("    paths:")
		line("      /:")
		line("        file.dir: %s", s.root)
		path, err := s.writeConfig("h2o.conf", c.String())
		return []string{"h2o", "-c", path}, err
	},
}
