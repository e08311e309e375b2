package socketserver

import "sync"

// packetSpare has packets with the smallest buffer, which a socket reads into
// again: taking many from it costs one lock, and more would not be used at
// once.
type packetSpare struct {
	mu   sync.Mutex // guards what follows
	ps   []*Packet
	most int // of ps; none are kept when it is 0
}

// fill puts packets where there are none.
func (r *packetSpare) fill(into []*Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, p := range into {
		if p != nil {
			continue
		}
		if n := len(r.ps); n > 0 {
			into[i], r.ps[n-1], r.ps = r.ps[n-1], nil, r.ps[:n-1]
		} else {
			into[i] = newPacket(smallDatagram)
		}
	}
}

// put takes packets that nobody uses any more.
func (r *packetSpare) put(ps []*Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range ps {
		if len(p.buf) != smallDatagram || len(r.ps) >= r.most {
			p.free()
			continue
		}
		p.clear()
		r.ps = append(r.ps, p)
	}
}

// close gives back what there is, and keeps no more.
func (r *packetSpare) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.ps {
		p.free()
	}
	r.ps, r.most = nil, 0
}
