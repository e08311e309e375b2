//go:build !nonats

package bus

import (
	"net"
	"slices"
	"strconv"
)

// Bounds of addresses at which a fleet may be found.
const (
	maxLearned        = 64
	maxTokenAddresses = 3 << 10 // bytes in a token; what is further goes without
	maxAddress        = 260     // bytes: a name of the DNS, and a port
)

// IsAddress says whether a text can be dialled: host:port.
func IsAddress(a string) bool {
	host, port, err := net.SplitHostPort(a)
	if err != nil || host == "" || len(a) > maxAddress {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// Reachable are the addresses, host:port, under which others find who listens at
// one, as far as that is known before it does: none for a port of 0.
func Reachable(addr string) []string {
	at, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil || at.Port == 0 {
		return nil
	}
	if at.IP == nil {
		at.IP = net.IPv6unspecified
	}
	return reachable(at)
}

// Also names further addresses, host:port each, that tokens made from now on
// tell nodes to dial, after the server's own, in place of those that an earlier
// call has named: where other servers with the same Records are. What is no
// address is left out, and what is too much for a token (3 KiB), too.
func (s *Server) Also(addresses []string) {
	var good []string
	for _, a := range addresses {
		if IsAddress(a) {
			good = append(good, a)
		}
	}
	s.mu.Lock()
	s.also = good
	s.mu.Unlock()
}

// tokenAddresses are the server's own addresses and then further ones, each once.
func tokenAddresses(own, also []string) []string {
	var all []string
	size := 0
	for i, a := range slices.Concat(own, also) {
		if i >= len(own) && size+len(a) > maxTokenAddresses || slices.Contains(all, a) {
			continue
		}
		size += len(a)
		all = append(all, a)
	}
	return all
}
