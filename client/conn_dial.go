package client

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"freshet/internal/outbound"
	"freshet/internal/wire"
)

var errConnURL = errors.New("it is not of the form http://host[:port] or https://host[:port]")

// Dial connects to the server of a URL, http://host[:port] or
// https://host[:port], by TLS for the latter. ctx ends dialling only.
func Dial(ctx context.Context, rawURL string, o DialOptions) (*Conn, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || !wire.ValidHost(u.Host) ||
		u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, &ConnError{Op: "read the address", Err: errConnURL}
	}
	times := o.times()
	way, err := o.way(times)
	if err != nil {
		return nil, &ConnError{Op: "read the options", Err: err}
	}
	addr := outbound.HostPort(u)
	nc, err := way.Tunnel(ctx, addr)
	if err != nil {
		return nil, ofOutbound(err)
	}
	t := tracer{tell: o.Trace}
	t.note("connected to %s (%v)", addr, nc.RemoteAddr())
	if u.Scheme == "https" {
		if nc, err = o.handshake(ctx, times, nc, u.Hostname(), &t); err != nil {
			return nil, err
		}
	}
	return NewConn(nc, u.Host, o), nil
}

// way returns what makes connections as o says.
func (o *DialOptions) way(times connTimes) (*outbound.Transport, error) {
	overrides := &outbound.Overrides{Unix: o.Unix, Dial: o.Dial}
	for _, s := range o.Resolve {
		if err := overrides.Resolve(s); err != nil {
			return nil, err
		}
	}
	for _, s := range o.ConnectTo {
		if err := overrides.ConnectTo(s); err != nil {
			return nil, err
		}
	}
	way := &outbound.Transport{Dial: overrides.DialContext, ConnectTimeout: orNone(times.connect), TLSTimeout: orNone(times.tls), ParentTLS: o.ProxyTLS}
	if o.Proxy != "" {
		parent, err := outbound.ParseParent(o.Proxy)
		if err != nil {
			return nil, err
		}
		way.Parents = func(context.Context, string, string) ([]*outbound.Parent, error) {
			return []*outbound.Parent{parent}, nil
		}
	}
	return way, nil
}

// orNone turns 0 for none to what says that in options.
func orNone[T ~int64](d T) T {
	if d == 0 {
		return -1
	}
	return d
}

// handshake makes nc one with TLS, and closes it when that fails.
func (o *DialOptions) handshake(ctx context.Context, times connTimes, nc net.Conn, name string, t *tracer) (net.Conn, error) {
	cfg := &tls.Config{}
	if o.TLS != nil {
		cfg = o.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if len(cfg.NextProtos) == 0 {
		cfg.NextProtos = []string{"http/1.1"}
	}
	if err := PinKeys(cfg, o.PinnedKeys); err != nil {
		nc.Close()
		return nil, &ConnError{Op: "read the options", Err: err}
	}
	if times.tls > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, times.tls)
		defer cancel()
	}
	watched := outbound.WatchEnd(nc)
	tc := tls.Client(watched, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		nc.Close()
		kind := outbound.TLSKind(err)
		if errors.Is(err, errPinned) {
			kind = outbound.TLSCertificateError
		}
		return nil, &ConnError{Op: "TLS handshake", Kind: string(kind), Err: err}
	}
	st := tc.ConnectionState()
	t.note("%s, %s, certificate of %s", tls.VersionName(st.Version), tls.CipherSuiteName(st.CipherSuite), subject(&st))
	return tc, nil
}

// subject says whose certificate the server has shown.
func subject(st *tls.ConnectionState) string {
	if len(st.PeerCertificates) == 0 {
		return "nobody"
	}
	leaf := st.PeerCertificates[0]
	return fmt.Sprintf("%q, good until %s", leaf.Subject, leaf.NotAfter.Format("2006-01-02 15:04:05Z07:00"))
}

var (
	errPinned  = errors.New("the server's public key is none of the pinned ones")
	errPinForm = errors.New("it is not sha256// and 32 octets in base64, nor several of them divided by ;")
)

// PinKeys adds to cfg, whose VerifyConnection goes first, that the public key
// of a server's certificate must be one of keys: sha256//base64, more than one
// divided by ";", the hash of the key as the certificate has it (its
// SubjectPublicKeyInfo). It holds with InsecureSkipVerify, too. With "" it does
// nothing.
func PinKeys(cfg *tls.Config, keys string) error {
	if keys == "" {
		return nil
	}
	pins := map[[sha256.Size]byte]bool{}
	for pin := range strings.SplitSeq(keys, ";") {
		text, ok := strings.CutPrefix(pin, "sha256//")
		sum, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("read pinned key %q: %w", pin, errPinForm)
		}
		pins[[sha256.Size]byte(sum)] = true
	}
	before := cfg.VerifyConnection
	cfg.VerifyConnection = func(st tls.ConnectionState) error {
		if before != nil {
			if err := before(st); err != nil {
				return err
			}
		}
		if len(st.PeerCertificates) == 0 || !pins[sha256.Sum256(st.PeerCertificates[0].RawSubjectPublicKeyInfo)] {
			return errPinned
		}
		return nil
	}
	return nil
}
