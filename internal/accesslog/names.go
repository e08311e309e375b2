package accesslog

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	nameWorkers = 4
	nameQueue   = 256
)

// A Resolver answers the two questions of a confirmed reverse look-up;
// *net.Resolver is one.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Names finds the names of clients by reverse DNS, aside: Lookup answers from
// memory, and what it does not know is looked up by one of four goroutines.
// When 256 addresses wait already, an address is not looked up this time.
//
// Whoever runs an address range chooses the names of its addresses. So a name
// counts only when it looks like a host name, is no address itself, and leads
// back to the address.
//
// The zero value is ready for use.
type Names struct {
	// Resolver asks the DNS; nil is net.DefaultResolver.
	Resolver Resolver

	// Max is how many addresses are remembered; 0 is 4096. Beyond it any one
	// is forgotten.
	Max int

	// TTL is how long a name is shown before it is looked up again; 0 is one
	// hour. That an address has no name is remembered for a tenth of it.
	TTL time.Duration

	// Timeout ends a look-up; 0 is five seconds.
	Timeout time.Duration

	once   sync.Once
	ctx    context.Context
	cancel context.CancelFunc
	queue  chan query
	wait   sync.WaitGroup

	mu    sync.Mutex // guards known
	known map[netip.Addr]known
}

type known struct {
	name    string // "" when there is none, or not yet
	until   int64  // nanoseconds since 1970
	pending bool
}

type query struct {
	addr netip.Addr
	now  int64
}

// Lookup returns the name of a, or "" as long as it is not known. now is the
// time of the request, in nanoseconds since 1970.
func (n *Names) Lookup(a netip.Addr, now int64) string {
	n.once.Do(n.start)
	a = a.Unmap()
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.known[a]
	if k.pending || (ok && now < k.until) {
		return k.name
	}
	select {
	case n.queue <- query{a, now}:
	default:
		return k.name
	}
	if !ok && len(n.known) >= n.Max {
		n.forget()
	}
	k.pending = true
	n.known[a] = k
	return k.name
}

// forget makes room for one address; n.mu is held. Which one goes is left to
// the order of the map, which is random.
func (n *Names) forget() {
	for a := range n.known {
		delete(n.known, a)
		return
	}
}

func (n *Names) start() {
	if n.Resolver == nil {
		n.Resolver = net.DefaultResolver
	}
	if n.Max <= 0 {
		n.Max = 4096
	}
	if n.TTL <= 0 {
		n.TTL = time.Hour
	}
	if n.Timeout <= 0 {
		n.Timeout = 5 * time.Second
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.queue = make(chan query, nameQueue)
	n.known = make(map[netip.Addr]known)
	for range nameWorkers {
		n.wait.Go(n.work)
	}
}

func (n *Names) work() {
	for {
		select {
		case <-n.ctx.Done():
			return
		case q := <-n.queue:
			name := n.resolve(q.addr)
			k := known{name: name, until: q.now + int64(n.TTL)}
			if name == "" {
				k.until = q.now + int64(n.TTL)/10
			}
			n.mu.Lock()
			if _, ok := n.known[q.addr]; ok { // else forgotten meanwhile
				n.known[q.addr] = k
			}
			n.mu.Unlock()
		}
	}
}

func (n *Names) resolve(a netip.Addr) string {
	ctx, cancel := context.WithTimeout(n.ctx, n.Timeout)
	defer cancel()
	names, err := n.Resolver.LookupAddr(ctx, a.WithZone("").String())
	if err != nil {
		return ""
	}
	for _, name := range names[:min(len(names), 4)] {
		if !isHostName(name) {
			continue
		}
		addrs, err := n.Resolver.LookupNetIP(ctx, "ip", name)
		if err != nil {
			continue
		}
		for _, back := range addrs {
			if back.Unmap().WithZone("") == a.WithZone("") {
				return strings.TrimSuffix(name, ".")
			}
		}
	}
	return ""
}

// isHostName reports whether a name from the DNS is fit for a log.
func isHostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 || s[0] == '-' {
		return false
	}
	letter := false
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letter = true
		case '0' <= c && c <= '9', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return letter
}

// Close ends the look-ups and waits for them. Lookup then answers from memory.
func (n *Names) Close() {
	n.once.Do(n.start)
	n.cancel()
	n.wait.Wait()
}
