package socketserver

import "sync"

// packetQueue has the datagrams that wait for a handler, and the goroutines
// that run handlers. A goroutine is started when a datagram comes, none waits
// for one, and fewer run than may. With Pool they stay while a socket is read;
// else a goroutine ends when nothing waits: one a datagram, unless more come
// than may run.
type packetQueue struct {
	srv   *PacketServer
	limit int    // of goroutines
	stay  bool   // they stay
	start func() // work, made once, so that starting costs no memory

	mu      sync.Mutex // guards what follows
	some    sync.Cond  // on mu, for goroutines: there is something, or an end
	room    sync.Cond  // on mu, for readers
	ring    []*Packet
	head, n int
	running int // goroutines
	waiting int // of them: wait for some, and were not told yet
	readers int
	closed  bool
}

func (q *packetQueue) init(s *PacketServer) {
	q.srv = s
	q.some.L, q.room.L = &q.mu, &q.mu
	q.limit = orDefault(s.MaxHandlers, DefaultMaxHandlers)
	switch s.Model.kind {
	case pool:
		q.limit, q.stay = s.Model.workers, true
	case process:
		q.limit = orDefault(s.MaxHandlers, DefaultMaxProcesses)
	}
	if s.Model.kind != inline {
		q.ring = make([]*Packet, orDefault(s.Queue, DefaultPacketQueue))
	}
	q.start = q.work
}

func (q *packetQueue) lengths() (waiting, running int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n, q.running - q.waiting
}

// addReader counts a goroutine that will push; endReader ends that.
func (q *packetQueue) addReader() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.readers++
}

func (q *packetQueue) endReader() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.readers--
	q.wakeAll()
}

func (q *packetQueue) wakeAll() {
	q.waiting = 0
	q.some.Broadcast()
	q.room.Broadcast()
}

// push waits for room and adds p. It is false when the queue is closed.
func (q *packetQueue) push(p *Packet) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == len(q.ring) && !q.closed {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	at := q.head + q.n
	if at >= len(q.ring) {
		at -= len(q.ring)
	}
	q.ring[at] = p
	q.n++
	switch {
	case q.waiting > 0:
		q.waiting--
		q.some.Signal()
	case q.running < q.limit:
		q.running++
		go q.start()
	}
	return true
}

// pop returns what has waited longest. When there is nothing it returns nil,
// or waits, if wait is set and there may be more.
func (q *packetQueue) pop(wait bool) *Packet {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.n == 0 {
		if !wait || !q.stay || q.readers == 0 || q.closed {
			if wait {
				q.running--
			}
			return nil
		}
		q.waiting++
		q.some.Wait()
	}
	p := q.ring[q.head]
	q.ring[q.head] = nil
	if q.head++; q.head == len(q.ring) {
		q.head = 0
	}
	if q.n--; q.n == len(q.ring)-1 {
		q.room.Broadcast()
	}
	return p
}

// close has push fail and empties the queue.
func (q *packetQueue) close() {
	q.mu.Lock()
	q.closed = true
	left := make([]*Packet, 0, q.n)
	for ; q.n > 0; q.n-- {
		left = append(left, q.ring[q.head])
		q.ring[q.head] = nil
		q.head = (q.head + 1) % len(q.ring)
	}
	q.wakeAll()
	q.mu.Unlock()
	for _, p := range left {
		q.srv.discard(p)
	}
}

// work runs handlers, on a goroutine of its own.
func (q *packetQueue) work() {
	var box outbox
	ended := false
	defer func() {
		box.close()
		if !ended { // the handler has ended its goroutine
			go q.start()
		}
	}()
	for {
		p := q.pop(false)
		if p == nil {
			box.flush()
			if p = q.pop(true); p == nil {
				ended = true
				return
			}
		}
		q.srv.handle(p, &box)
	}
}
