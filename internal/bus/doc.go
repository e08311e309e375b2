// Package bus is the only package that knows NATS. It keeps what has to
// survive (a log with one writer, the pages of a ledger, objects of any length)
// and carries what nodes of a fleet say to each other (requests, hints), either
// on a server inside the process, without a port, or on a cluster elsewhere, by
// the same client.
//
// It is not a queue and knows nothing of jobs: who decides writes a Log, and
// the log's fence is what makes two deciders safe. A lease (Lead) is a
// convenience beside it and promises nothing.
//
//	s, err := bus.Start(bus.Options{Dir: dir})
//	...
//	defer s.Close()
//	c, err := s.Connect("scheduler")
//	...
//	log, err := c.Log(ctx, "jobs", bus.LogOptions{})
//	n, err := log.Append(ctx, last, entry) // ErrFenced: somebody else wrote
//
// Invariants: an entry whose number was returned is on the disk; entry n+1 was
// written by somebody who knew entry n; an object is there whole, or as it was
// before; with keys nothing of it reaches NATS plain (contents.go); nothing here listens before
// [Server.Open], and behind that nobody without a token reaches NATS' parser
// (the token's key is proven in the TLS handshake).
//
// The build tag nonats leaves NATS out: every constructor returns [ErrAbsent].
package bus
