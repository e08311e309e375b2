package main

// nginxCaches are nginx's proxy_cache, with bodies by sendfile and read.
var nginxCaches = []server{
	nginx("nginx-cache", nginxCache, nginxTuning{Sendfile: "on", Valid: "60s"}),
	nginx("nginx-cache-copy", nginxCache, nginxTuning{Sendfile: "off", Valid: "60s"}),
}

var nginxCache = nginxKind{can: needHit | needDisk | needMiss, perConn: 2, config: nginxConfig(nginxCacheConfig)}

// Connections to the origin are kept; use_temp_path=off saves a file that is
// moved from moving across file systems. proxy_cache_lock stays off: it would
// cost a miss a little and save nothing where nobody asks for the same.
const nginxCacheConfig = `	proxy_cache_path {{.Cache}} levels=2 keys_zone=cache:512m max_size=10g inactive=1h use_temp_path=off;
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
`
