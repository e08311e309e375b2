// Package fleet joins what one process has to do with jobs: the queue, the
// worker that runs its tasks, what is kept of their output, and the requests by
// which commands and pages reach them.
//
//	n, err := fleet.Open(ctx, fleet.Options{Dir: "/var/lib/freshet/jobs", Tasks: 2})
//	defer n.Close()
//	mux.Handle("/job/", n.Handler())
//
//	q := &fleet.Client{Send: server.Send, Refused: server.Refused} // in the command
//	ids, err := q.Submit(ctx, jobs.Spec{Command: []string{"convert", "a.png", "b.jpg"}})
//
// It decides nothing about jobs, which package [freshet/jobs] does, and knows no
// pages. Who may ask is decided by who mounts the handler: whoever can submit
// jobs can run programs.
package fleet
