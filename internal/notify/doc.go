// Package notify brings notices of alerts to somebody: by mail, to a webhook, or
// to a program.
//
//	s := notify.NewSender(&notify.Webhook{URL: u, Key: key}, notify.Options{Log: log})
//	s.Start()
//	defer s.Close()
//	s.Add(notices)
//
// Each way has a queue and a goroutine of its own ([Sender]), so that one that is
// slow or fails delays no other. What fails is tried again after 1, 4 and 16
// minutes and then every hour, for a day; what did not fit into the queue, or was
// given up, is counted, and the next message that arrives says how many.
//
// What holds:
//
//   - A notice is sent at least once; who gets it twice sees the same id.
//   - No password or key is in an error, a trace, or what [Sender.State] tells.
//   - A mail goes over TLS with a certificate that is good for the server's name, or
//     not at all, unless it was said otherwise; a server or somebody between that
//     takes STARTTLS out of the talk gets neither the mail nor the password.
//   - What a server answers is bounded, as is the time for it.
//
// Which notices there are is decided by package alert.
package notify
