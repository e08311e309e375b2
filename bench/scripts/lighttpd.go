package main

// lighttpdServer is lighttpd without worker processes. It opens a connection to
// the application for each request: it cannot keep them. Answers are passed on
// as they come; by default it would gather each in a file first.
var lighttpdServer = server{
	name: "lighttpd", kinds: []kind{cgi, php, app},
	tools: []tool{{"lighttpd", "lighttpd"}}, version: []string{"lighttpd", "-v"},
	args: func(s *setup) ([]string, error) {
		path, err := s.writeConfig("lighttpd.conf", lighttpdConfig)
		return []string{"lighttpd", "-D", "-f", path}, err
	},
}

var lighttpdConfig = parse("lighttpd.conf", `server.document-root = "{{.Root}}"
server.bind = "{{.Host}}"
server.port = {{.Port}}
server.max-worker = 0
server.max-connections = {{.MaxConns}}
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 60
server.listen-backlog = 4096
server.stat-cache-engine = "simple"
server.errorlog = "{{.Dir}}/error.log"
server.upload-dirs = ("{{.Dir}}")
server.stream-response-body = 1
{{if .CGI}}server.modules = ("mod_cgi")
$HTTP["url"] =~ "^/cgi-bin/" {
	cgi.assign = ("" => "")
}
{{else}}server.modules = ("mod_fastcgi")
fastcgi.server = (".php" => (("socket" => "{{.Socket}}", "broken-scriptfilename" => "enable")))
{{end}}`)
