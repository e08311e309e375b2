package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// proxy is a column: a program and a way to configure it.
type proxy struct {
	name      string
	needs     string // the program that must be installed; "" for ours
	scenarios []string
	args      func(*setup) ([]string, error)
}

func (p *proxy) does(sc *scenario) bool { return slices.Contains(p.scenarios, sc.name) }

// setup is what a proxy is told when it starts.
type setup struct{ binary, dir, addr string }

func (s *setup) write(name, text string) (string, error) {
	path := filepath.Join(s.dir, name)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// proxies are all columns; ours is the first.
var proxies = []proxy{
	{"freshet", "", []string{"hit"}, func(s *setup) ([]string, error) { return ours(s), nil }},
	{"freshet-list", "", []string{"hit", "page", "blocked"}, func(s *setup) ([]string, error) {
		list, err := s.write("list.txt", adblockList())
		return append(ours(s), "--list", list), err
	}},
	{"squid", "squid", []string{"hit"}, func(s *setup) ([]string, error) {
		conf, err := s.write("squid.conf", replaced(squidConf, "@ADDR@", s.addr, "@DIR@", s.dir))
		return []string{"squid", "-N", "-f", conf}, err
	}},
	{"privoxy", "privoxy", []string{"page", "blocked"}, func(s *setup) ([]string, error) {
		if _, err := s.write("list.action", actionFile()); err != nil {
			return nil, err
		}
		if _, err := s.write("list.filter", filterFile()); err != nil {
			return nil, err
		}
		conf, err := s.write("config", replaced(privoxyConf, "@ADDR@", s.addr, "@DIR@", s.dir))
		return []string{"privoxy", "--no-daemon", conf}, err
	}},
}

// ours is our command line, without logs and monitor, as the others have none.
func ours(s *setup) []string {
	return []string{s.binary, "filter", "--listen", s.addr, "--monitor", "off", "--access-log", "off", "--allow-private"}
}

// squidConf is Squid's, without logs and with memory for what is asked.
const squidConf = `http_port @ADDR@
http_access allow all
access_log none
cache_log @DIR@/cache.log
cache_store_log none
pid_filename @DIR@/squid.pid
coredump_dir @DIR@
cache_mem 256 MB
client_persistent_connections on
shutdown_lifetime 0 seconds
visible_hostname bench
`

// privoxyConf is Privoxy's, without logs and with connections that are kept.
const privoxyConf = `listen-address @ADDR@
confdir /etc/privoxy
templdir /etc/privoxy/templates
logdir @DIR@
actionsfile @DIR@/list.action
filterfile @DIR@/list.filter
keep-alive-timeout 300
tolerate-pipelining 1
default-server-timeout 60
max-client-connections 256
toggle 1
`

// What is blocked: so many hosts and path patterns, of which the last are met.
const (
	blockedHosts = 2000
	blockedPaths = 200
	hidden       = 50
)

// adblockList is the list in the syntax of Adblock Plus.
func adblockList() string {
	var b strings.Builder
	b.WriteString("[Adblock Plus 2.0]\n")
	for i := range blockedHosts {
		fmt.Fprintf(&b, "||ads%d.example^\n", i)
	}
	for i := range blockedPaths {
		fmt.Fprintf(&b, "/banners%d/*\n", i)
	}
	for i := range hidden {
		fmt.Fprintf(&b, "##.banner-%d\n", i)
	}
	return b.String()
}

// actionFile says the same to Privoxy, and has pages filtered.
func actionFile() string {
	var b strings.Builder
	b.WriteString("{ +block{ads} +handle-as-image +set-image-blocker{blank} }\n")
	for i := range blockedHosts {
		fmt.Fprintf(&b, ".ads%d.example\n", i)
	}
	for i := range blockedPaths {
		fmt.Fprintf(&b, "/.*/banners%d/\n", i)
	}
	b.WriteString("{ +filter{hide} }\n/\n")
	return b.String()
}

// filterFile has Privoxy do to pages what ours does: one style sheet at the end
// of the head.
func filterFile() string {
	var classes []string
	for i := range hidden {
		classes = append(classes, fmt.Sprintf(".banner-%d", i))
	}
	return "FILTER: hide Hides banners.\ns|</head>|<style>" + strings.Join(classes, ",") + "{display:none!important}</style></head>|\n"
}
