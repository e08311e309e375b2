package child

import "sync/atomic"

var withoutSIGCHLD atomic.Bool

// WithoutSIGCHLD says that nobody in this process wants to be notified of
// SIGCHLD with os/signal. On Linux that saves two wake-ups for each program: a
// thread would only run the runtime's handler, which does nothing. It has to be
// called before the first New; waiting for children does not depend on it.
func WithoutSIGCHLD() { withoutSIGCHLD.Store(true) }
