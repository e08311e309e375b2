package main

// apacheServers are Apache with its event MPM: one process of many threads,
// which lives as long as the server. mod_cgid has a daemon of its own that
// starts programs; it counts as a part of the server.
var apacheServers = []server{{
	name: "apache", kinds: []kind{cgi, php, app},
	tools: []tool{{"apache2-bin", "apache2"}}, version: []string{"apache2", "-v"},
	args: func(s *setup) ([]string, error) {
		path, err := s.writeConfig("apache.conf", apacheConfig)
		return []string{"apache2", "-d", s.dir, "-f", path, "-DFOREGROUND"}, err
	},
}}

var apacheConfig = parse("apache.conf", `ServerRoot "{{.Dir}}"
ServerName localhost
Listen {{.Addr}}
PidFile "{{.Dir}}/apache.pid"
DefaultRuntimeDir "{{.Dir}}"
Mutex file:{{.Dir}} default
ErrorLog "{{.Dir}}/error.log"
LogLevel crit
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
{{if .CGI}}LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
ScriptSock "{{.Dir}}/cgid.sock"
ScriptAlias "/cgi-bin/" "{{.Root}}/cgi-bin/"
{{else}}LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
{{end}}StartServers 1
ServerLimit 1
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64
MaxConnectionsPerChild 0
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
Timeout 60
HostnameLookups Off
DocumentRoot "{{.Root}}"
<Directory "{{.Root}}">
	AllowOverride None
	Options FollowSymLinks{{if .CGI}} ExecCGI{{end}}
	Require all granted
</Directory>
{{if not .CGI}}<Proxy "fcgi://script" enablereuse=on max={{.Kept}}>
</Proxy>
<FilesMatch "\.php$">
	SetHandler "proxy:unix:{{.Socket}}|fcgi://script"
</FilesMatch>
{{end}}`)
