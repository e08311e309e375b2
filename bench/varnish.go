package main

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// varnishServer is Varnish with its storage in memory. A client that is served
// occupies a thread, so there are enough of them from the start; its shared
// log, which it cannot do without, lies in memory as its handbook asks.
var varnishServer = server{
	name: "varnish", tools: []tool{{"varnish", "varnishd"}}, version: []string{"varnishd", "-V"},
	can: needHit | needMiss,
	args: func(s *setup) ([]string, error) {
		vcl, err := s.writeConfig("default.vcl", fmt.Sprintf(varnishConfig, port(s.origin)))
		return []string{"varnishd", "-F", "-j", "none", "-T", "none", "-n", filepath.Join(s.memory, "varnish"), "-a", s.addr, "-f", vcl,
			"-s", "malloc,4G",
			"-p", "thread_pools=1",
			"-p", "thread_pool_min=" + strconv.Itoa(s.conns+100),
			"-p", "thread_pool_max=" + strconv.Itoa(s.conns+1000),
			"-p", "listen_depth=4096",
			"-p", "timeout_idle=" + strconv.Itoa(int(idleFor.Seconds())),
		}, err
	},
}

const varnishConfig = `vcl 4.1;
backend default { .host = "127.0.0.1"; .port = "%d"; }
`
