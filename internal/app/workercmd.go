package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"freshet/fleet"
	"freshet/internal/config"
	"freshet/internal/worker"
)

// worker runs tasks of another machine's jobs, or manages who may.
func (e *Env) worker(args []string) int {
	c, err := config.ParseWorker(args, e.Environ)
	if err != nil {
		return e.misused("worker", err)
	}
	ctx, stop := e.untilSignal()
	defer stop()
	if c.Verb == "" {
		return e.result(e.work(ctx, c))
	}
	if c.Verb == "peers" {
		return e.result(e.makePeers(c.Peers))
	}
	server, err := reach(e, &c.Reach)
	if err != nil {
		return e.fault(err)
	}
	q := &fleet.Client{Send: server.Send, Refused: server.Refused}
	switch c.Verb {
	case "invite":
		invite := q.Invite
		if c.Serves {
			invite = q.InviteServer
		}
		token, err := invite(ctx, c.Name, c.Life)
		if err == nil {
			fmt.Fprintf(e.Stdout, "%s\n", token)
		}
		return e.result(err)
	case "revoke":
		return e.result(q.Revoke(ctx, c.Name))
	}
	return e.result(e.listInvited(ctx, q))
}

// makePeers prints tokens for servers that keep a fleet together.
func (e *Env) makePeers(places []string) error {
	var peers []fleet.PeerPlace
	for _, place := range places {
		name, address, ok := strings.Cut(place, "=")
		if !ok {
			return fmt.Errorf("%q is no NAME=ADDR, such as a=10.0.0.1:7423", place)
		}
		peers = append(peers, fleet.PeerPlace{Name: name, Address: address})
	}
	tokens, err := fleet.NewPeers(peers)
	if err != nil {
		return err
	}
	for i, p := range peers {
		fmt.Fprintf(e.Stdout, "%s\t%s\n", p.Name, tokens[i])
	}
	e.tell("each token is a secret, for one server, and printed this once: freshet ... --fleet ADDR --fleet-peer-file FILE")
	return nil
}

// work runs tasks until a signal comes, or the token has ended.
func (e *Env) work(ctx context.Context, c *config.Worker) error {
	token, err := secretOf(c.Join, "--join-file")
	if err != nil {
		return err
	}
	log, err := openErrorLog("-", e.Stderr)
	if err != nil {
		return err
	}
	defer log.close()
	ring, err := openRing(c.Encrypt, log.Logger)
	if err != nil {
		return err
	}
	kept := userFolder(e.Environ, "XDG_CACHE_HOME", ".cache")
	if kept != "" {
		kept = filepath.Join(kept, "inputs")
	}
	return fleet.Join(ctx, fleet.MemberOptions{
		Token:  token,
		Inputs: kept, MaxInputs: c.Inputs, Ring: ring,
		Worker:   &worker.Options{Version: version(), Capacity: int(c.Tasks), Labels: pairs(c.Labels), Pools: c.Pools, User: c.User, Dirs: c.Dirs, Drain: max(c.Drain, 1)},
		Ready:    func(name, about string) { e.tell("worker %s: %s", name, about) },
		ErrorLog: log.Logger,
	})
}

// listInvited shows who has a token.
func (e *Env) listInvited(ctx context.Context, q *fleet.Client) error {
	list, err := q.Invited(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(e.Stdout, "no worker has a token")
		return nil
	}
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tCONNECTED FROM\tUNTIL")
	for _, n := range list {
		until := "it is revoked"
		if !n.Until.IsZero() {
			until = n.Until.Local().Format(time.DateTime)
		}
		address := n.Address
		if address == "" {
			address = "-"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", n.Name, address, until)
	}
	return w.Flush()
}
