package app

import (
	"log/slog"

	"freshet/internal/config"
	"freshet/proxy"
)

// newOrigins returns the handler that passes requests on.
func newOrigins(c *config.Origins, log *slog.Logger) (*proxy.Handler, error) {
	o := proxy.Options{
		Origins:        c.To,
		Balance:        balances[c.Balance],
		Trusted:        c.Trust,
		ConnectTimeout: c.ConnectTimeout,
		HeadTimeout:    c.OriginHeadTimeout,
		BodyTimeout:    c.OriginBodyTimeout,
		MaxFails:       int(c.MaxFails),
		FailTimeout:    c.FailTimeout,
		ErrorLog:       log,
	}
	switch c.Host {
	case "origin":
	case "client":
		o.Host = proxy.HostClient
	default:
		o.Host, o.HostName = proxy.HostFixed, c.Host
	}
	return proxy.New(o)
}

// balances are the words for the ways to choose an origin.
var balances = map[string]proxy.Balance{
	"round-robin":       proxy.RoundRobin,
	"least-connections": proxy.LeastConnections,
	"hash":              proxy.HashClient,
	"hash-url":          proxy.HashURL,
}
