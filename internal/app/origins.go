package app

import (
	"freshet/internal/config"
	"freshet/proxy"
)

// originOptions says to the proxy what a configuration says; -1 there is "none"
// here too.
func originOptions(c *config.Origins) proxy.Options {
	o := proxy.Options{
		Origins:        c.To,
		Balance:        balances[c.Balance],
		Trusted:        c.Trust,
		ConnectTimeout: c.ConnectTimeout,
		HeadTimeout:    c.OriginHeadTimeout,
		BodyTimeout:    c.OriginBodyTimeout,
		MaxFails:       int(c.MaxFails),
		FailTimeout:    c.FailTimeout,
		Name:           c.Name,
		ShowNextHop:    c.ShowNextHop,
		Retries:        int(c.Retries),
		UpgradeIdle:    c.UpgradeTimeout,
	}
	switch c.Host {
	case "origin":
	case "client":
		o.Host = proxy.HostClient
	default:
		o.Host, o.HostName = proxy.HostFixed, c.Host
	}
	return o
}

// balances are the words for the ways to choose an origin.
var balances = map[string]proxy.Balance{
	"round-robin":       proxy.RoundRobin,
	"least-connections": proxy.LeastConnections,
	"hash":              proxy.HashClient,
	"hash-url":          proxy.HashURL,
}
