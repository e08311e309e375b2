//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A door accepts nodes. The server itself does not listen: the door makes the
// TLS handshake, in which a node proves that it has the key of its token, and
// joins it to a connection inside the process. Which one that is, NATS is told
// by the nonce of its greeting, which no two connections share.
type door struct {
	s         *Server
	listener  net.Listener
	config    *tls.Config
	pin       []byte
	addresses []string
	maxConns  int

	strangers strangers
	told      rarely // of those that are refused

	mu     sync.Mutex // guards what follows; a leaf
	visits map[*visit]bool
	closed bool
	served sync.WaitGroup
}

// visit is a node's connection.
type visit struct {
	node  *node // nil: a stranger
	conn  net.Conn
	nonce string
	since time.Time
}

const (
	handshakeLimit = 10 * time.Second
	maxOfNode      = 32 // connections by one token; one more ends the oldest
	writeLimit     = 10 * time.Second
	silenceLimit   = 3 * pingEvery // both sides ask for a sign of life oftener
)

// Open lets nodes join over the network, with TLS of the server's own key. It
// returns the address that is listened on.
func (s *Server) Open(o Listen) (net.Addr, error) {
	d, err := s.makeDoor(o)
	if err != nil {
		return nil, fmt.Errorf("open the fleet's door: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.door != nil {
		_ = d.listener.Close()
		if s.closed {
			return nil, fmt.Errorf("open the fleet's door: %w", ErrClosed)
		}
		return nil, errors.New("open the fleet's door: it is open")
	}
	s.door = d
	d.served.Add(1)
	go d.accept()
	return d.listener.Addr(), nil
}

func (s *Server) makeDoor(o Listen) (*door, error) {
	if o.MaxConns <= 0 {
		o.MaxConns = DefaultMaxConns
	}
	key, err := s.nodes.key()
	if err != nil {
		return nil, err
	}
	own, err := certificate(key)
	if err != nil {
		return nil, err
	}
	if o.Addr == "" {
		o.Addr = ":0"
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	d := &door{
		s: s, listener: l, pin: pinOf(own.Leaf), addresses: o.Addresses, maxConns: o.MaxConns,
		visits: map[*visit]bool{},
	}
	if len(d.addresses) == 0 {
		d.addresses = reachable(l.Addr())
	}
	d.config = &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{own},
		ClientAuth:             tls.RequireAnyClientCert, // VerifyConnection decides
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			_, err := d.who(state)
			return err
		},
	}
	return d, nil
}

// who is the node that a handshake was made with.
func (d *door) who(state tls.ConnectionState) (*node, error) {
	key, _, err := peerKey(state)
	if err != nil {
		return nil, err
	}
	n, ok := d.s.nodes.find(key)
	if !ok {
		return nil, ErrRefused
	}
	return n, nil
}

// reachable are the addresses under which others find a listener.
func reachable(a net.Addr) []string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return []string{a.String()}
	}
	port := fmt.Sprint(tcp.Port)
	var all []string
	interfaces, _ := net.InterfaceAddrs() // none: loopback is left
	for _, i := range interfaces {
		if n, ok := i.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			all = append(all, net.JoinHostPort(n.IP.String(), port))
		}
	}
	if len(all) == 0 {
		all = []string{net.JoinHostPort("127.0.0.1", port)}
	}
	return all
}

func (d *door) accept() {
	defer d.served.Done()
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			if d.isClosed() {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of descriptors, say
			continue
		}
		v := &visit{conn: conn, since: time.Now()}
		if !d.enter(v) {
			_ = conn.Close()
			continue
		}
		go func() {
			defer d.served.Done()
			defer d.leave(v)
			d.serve(v)
		}()
	}
}

func (d *door) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// enter counts a connection, unless there are too many. Strangers are not those: of
// these there are few.
func (d *door) enter(v *visit) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.visits) >= d.maxConns+2*maxStrangers {
		return false
	}
	d.visits[v] = true
	d.served.Add(1)
	return true
}

func (d *door) leave(v *visit) {
	_ = v.conn.Close()
	d.mu.Lock()
	delete(d.visits, v)
	d.mu.Unlock()
}

func (d *door) serve(v *visit) {
	outside := tls.Server(v.conn, d.config)
	one := d.strangers.enter(v.conn.RemoteAddr(), v.conn)
	n, err := d.handshake(outside)
	d.strangers.met(one)
	if err != nil {
		d.refused(v, err)
		return
	}
	d.strangers.trust(one)
	inside, err := d.s.ns.InProcessConn()
	if err != nil {
		return // the server ends
	}
	defer inside.Close()
	greeting, nonce, err := greet(inside)
	if err != nil || !d.know(v, n, nonce) {
		return
	}
	if !n.Until.IsZero() {
		over := make(chan struct{})
		var watching sync.WaitGroup
		defer watching.Wait()
		defer close(over)
		watching.Go(func() { d.s.nodes.expire(n, v.conn, over) })
	}
	if _, err := outside.Write(greeting); err != nil {
		return
	}
	join(outside, inside)
}

// refused says so, once a minute: strangers could fill a disk.
func (d *door) refused(v *visit, err error) {
	log := d.s.options.Log
	if log == nil {
		return
	}
	if more, ok := d.told.now(time.Now()); ok {
		log.Warn("a node was refused", "address", v.conn.RemoteAddr().String(), "error", err, "refused since the last line of this kind", more)
	}
}

func (d *door) handshake(c *tls.Conn) (*node, error) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return d.who(c.ConnectionState())
}

// know says whose connection it is; not any more, when it was revoked
// meanwhile, and when there are too many.
func (d *door) know(v *visit, n *node, nonce string) bool {
	d.mu.Lock()
	known, same := 0, 0
	var oldest *visit
	for other := range d.visits {
		if other.node == nil {
			continue
		}
		known++
		if other.node.Name != n.Name {
			continue
		}
		if same++; oldest == nil || other.since.Before(oldest.since) {
			oldest = other
		}
	}
	if known >= d.maxConns && same < maxOfNode {
		d.mu.Unlock()
		return false
	}
	v.node, v.nonce = n, nonce
	d.mu.Unlock()
	if same >= maxOfNode {
		_ = oldest.conn.Close()
	}
	// Revoke removes the node first and closes its connections then.
	_, ok := d.s.nodes.find(n.Key)
	return ok
}

// visitor is whose connection NATS greeted with a nonce.
func (s *Server) visitor(nonce string) (*node, bool) {
	s.mu.Lock()
	d := s.door
	s.mu.Unlock()
	if d == nil {
		return nil, false
	}
	return d.whose(nonce)
}

// whose is the node whose connection NATS greeted with a nonce.
func (d *door) whose(nonce string) (*node, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for v := range d.visits {
		if v.nonce == nonce && nonce != "" {
			return v.node, true
		}
	}
	return nil, false
}

// greet reads what NATS says first, and the nonce in it.
func greet(c net.Conn) (line []byte, nonce string, err error) {
	_ = c.SetReadDeadline(time.Now().Add(handshakeLimit))
	b := make([]byte, 8<<10)
	n := 0
	for !bytes.Contains(b[:n], []byte("\r\n")) {
		if n == len(b) {
			return nil, "", errors.New("the greeting is too long")
		}
		m, err := c.Read(b[n:])
		if err != nil {
			return nil, "", err
		}
		n += m
	}
	_ = c.SetReadDeadline(time.Time{})
	first, _, _ := bytes.Cut(b[:n], []byte("\r\n"))
	var info struct {
		Nonce string `json:"nonce"`
	}
	text, ok := bytes.CutPrefix(first, []byte("INFO "))
	if !ok || json.Unmarshal(text, &info) != nil || info.Nonce == "" {
		return nil, "", errors.New("the greeting has no nonce")
	}
	return b[:n], info.Nonce, nil
}

// join copies both ways until one side ends, and ends the other.
func join(outside *tls.Conn, inside net.Conn) {
	var both sync.WaitGroup
	both.Go(func() {
		pump(inside, outside, silenceLimit)
		_ = inside.Close()
		_ = outside.NetConn().Close()
	})
	both.Go(func() {
		pump(outside, inside, 0)
		_ = inside.Close()
		_ = outside.NetConn().Close()
	})
	both.Wait()
}

// pump copies until an end, an error, a write that takes too long, or nothing
// coming for the time of silence (0: any).
func pump(to, from net.Conn, silence time.Duration) {
	b := make([]byte, 16<<10)
	for {
		if silence > 0 {
			_ = from.SetReadDeadline(time.Now().Add(silence))
		}
		n, err := from.Read(b)
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(writeLimit))
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close ends all connections and waits for them.
func (d *door) close() {
	d.mu.Lock()
	d.closed = true
	for v := range d.visits {
		_ = v.conn.Close()
	}
	d.mu.Unlock()
	_ = d.listener.Close()
	d.served.Wait()
}

// expel closes the connections of a node.
func (d *door) expel(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for v := range d.visits {
		if v.node != nil && v.node.Name == name {
			_ = v.conn.Close()
		}
	}
}

// Token makes a token for a node: all that it needs to join. It is a secret,
// and the only copy: the server keeps a public key. ErrTaken: the name has one.
func (s *Server) Token(o TokenOptions) (string, error) {
	if err := checkName("node", o.Name); err != nil {
		return "", err
	}
	s.mu.Lock()
	d, also := s.door, s.also
	s.mu.Unlock()
	if d == nil {
		return "", errors.New("make a token: the fleet's door is not open")
	}
	// Also while this process runs it goes by the time of day, as it will when it is
	// read anew.
	now := time.Now()
	o.Until = o.Until.Round(0)
	if !o.Until.IsZero() && !now.Before(o.Until) {
		return "", fmt.Errorf("make a token: it would have ended at %s", o.Until.Format(time.RFC3339))
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed) // crypto/rand ends the program rather than fail
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	if err := s.nodes.add(&node{Name: o.Name, Key: public, Peer: o.Peer, Serves: o.Serves, Made: now, Until: o.Until}); err != nil {
		return "", fmt.Errorf("make a token for %s: %w", o.Name, err)
	}
	return token{Name: o.Name, Peer: o.Peer, Addresses: tokenAddresses(d.addresses, also), Pin: d.pin, Seed: seed}.String(), nil
}

// Revoke makes the token of a name invalid and closes the connections that
// were made with it. ErrNotFound: the name has none.
func (s *Server) Revoke(name string) error {
	if err := s.nodes.remove(name); err != nil {
		return fmt.Errorf("revoke the token of %s: %w", name, err)
	}
	s.mu.Lock()
	d := s.door
	s.mu.Unlock()
	if d != nil {
		d.expel(name)
	}
	return nil
}

// Serves reports whether a name has a token now that was made with
// TokenOptions.Serves.
func (s *Server) Serves(name string) bool {
	rows, now := s.nodes.rows()
	row := rows[name]
	return row != nil && row.Serves && !row.ended(now)
}

// Nodes lists who has a token, sorted by name, and who is connected.
func (s *Server) Nodes() []Node {
	s.mu.Lock()
	d := s.door
	s.mu.Unlock()
	rows := s.nodes.list()
	list := make([]Node, len(rows))
	for i, n := range rows {
		list[i] = Node{Name: n.Name, Peer: n.Peer, Serves: n.Serves, Made: n.Made, Until: n.Until}
		if d != nil {
			d.count(&list[i])
		}
	}
	return list
}

func (d *door) count(n *Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for v := range d.visits {
		if v.node != nil && v.node.Name == n.Name {
			n.Conns++
			n.Address, n.Since = v.conn.RemoteAddr().String(), v.since
		}
	}
}
