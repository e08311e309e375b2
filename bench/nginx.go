package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

// nginxServers are nginx as careful operators run it, and variants that answer
// "what if": bodies read instead of sent by sendfile, which is faster for it
// with small files, and a cache of open files that is as strict as ours.
var nginxServers = []server{
	nginx("nginx", nginxFiles, nginxTuning{Sendfile: "on", Valid: "60s"}),
	nginx("nginx-copy", nginxFiles, nginxTuning{Sendfile: "off", Valid: "60s"}),
	nginx("nginx-1s", nginxFiles, nginxTuning{Sendfile: "on", Valid: "1s"}),
}

// nginxTuning is what is asked "what if" about.
type nginxTuning struct {
	Sendfile string // "on" or "off"
	Valid    string // how long a file is not looked at again (60s is nginx's default)
}

// nginxKind is what nginx does.
type nginxKind struct {
	can     need
	perConn int // connections of nginx for one that is expected
	config  *template.Template
}

var nginxFiles = nginxKind{can: needTLS | needGzip | needLog, perConn: 1, config: nginxConfig(nginxFilesConfig)}

func nginx(name string, kind nginxKind, t nginxTuning) server {
	return server{
		name: name, tools: []tool{{"nginx-light", "nginx"}}, version: []string{"nginx", "-v"},
		can: kind.can,
		args: func(s *setup) ([]string, error) {
			var text strings.Builder
			err := kind.config.Execute(&text, map[string]any{
				"T": t, "Dir": s.dir, "Root": s.root, "Addr": s.addr, "Log": s.log, "Cert": s.cert, "Key": s.key,
				"Origin": s.origin, "Cache": filepath.Join(s.dir, "cache"),
				"TLS": s.needs&needTLS != 0, "Gzip": s.needs&needGzip != 0, "AsRoot": os.Getuid() == 0,
				"OpenFiles": s.openFiles(), "MaxFiles": s.maxFiles, "Conns": kind.perConn*s.conns + 1000, "Idle": int(idleFor.Seconds()),
			})
			if err != nil {
				return nil, err
			}
			path, err := s.writeConfig("nginx.conf", text.String())
			return []string{"nginx", "-p", s.dir, "-c", path}, err
		},
	}
}

// nginxConfig returns the configuration that all have, around what is special.
// tcp_nopush joins head and body of a sendfile into one segment; without it
// nginx needs half as much again.
func nginxConfig(special string) *template.Template {
	return template.Must(template.New("nginx.conf").Parse(`daemon off;
worker_processes 1;
worker_rlimit_nofile {{.MaxFiles}};
{{if .AsRoot}}user root;{{end}}
pid {{.Dir}}/nginx.pid;
error_log {{.Dir}}/error.log crit;
events { worker_connections {{.Conns}}; }
http {
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	{{if .Log}}access_log {{.Log}} combined buffer=64k flush=1s;{{else}}access_log off;{{end}}
	sendfile {{.T.Sendfile}};
	tcp_nopush on;
	keepalive_timeout {{.Idle}}s;
	keepalive_requests 1000000000;
	open_file_cache max={{.OpenFiles}} inactive=60s;
	open_file_cache_valid {{.T.Valid}};
` + special + `}
`))
}

// The error log would take a line for each 404.
const nginxFilesConfig = `	types {
		text/html html;
		text/plain txt;
		text/javascript js;
		application/octet-stream bin;
	}
	log_not_found off;
	{{if .Gzip}}gzip on;
	gzip_types text/javascript;
	gzip_vary on;{{end}}
	server {
		{{if .TLS}}listen {{.Addr}} backlog=4096 ssl http2;
		ssl_certificate {{.Cert}};
		ssl_certificate_key {{.Key}};
		ssl_protocols TLSv1.2 TLSv1.3;{{else}}listen {{.Addr}} backlog=4096;{{end}}
		root {{.Root}};
	}
`

// port returns the port of an address.
func port(addr string) int {
	_, p, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(p)
	return n
}
