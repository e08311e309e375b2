package fleet

import (
	"context"
	"errors"
	"net/http"
	"time"

	"freshet/internal/bus"
	"freshet/internal/control"
	"freshet/internal/sealedfolder"
	"freshet/jobs"
)

// Describe says in a line how tasks are run, for logs.
func (k *Keeper) Describe() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.about
}

// Away is why the queue is not open here now; nil: it is.
func (k *Keeper) Away() error {
	_, err := k.now()
	return err
}

// Address is where workers may join; "" if they may not. With port 0 the port is
// known when the queue was open once.
func (k *Keeper) Address() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.address
}

// Invite makes a token for a worker; see [Node.Invite].
func (k *Keeper) Invite(name string, life time.Duration) (string, error) {
	n, err := k.now()
	if err != nil {
		return "", err
	}
	return n.Invite(name, life)
}

// InviteServer makes a token for a further server; see [Node.InviteServer].
func (k *Keeper) InviteServer(name string, life time.Duration) (string, error) {
	n, err := k.now()
	if err != nil {
		return "", err
	}
	return n.InviteServer(name, life)
}

// Invited are those who have a token, as far as that is known now.
func (k *Keeper) Invited() []bus.Node {
	n, err := k.now()
	if err != nil {
		return nil
	}
	return n.Invited()
}

// Servers lists the servers of the fleet; see [Node.Servers].
func (k *Keeper) Servers(ctx context.Context) ([]Server, error) {
	n, err := k.now()
	if err != nil {
		return nil, err
	}
	return n.Servers(ctx)
}

// Want has a server do something; see [Node.Want].
func (k *Keeper) Want(ctx context.Context, name, do string) error {
	n, err := k.now()
	if err != nil {
		return err
	}
	return n.Want(ctx, name, do)
}

// ReadLog returns a part of what a task has written; see [Logs.Read].
func (k *Keeper) ReadLog(job jobs.ID, task, from int64, most int) ([]byte, int64, error) {
	n, err := k.now()
	if err != nil {
		return nil, 0, err
	}
	return n.logs.Read(job, task, from, most)
}

// TailLog returns the end of what a task has written; see [Logs.Tail].
func (k *Keeper) TailLog(job jobs.ID, task int64, most int) ([]byte, int64, error) {
	n, err := k.now()
	if err != nil {
		return nil, 0, err
	}
	return n.logs.Tail(job, task, most)
}

// Outputs lists the files that a task has made; see [Outputs.List].
func (k *Keeper) Outputs(job jobs.ID, task int64) ([]Output, error) {
	n, err := k.now()
	if err != nil {
		return nil, err
	}
	return n.outputs.List(job, task)
}

// OpenOutput opens one of them; see [Outputs.OpenOutput].
func (k *Keeper) OpenOutput(job jobs.ID, task int64, name string) (*sealedfolder.File, error) {
	n, err := k.now()
	if err != nil {
		return nil, err
	}
	return n.outputs.OpenOutput(job, task, name)
}

// Messages looks at what is stored on the bus; see [Node.Messages].
func (k *Keeper) Messages() *Messages {
	if !k.messages {
		return nil
	}
	return &Messages{func() (*bus.Conn, error) {
		n, err := k.now()
		if err != nil {
			return nil, err
		}
		return n.conn, nil
	}}
}

// Handler answers what commands ask for, below /job/ and /fleet/.
func (k *Keeper) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := k.now()
		if err != nil {
			refuse(w, err)
			return
		}
		n.Handler().ServeHTTP(w, r)
	})
}

// Purger purges what the whole fleet has stored; nil if there is no fleet.
func (k *Keeper) Purger() control.Purger {
	if !k.fleet {
		return nil
	}
	return keptPurger{k}
}

type keptPurger struct{ k *Keeper }

// Purge implements control.Purger. What is asked of this server alone needs no
// queue.
func (p keptPurger) Purge(q *control.Request) (*control.Answer, error) {
	n, err := p.k.now()
	switch {
	case err == nil:
		return n.purges.Purge(q)
	case p.k.o.Cache != nil && (q.Here || errors.Is(err, ErrStandby)):
		return alone{p.k.o.Cache}.Purge(q)
	}
	return nil, err
}

// Queue is the queue.
func (k *Keeper) Queue() jobs.Queue { return keptQueue{k} }
