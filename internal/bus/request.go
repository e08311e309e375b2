//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Headers of requests and answers.
const (
	headerPatience = "Freshet-Patience" // how long the caller waits, in milliseconds
	headerError    = "Freshet-Error"    // the code; the text is the payload
)

// defaultPerCaller is the default of ServeOptions.PerCaller.
const defaultPerCaller = 64

// maxPatience bounds how long a handler is let work for a caller.
const maxPatience = 24 * time.Hour

// Serve answers requests to a subject (names with dots between) until stop is
// called (not by a handler), which ends the handlers' contexts and waits for
// them. Who serves is known to callers when it returns. See [ServeOptions] for what its defaults
// are. An *Error of the handler, also a wrapped one, goes to the caller as it
// is; of another the text, with CodeFailed.
func (c *Conn) Serve(subject string, h Handler) (stop func(), err error) {
	return c.ServeWith(subject, ServeOptions{}, h)
}

// ServeWith is Serve with options.
func (c *Conn) ServeWith(subject string, o ServeOptions, h Handler) (stop func(), err error) {
	if err := checkSubject(subject, false); err != nil {
		return nil, err
	}
	if c.worker {
		return nil, fmt.Errorf("serve %s: %w", subject, ErrDenied)
	}
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	if o.PerCaller <= 0 {
		o.PerCaller = defaultPerCaller
	}
	s := &service{c: c, perCaller: o.PerCaller, callers: map[string]int{}, subject: subject, handler: h, turns: make(chan struct{}, o.Parallel), drained: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(c.life)
	queue := ""
	if o.Shared {
		queue = "freshet"
	}
	s.sub, err = c.nc.QueueSubscribe(prefixCall+"*."+subject, queue, s.receive)
	if err != nil {
		s.cancel()
		return nil, fmt.Errorf("serve %s: %w", subject, plainly(err))
	}
	s.sub.SetClosedHandler(func(string) { close(s.drained) })
	if err := c.nc.FlushTimeout(DefaultTimeout); err != nil {
		s.stop()
		return nil, fmt.Errorf("serve %s: %w", subject, plainly(err))
	}
	return s.stop, nil
}

// service is a subject that is served.
type service struct {
	c       *Conn
	subject string
	handler Handler
	turns   chan struct{}
	ctx     context.Context
	cancel  context.CancelFunc
	sub     *nats.Subscription
	drained chan struct{} // closed when no request will come any more

	ending    sync.Once
	perCaller int

	mu      sync.Mutex // guards what follows, and running.Add against Wait; a leaf
	stopped bool
	callers map[string]int // requests that are being served
	running sync.WaitGroup
}

func (s *service) stop() {
	s.ending.Do(func() {
		s.mu.Lock()
		s.stopped = true
		s.mu.Unlock()
		s.cancel()
		link := s.c.linkNow()
		if !s.c.nc.IsConnected() {
			_ = s.sub.Unsubscribe() // nobody is there to be told
		} else if s.sub.Drain() == nil { // otherwise the connection has ended
			select {
			case <-s.drained:
			case <-link.Done():
			}
		}
	})
	s.running.Wait()
}

// receive is called by the client, for one message after the other.
func (s *service) receive(m *nats.Msg) {
	from, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, prefixCall), ".")
	if !strings.HasPrefix(m.Reply, prefixInbox+from+".") {
		// An answer goes to the caller's inbox: we may write where it may not,
		// and it must not be able to say where to.
		m.Reply = ""
	}
	if len(m.Data) > MaxEntry {
		s.answer(m, nil, &Error{CodeTooBig, fmt.Sprintf("the request has %d bytes", len(m.Data))})
		return
	}
	if refused := s.enter(from); refused != nil {
		s.answer(m, nil, refused)
		return
	}
	go func() {
		defer s.leave(from)
		ctx, cancel := context.WithTimeout(s.ctx, patienceOf(m))
		defer cancel()
		answer, err := s.handler(ctx, Request{Subject: s.subject, From: from, Payload: m.Data})
		s.answer(m, answer, err)
	}()
}

// enter takes a turn for a request, or says why not.
func (s *service) enter(from string) *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return &Error{CodeEnded, "it is not served any more"}
	}
	if s.callers[from] >= s.perCaller {
		return &Error{CodeBusy, "as many requests of one caller as are served at once are being served"}
	}
	select {
	case s.turns <- struct{}{}:
	default:
		return &Error{CodeBusy, "as many requests as are served at once are being served"}
	}
	s.callers[from]++
	s.running.Add(1)
	return nil
}

func (s *service) leave(from string) {
	s.mu.Lock()
	if s.callers[from]--; s.callers[from] == 0 {
		delete(s.callers, from)
	}
	s.mu.Unlock()
	<-s.turns
	s.running.Done()
}

func patienceOf(m *nats.Msg) time.Duration {
	ms, err := strconv.ParseInt(m.Header.Get(headerPatience), 10, 64)
	if err != nil || ms <= 0 {
		return DefaultTimeout
	}
	return time.Duration(min(ms, int64(maxPatience/time.Millisecond))) * time.Millisecond
}

func (s *service) answer(m *nats.Msg, payload []byte, err error) {
	if m.Reply == "" {
		return
	}
	if err == nil && int64(len(payload)) > s.c.room() {
		err = &Error{CodeTooBig, fmt.Sprintf("the answer has %d bytes", len(payload))}
	}
	reply := &nats.Msg{Subject: m.Reply, Data: payload}
	if err != nil {
		code, text := CodeFailed, err.Error()
		var coded *Error
		if errors.As(err, &coded) && coded.Code != "" {
			code = coded.Code
		}
		reply.Header = nats.Header{headerError: {oneLine(code)}}
		reply.Data = []byte(text[:min(len(text), maxErrorText)])
	}
	if err := s.c.nc.PublishMsg(reply); err != nil {
		s.c.say("an answer is lost", err)
	}
}

// maxErrorText bounds the text of an error on its way.
const maxErrorText = 64 << 10

// oneLine keeps what ends a header field out of one.
func oneLine(s string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}

// room is how long a payload of this connection may be.
func (c *Conn) room() int64 { return min(MaxEntry, c.nc.MaxPayload()-headerRoom) }

// Call asks who serves the subject and waits for the answer, until ctx ends,
// or for DefaultTimeout. ErrNobody comes at once; an [*Error] is the handler's.
// Whatever else is returned, the request may have been served.
func (c *Conn) Call(ctx context.Context, subject string, payload []byte) ([]byte, error) {
	if err := checkSubject(subject, false); err != nil {
		return nil, err
	}
	if c.worker && !mayWorker(subject) {
		return nil, fmt.Errorf("call %s: %w", subject, ErrDenied)
	}
	if int64(len(payload)) > c.room() {
		return nil, fmt.Errorf("call %s with %d bytes: %w", subject, len(payload), ErrTooLarge)
	}
	ctx, cancel := c.whileLinked(ctx)
	defer cancel()
	m := &nats.Msg{Subject: prefixCall + c.name + "." + subject, Data: payload, Header: nats.Header{}}
	if end, ok := ctx.Deadline(); ok {
		m.Header.Set(headerPatience, strconv.FormatInt(max(1, time.Until(end).Milliseconds()), 10))
	}
	answer, err := c.nc.RequestMsgWithContext(ctx, m)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("call %s: %w", subject, ErrNobody)
	}
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", subject, because(ctx, plainly(err)))
	}
	if code := answer.Header.Get(headerError); code != "" {
		return nil, &Error{code, string(answer.Data)}
	}
	return answer.Data, nil
}
