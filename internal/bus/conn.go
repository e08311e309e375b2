//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"freshet/internal/atrest"
	"freshet/internal/field"
)

// Conn is a connection, in the process or over the network. When it breaks it
// is made anew, for as long as it is not closed; what is asked for meanwhile
// fails at once. Its methods may be called by several goroutines.
type Conn struct {
	name   string
	nc     *nats.Conn
	js     jetstream.JetStream
	log    *slog.Logger
	forget func() // tells the server in the process that this one has ended; nil elsewhere

	replicas int     // how often streams are kept, unless a log says otherwise
	host     *inside // the server in the process; nil elsewhere
	around   *ring   // where it may be made anew; nil: as NATS' client knows
	worker   bool    // has a worker's token, and asks for nothing that will be refused

	seal    *atrest.Ring                // seals the fleet's secrets; nil: what is put into streams is plain
	keys    atomic.Pointer[atrest.Keys] // the fleet's secrets, once they are known
	secrets *atrest.Ring                // of keys
	opening sync.Mutex                  // guards record; held while it is read or written, and comes before mu
	record  knownRecord

	mu   sync.Mutex      // guards link and cut; a leaf
	link context.Context // ends when the connection is lost, and is another when it is back
	cut  context.CancelCauseFunc

	closing sync.Once
	life    context.Context // ends with the connection
	die     context.CancelFunc
	ended   chan struct{} // closed when the connection has ended for good
}

// Connect makes a connection to a cluster elsewhere. It fails when no server
// answers until ctx ends, or within DefaultTimeout.
func Connect(ctx context.Context, o ConnectOptions) (*Conn, error) {
	if err := checkName("connection", o.Name); err != nil {
		return nil, err
	}
	if err := checkReplicas(o.Replicas); err != nil {
		return nil, err
	}
	if o.URL == "" {
		return nil, errors.New("connect to NATS: no URL is given")
	}
	options := []nats.Option{func(n *nats.Options) error {
		n.Servers = strings.Split(o.URL, ",")
		for i := range n.Servers {
			n.Servers[i] = strings.TrimSpace(n.Servers[i])
		}
		return nil
	}}
	if o.Creds != "" {
		options = append(options, nats.UserCredentials(o.Creds))
	}
	if o.User != "" {
		options = append(options, nats.UserInfo(o.User, o.Password))
	}
	if o.Token != "" {
		options = append(options, nats.Token(o.Token))
	}
	if o.TLS != nil {
		options = append(options, nats.Secure(o.TLS.Clone()))
	}
	c, err := openWithin(ctx, o.Name, o.Log, plainDial, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", field.WithoutLogins(o.URL), plainURL(err))
	}
	c.replicas, c.seal = max(o.Replicas, 1), o.Seal
	return c, nil
}

// open makes a Conn; the options say where to.
func open(name string, log *slog.Logger, more ...nats.Option) (*Conn, error) {
	c := &Conn{name: name, log: log, replicas: 1, ended: make(chan struct{})}
	c.life, c.die = context.WithCancel(context.Background())
	c.secrets = atrest.NewRing(c.keys.Load)
	c.linked()
	options := []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix(prefixInbox + name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.CustomReconnectDelay(reconnectDelay),
		nats.ReconnectBufSize(-1), // fail at once, instead of sending it some day
		nats.Timeout(DefaultTimeout),
		nats.PingInterval(pingEvery),
		nats.MaxPingsOutstanding(2),
		nats.DrainTimeout(DefaultTimeout),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			c.say("the connection is lost", err)
			c.mu.Lock()
			c.cut(ErrCut)
			c.mu.Unlock()
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			c.say("the connection is back", nil)
			c.linked()
		}),
		nats.ReconnectErrHandler(func(nc *nats.Conn, err error) {
			if errors.Is(err, ErrRefused) || errors.Is(err, ErrStranger) {
				c.say("the connection ends", err)
				nc.Close()
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { c.die(); close(c.ended) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.say("a message is lost or refused", err) }),
	}
	nc, err := nats.Connect("", append(options, more...)...)
	if err != nil {
		c.die()
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		c.die()
		nc.Close()
		return nil, err
	}
	c.nc, c.js = nc, js
	return c, nil
}

// reconnectDelay: soon, then each second.
func reconnectDelay(attempts int) time.Duration {
	return min(time.Duration(attempts)*50*time.Millisecond+10*time.Millisecond, time.Second)
}

func (c *Conn) say(what string, err error) {
	if c.log == nil {
		return
	}
	if err == nil {
		c.log.Debug("nats: "+what, "name", c.name)
		return
	}
	c.log.Warn("nats: "+what, "name", c.name, "error", err)
}

// Name is what others see as Request.From.
func (c *Conn) Name() string { return c.name }

// Done is closed when the connection has ended for good: by Close, with the
// server in the process, or because a token is not valid any more.
func (c *Conn) Done() <-chan struct{} { return c.ended }

// Close ends the connection and waits until it has ended. What is under way
// ends with an error.
func (c *Conn) Close() {
	c.closing.Do(func() {
		c.nc.Close()
		if c.forget != nil {
			c.forget()
		}
	})
	<-c.ended
}

// within gives a context without a deadline one.
func within(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}

// linked begins the time of a connection.
func (c *Conn) linked() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.cut = context.WithCancelCause(c.life)
}

func (c *Conn) linkNow() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link
}

// whileLinked is within for what waits for an answer. The context ends also
// with the connection, on which the answer would have come, and when the
// server in the process breaks, which leaves writers without an answer.
func (c *Conn) whileLinked(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := within(ctx)
	ctx, stop := c.untilCut(ctx)
	return ctx, func() { stop(); cancel() }
}

// untilCut is whileLinked for what may take any time.
func (c *Conn) untilCut(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, fail := context.WithCancelCause(ctx)
	stopLink := context.AfterFunc(c.linkNow(), func() { fail(ErrCut) })
	stopWrites := func() bool { return true }
	if c.host != nil {
		stopWrites = context.AfterFunc(c.host.writes, func() { fail(c.host.Err()) })
	}
	return ctx, func() { stopLink(); stopWrites(); fail(nil) }
}

// because is err, or why the context of whileLinked has ended.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrBroken) || errors.Is(cause, ErrCut) {
		return cause
	}
	return err
}

// unclear is an error after which it is not known whether something was
// written.
func unclear(ctx context.Context, err error) error {
	return fmt.Errorf("%w: %w", ErrUnclear, because(ctx, err))
}

// plainly turns errors of the client into ours.
func plainly(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrConnectionClosed):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrMsgNotFound):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%w: %w", ErrNoStore, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.As(err, &api):
		return apiError(api)
	}
	return err
}

// Codes of JetStream's API that its client has no name for.
const (
	codeAccountFull = 10002
	codeServerFull  = 10023
	codeMemoryFull  = 10028
	codeStorageFull = 10047
	codeStoreFailed = 10077 // its text says why
)

func apiError(api *jetstream.APIError) error {
	switch api.ErrorCode {
	case codeAccountFull, codeServerFull, codeMemoryFull, codeStorageFull:
		return fmt.Errorf("%w: %w", ErrFull, api)
	case codeStoreFailed:
		if strings.Contains(api.Description, "maximum") {
			return fmt.Errorf("%w: %w", ErrFull, api)
		}
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return fmt.Errorf("%w: %w", ErrFenced, api)
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return fmt.Errorf("%w: %w", ErrTooLarge, api)
	}
	return api
}
