package acme

import (
	"crypto/x509"
	"maps"
	"sync"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// calmTime is for how long a certificate that took the place of another one early
// is not replaced because the authority suggests it, or a tenth of its life: an
// authority that suggests a time that is over for whatever it signs would have an
// order with each look.
const calmTime = 24 * time.Hour

// early are the names whose certificate was replaced early, before a third of its
// life was left.
type early struct {
	mu    sync.Mutex // guards until
	until map[string]time.Time
}

// note notes that a name has a new certificate, in place of another one, or of none: nil.
func (e *early) note(name string, was *x509.Certificate, chain []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(e.until, func(_ string, until time.Time) bool { return until.Before(now) })
	is := leafOf(chain)
	if was == nil || is == nil || time.Until(was.NotAfter) <= was.NotAfter.Sub(was.NotBefore)/3 {
		delete(e.until, name)
		return
	}
	if e.until == nil {
		e.until = map[string]time.Time{}
	}
	e.until[name] = now.Add(min(is.NotAfter.Sub(is.NotBefore)/10, calmTime))
}

// calm puts off what an authority suggests for a name, so that it is later than is
// noted also when it is obeyed ahead of its time, as it is.
func (e *early) calm(name string, info *acme.RenewalInfo, ahead time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	until, ok := e.until[name]
	if !ok || !info.HasWindow() {
		return
	}
	if until = until.Add(ahead); info.SelectedTime.Before(until) {
		info.SelectedTime = until
	}
}
