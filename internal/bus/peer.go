//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

// Peer is one of several NATS servers, each inside a process, that are a cluster:
// what is written is kept by three of them, and acknowledged when most of these
// have synced it to their disks. Its methods may be called by several goroutines.
type Peer struct {
	inside
	token     peerToken
	strangers strangers // whose handshake is not over
}

// peerReplicas is how many peers keep each thing.
const peerReplicas = 3

// Times of the connections between peers. They may be cut without a sign.
const (
	routeSilence   = 3600            // of so many tries in vain to reach a peer, one a second, one is logged
	routePing      = 5 * time.Second // one that does not answer two of these is over
	routeHandshake = 5 * time.Second // Close may have to wait for one
)

// StartPeer starts the peer whose token o has. It does not wait for the others:
// until it is one of a majority that see each other, the first time of three, what
// needs streams fails or waits. Of its folder nothing may be lost: one that comes back empty gets all
// from the others, but it must not while they are not whole, for it does not know
// any more what it has acknowledged.
func StartPeer(o PeerOptions) (*Peer, error) {
	t, err := parsePeerToken(o.Token)
	if err != nil {
		return nil, fmt.Errorf("start the peer: %w", err)
	}
	if o.Dir == "" {
		return nil, fmt.Errorf("start peer %s: no folder is given", t.Name)
	}
	if o.MaxStore <= 0 {
		o.MaxStore = DefaultPeerStore
	}
	p := &Peer{token: t}
	p.prepare(o.Log, o.MaxStore)
	p.seal = o.Seal
	if err := p.start(&o); err != nil {
		return nil, errors.Join(fmt.Errorf("start peer %s in %s: %w", t.Name, o.Dir, err), p.Close())
	}
	return p, nil
}

func (p *Peer) start(o *PeerOptions) error {
	t := &p.token
	config, err := t.tls()
	if err != nil {
		return err
	}
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		one := p.strangers.enter(hello.Conn.RemoteAddr(), hello.Conn)
		context.AfterFunc(hello.Context(), func() { p.strangers.met(one) }) // it ends with the handshake
		its := config.Clone()
		its.GetConfigForClient = nil
		its.VerifyConnection = func(tls.ConnectionState) error { // a peer's certificate was shown
			p.strangers.trust(one)
			return nil
		}
		return its, nil
	}
	host, port, err := split(o.Listen)
	if o.Listen == "" {
		host, port, err = split(t.row().Address)
	}
	if err != nil {
		return err
	}
	if err := p.take(o.Dir); err != nil {
		return err
	}
	sealed, err := openMarker(o.Dir, o.Seal)
	if err != nil {
		return err
	}
	if err := t.own(o.Dir, o.Seal); err != nil {
		return err
	}
	options := &server.Options{
		ServerName: t.Name,
		// Not DontListen: NATS makes no routes then, for it makes them once it
		// listens for clients, or cannot, as here: there is no such port.
		Host: "127.0.0.1", Port: noPort,
		CustomClientAuthentication: gate{&p.inside, func(string) (*node, bool) { return nil, false }},
		Cluster: server.ClusterOpts{
			Name: "freshet-" + t.set(), Host: host, Port: port, NoAdvertise: true, PoolSize: 1,
			TLSConfig: config, TLSTimeout: routeHandshake.Seconds(), PingInterval: routePing, MaxPingsOut: 2,
		},
	}
	for _, row := range t.Peers { // itself, too: NATS counts them, to know what a majority is
		options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: row.Address})
	}
	options.ConnectErrorReports, options.ReconnectErrorReports = routeSilence, routeSilence
	p.stores(options, o.Dir, sealed)
	said := &peerLog{serverLog: serverLog{log: o.Log, broken: p.breaks}}
	if err := p.begin(options, said); err != nil {
		return err
	}
	for late := time.Now().Add(closePatience); p.ns.ClusterAddr() == nil; time.Sleep(5 * time.Millisecond) {
		if err := said.fatal(); err != nil {
			return err
		}
		if time.Now().After(late) {
			return errors.New("it does not get ready")
		}
	}
	return said.fatal()
}

// noPort is none that can be listened at.
const noPort = -2

// split is an address as NATS wants it.
func split(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(text); err != nil || port <= 0 || port > 65535 {
		return "", 0, fmt.Errorf("%q has no port from 1 to 65535", address)
	}
	return host, port, nil
}

// tls is for both sides of a connection between peers: each has proven to have
// the key of one of them.
func (t *peerToken) tls() (*tls.Config, error) {
	own, err := certificate(ed25519.NewKeyFromSeed(t.Seed))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(pinOf(own.Leaf), t.row().Pin) {
		return nil, ErrToken
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{own},
		ClientAuth:             tls.RequireAnyClientCert,
		InsecureSkipVerify:     true, // the pins are compared below, which says more than names and authorities
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			_, c, err := peerKey(state)
			if err != nil {
				return fmt.Errorf("%w: %w", errNoPeer, err)
			}
			pin := pinOf(c)
			if !slices.ContainsFunc(t.Peers, func(p peerRow) bool { return bytes.Equal(p.Pin, pin) }) {
				return errNoPeer
			}
			return nil
		},
	}, nil
}

// errNoPeer is of whoever is not in the token.
var errNoPeer = errors.New("this is no peer of ours")

// peerFile says, in a peer's folder, whose it is.
const peerFile = "peer.json"

// peerOf is what is in it.
type peerOf struct {
	Set  string `json:"set"`
	Name string `json:"name"`
}

// own makes a folder this peer's, unless it is another's.
func (t *peerToken) own(dir string, ring *atrest.Ring) error {
	name := filepath.Join(dir, peerFile)
	now := peerOf{t.set(), t.Name}
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		if text, err = json.Marshal(&now); err != nil {
			return err
		}
		return wholefile.Write(name, ring.Pack(append(text, '\n'), ownWhat(peerFile)))
	}
	if err == nil {
		text, _, err = ring.Unpack(text, ownWhat(peerFile))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var was peerOf
	if err := json.Unmarshal(text, &was); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case was.Set != now.Set:
		return fmt.Errorf("it is of another set of peers: %w", ErrPeerFolder)
	case was.Name != now.Name:
		return fmt.Errorf("it is of the peer %s: %w", was.Name, ErrPeerFolder)
	}
	return nil
}

// Connect makes a connection inside the process; name is what others see as
// Request.From. It ends with the peer at the latest. What is made through it is
// kept by three peers.
func (p *Peer) Connect(name string) (*Conn, error) { return p.connect(name, peerReplicas) }

// Close is Close of a [Server], after Yield.
func (p *Peer) Close() error {
	p.Yield()
	return p.inside.Close()
}

// yieldWithin bounds Yield, and yieldTry what is asked in it: while another one
// becomes who leads, nobody answers.
const (
	yieldWithin = 2 * time.Second
	yieldTry    = 200 * time.Millisecond
)

// Yield has the others lead what this peer does, before it ends, so that they need
// not find out that it is gone.
func (p *Peer) Yield() {
	if away, all := p.Away(); p.Err() != nil || p.isClosed() || 2*len(away) >= all {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), yieldWithin)
	defer cancel()
	c, err := p.Connect(p.token.Name)
	if err != nil {
		return
	}
	defer c.Close()
	var led []string
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		if info.Cluster != nil && info.Cluster.Leader == p.token.Name {
			led = append(led, info.Config.Name)
		}
	}
	for _, name := range led {
		once, cancel := context.WithTimeout(ctx, yieldTry)
		_, _ = c.nc.RequestWithContext(once, "$JS.API.STREAM.LEADER.STEPDOWN."+name, nil) // who does not answer is waited for below
		cancel()
	}
	for _, name := range led {
		for ctx.Err() == nil {
			once, cancel := context.WithTimeout(ctx, yieldTry)
			s, err := c.js.Stream(once, name)
			cancel()
			if err == nil && s.CachedInfo().Cluster.Leader != "" && s.CachedInfo().Cluster.Leader != p.token.Name {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	p.yieldStreams(ctx) // last: meanwhile nobody says where streams are
}

// yieldStreams has another peer be the one that says where streams are and who leads
// them. NATS has its system account alone ask for that.
func (p *Peer) yieldStreams(ctx context.Context) {
	if !p.ns.JetStreamIsLeader() {
		return
	}
	nc, err := nats.Connect("", nats.InProcessServer(p.ns), nats.Token(p.system))
	if err != nil {
		return
	}
	defer nc.Close()
	once, cancel := context.WithTimeout(ctx, yieldTry)
	_, _ = nc.RequestWithContext(once, server.JSApiLeaderStepDown, nil) // who does not answer is waited for below
	cancel()
	for ; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		info, err := p.ns.Jsz(nil)
		if err == nil && info.Meta != nil && info.Meta.Leader != "" && info.Meta.Leader != p.token.Name {
			return
		}
	}
}

// Name is the peer's.
func (p *Peer) Name() string { return p.token.Name }

// Away are the names of the peers that it has no connection with, sorted; all is
// how many there are, itself among them. While most are away, nothing can be
// written; and until three have been there at once, nothing ever could.
func (p *Peer) Away() (names []string, all int) {
	there := map[string]bool{p.token.Name: true}
	if p.ns == nil {
		return nil, 0
	}
	if routes, err := p.ns.Routez(nil); err == nil {
		for _, r := range routes.Routes {
			there[r.RemoteName] = true
		}
	}
	for _, row := range p.token.Peers {
		if !there[row.Name] {
			names = append(names, row.Name)
		}
	}
	slices.Sort(names)
	return names, len(p.token.Peers)
}

// peerLog leaves out what NATS says that is not so here, and what strangers could
// fill a disk with.
type peerLog struct {
	serverLog
	strangers rarely
}

// Errorf is told of strangers, and of peers that have another's key, once a minute.
func (l *peerLog) Errorf(format string, v ...any) {
	if !strings.Contains(format, "TLS %s handshake error") {
		l.serverLog.Errorf(format, v...)
		return
	}
	if more, ok := l.strangers.now(time.Now()); ok {
		l.serverLog.Warnf("%s; since the last line of this kind %d more", fmt.Sprintf(format, v...), more)
	}
}

// Fatalf is not told that there is no port for clients.
func (l *peerLog) Fatalf(format string, v ...any) {
	if !strings.HasPrefix(format, "Error listening on port: ") {
		l.serverLog.Fatalf(format, v...)
	}
}

// Warnf is not told that either, nor that nobody verifies who a peer is.
func (l *peerLog) Warnf(format string, v ...any) {
	said := fmt.Sprintf(format, v...)
	if !strings.HasPrefix(said, "failed to be ready for connections") && !strings.HasPrefix(said, "TLS certificate chain and hostname of solicited routes will not be verified") {
		l.serverLog.Warnf(format, v...)
	}
}
