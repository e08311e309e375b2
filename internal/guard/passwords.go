package guard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"freshet/internal/gateway"
	"freshet/internal/rule"
	"freshet/internal/userfile"
)

// Passwords compares passwords for the guards of a server. A comparison is meant to
// be slow and to need memory, so that few run at once and some more wait; and one
// that was right is remembered for a while, by a keyed hash of all that it was
// about, so that not each request of a page needs one.
type Passwords struct {
	turns gateway.Turns
	key   [32]byte

	mu    sync.Mutex // guards right; a leaf
	right map[[sha256.Size]byte]int64
}

// The bounds of Passwords.
const (
	RememberedFor = 5 * time.Minute
	maxRemembered = 4096 // beyond it all are forgotten
	maxComparing  = 8    // at once, of 19 MiB each; not more than there are processors
	maxWaiting    = 64
	waitFor       = 5 * time.Second
)

// NewPasswords returns what compares passwords.
func NewPasswords() *Passwords {
	p := &Passwords{turns: gateway.Turns{Running: min(runtime.GOMAXPROCS(0), maxComparing), Queue: maxWaiting, QueueTime: waitFor}}
	rand.Read(p.key[:]) // does not fail; see crypto/rand
	return p
}

// sum is what is remembered: of which hash, name and password it was. A line that
// has changed has another hash.
func (p *Passwords) sum(hash, name, password string) [sha256.Size]byte {
	h := hmac.New(sha256.New, p.key[:])
	var length [8]byte
	for _, s := range [...]string{hash, name, password} {
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// remembers reports whether the password was right a while ago.
func (p *Passwords) remembers(u *userfile.Users, name, password string, now int64) bool {
	hash := u.Hash(name)
	if hash == "" {
		return false
	}
	sum := p.sum(hash, name, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	until, is := p.right[sum]
	return is && now < until && until-now <= int64(RememberedFor)
}

func (p *Passwords) remember(u *userfile.Users, name, password string, now int64) {
	sum := p.sum(u.Hash(name), name, password)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.right == nil || len(p.right) >= maxRemembered {
		p.right = map[[sha256.Size]byte]int64{}
	}
	p.right[sum] = now + int64(RememberedFor)
}

// turn waits until a password may be compared, and returns what ends that; or the
// rule by which it may not be.
func (p *Passwords) turn(ctx context.Context) (leave func(), refused rule.ID) {
	if p.turns.Take(ctx) != 0 {
		return nil, rule.LoginsBusy
	}
	return p.turns.Leave, 0
}
