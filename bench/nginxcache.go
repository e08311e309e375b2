package main

import (
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// nginxCaches are nginx's proxy_cache, with bodies by sendfile and read.
var nginxCaches = []server{
	nginxCache("nginx-cache", "on"),
	nginxCache("nginx-cache-copy", "off"),
}

func nginxCache(name, sendfile string) server {
	return server{
		name: name, tools: []tool{{"nginx-light", "nginx"}}, version: []string{"nginx", "-v"},
		can: needHit | needDisk | needMiss,
		args: func(s *setup) ([]string, error) {
			var text strings.Builder
			err := nginxCacheConfig.Execute(&text, map[string]any{
				"Dir": s.dir, "Addr": s.addr, "Origin": s.origin, "Cache": filepath.Join(s.dir, "cache"), "Sendfile": sendfile,
				"AsRoot": os.Getuid() == 0, "OpenFiles": s.openFiles(), "MaxFiles": s.maxFiles,
				"Conns": 2*s.conns + 1000, "Idle": int(idleFor.Seconds()),
			})
			if err != nil {
				return nil, err
			}
			path, err := s.writeConfig("nginx.conf", text.String())
			return []string{"nginx", "-p", s.dir, "-c", path}, err
		},
	}
}

// Connections to the origin are kept; use_temp_path=off saves a file that is
// moved from moving across file systems. proxy_cache_lock stays off: it would
// cost a miss a little and save nothing where nobody asks for the same.
var nginxCacheConfig = template.Must(template.New("nginx.conf").Parse(`daemon off;
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
	access_log off;
	sendfile {{.Sendfile}};
	tcp_nopush on;
	keepalive_timeout {{.Idle}}s;
	keepalive_requests 1000000000;
	open_file_cache max={{.OpenFiles}} inactive=60s;
	open_file_cache_valid 60s;
	proxy_cache_path {{.Cache}} levels=1:2 keys_zone=cache:512m max_size=10g inactive=1h use_temp_path=off;
	upstream origin {
		server {{.Origin}};
		keepalive 256;
		keepalive_requests 1000000000;
		keepalive_timeout {{.Idle}}s;
	}
	server {
		listen {{.Addr}} backlog=4096;
		location / {
			proxy_pass http://origin;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_cache cache;
			proxy_cache_use_stale error timeout updating;
			proxy_force_ranges on;
		}
	}
}
`))
