package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// lighttpdServer is lighttpd with its cache of stat results, and with a folder
// for what mod_deflate made, so that it too compresses a file once.
var lighttpdServer = server{
	name: "lighttpd", version: []string{"lighttpd", "-v"},
	tools: []tool{
		{"lighttpd", "lighttpd"},
		{"lighttpd-mod-deflate", "/usr/lib/lighttpd/mod_deflate.so"},
		{"lighttpd-mod-openssl", "/usr/lib/lighttpd/mod_openssl.so"},
	},
	can: needTLS | needGzip | needLog, keepsOpen: true,
	args: func(s *setup) ([]string, error) {
		var c strings.Builder
		line := func(format string, a ...any) { fmt.Fprintf(&c, format+"\n", a...) }
		line(`server.document-root = "%s"`, s.root)
		line(`server.bind = "127.0.0.1"`)
		line(`server.port = %d`, port(s.addr))
		line(`server.max-worker = 0`)
		line(`server.max-fds = %d`, s.maxFiles)
		line(`server.max-connections = %d`, s.conns+1000)
		line(`server.max-keep-alive-requests = 1000000000`)
		line(`server.max-keep-alive-idle = %d`, int(idleFor.Seconds()))
		line(`server.listen-backlog = 4096`)
		line(`server.stat-cache-engine = "simple"`)
		line(`server.errorlog = "%s/error.log"`, s.dir)
		line(`mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", ".js" => "text/javascript", ".bin" => "application/octet-stream")`)
		modules := []string{}
		if s.log != "" {
			modules = append(modules, `"mod_accesslog"`)
			line(`accesslog.filename = "%s"`, s.log)
		}
		if s.needs&needGzip != 0 {
			cache := filepath.Join(s.dir, "deflate")
			if err := os.Mkdir(cache, 0o755); err != nil {
				return nil, err
			}
			modules = append(modules, `"mod_deflate"`)
			line(`deflate.mimetypes = ("text/javascript")`)
			line(`deflate.allowed-encodings = ("gzip")`)
			line(`deflate.cache-dir = "%s"`, cache)
		}
		if s.needs&needTLS != 0 {
			modules = append(modules, `"mod_openssl"`)
			line(`ssl.engine = "enable"`)
			line(`ssl.pemfile = "%s"`, s.cert)
			line(`ssl.privkey = "%s"`, s.key)
		}
		line(`server.modules = (%s)`, strings.Join(modules, ", "))
		path, err := s.writeConfig("lighttpd.conf", c.String())
		return []string{"lighttpd", "-D", "-f", path}, err
	},
}
