package main

// nginxServers are nginx that keeps its connections to the application, and
// nginx as it is by default, with a new connection for each request. It has no
// CGI.
var nginxServers = []server{nginx("nginx", true), nginx("nginx-close", false)}

func nginx(name string, keep bool) server {
	config := nginxClosing
	if keep {
		config = nginxKeeping
	}
	return server{
		name: name, kinds: []kind{php, app},
		tools: []tool{{"nginx-light", "nginx"}}, version: []string{"nginx", "-v"},
		args: func(s *setup) ([]string, error) {
			path, err := s.writeConfig("nginx.conf", config)
			return []string{"nginx", "-p", s.dir, "-e", s.dir + "/error.log", "-c", path}, err
		},
	}
}

var (
	nginxKeeping = parse("nginx.conf", nginxConfig("keepalive {{.Kept}};", "fastcgi_keep_conn on;"))
	nginxClosing = parse("nginx.conf", nginxConfig("", ""))
)

func nginxConfig(upstream, location string) string {
	return `daemon off;
worker_processes 1;
pid {{.Dir}}/nginx.pid;
error_log {{.Dir}}/error.log crit;
events { worker_connections {{.MaxConns}}; }
http {
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 60s;
	keepalive_requests 1000000000;
	client_body_buffer_size 16k;
	fastcgi_buffer_size 16k;
	fastcgi_buffers 16 16k;
	upstream script {
		server unix:{{.Socket}};
		` + upstream + `
	}
	server {
		listen {{.Addr}} backlog=4096;
		root {{.Root}};
		location ~ \.php$ {
			` + location + `
			fastcgi_pass script;
			fastcgi_param QUERY_STRING $query_string;
			fastcgi_param REQUEST_METHOD $request_method;
			fastcgi_param CONTENT_TYPE $content_type;
			fastcgi_param CONTENT_LENGTH $content_length;
			fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
			fastcgi_param SCRIPT_NAME $fastcgi_script_name;
			fastcgi_param REQUEST_URI $request_uri;
			fastcgi_param DOCUMENT_URI $document_uri;
			fastcgi_param DOCUMENT_ROOT $document_root;
			fastcgi_param SERVER_PROTOCOL $server_protocol;
			fastcgi_param REQUEST_SCHEME $scheme;
			fastcgi_param GATEWAY_INTERFACE CGI/1.1;
			fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;
			fastcgi_param REMOTE_ADDR $remote_addr;
			fastcgi_param REMOTE_PORT $remote_port;
			fastcgi_param SERVER_ADDR $server_addr;
			fastcgi_param SERVER_PORT $server_port;
			fastcgi_param SERVER_NAME $server_name;
			fastcgi_param REDIRECT_STATUS 200;
		}
	}
}
`
}
