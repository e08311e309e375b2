package jobs_test

import (
	"context"
	"fmt"
	"os"

	"freshet/jobs"
)

// A queue in a folder, a job of three tasks, and a worker.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	log, err := jobs.OpenFileLog(dir)
	if err != nil {
		panic(err)
	}
	defer log.Close()
	s, err := jobs.New(ctx, log, jobs.Options{})
	if err != nil {
		panic(err)
	}
	defer s.Close(ctx)

	frames, err := jobs.ParseArray("1-9x4")
	if err != nil {
		panic(err)
	}
	ids, err := s.Submit(ctx, jobs.Spec{Name: "film", Command: []string{"render", "{frame}"}, Array: frames, Retries: 2})
	if err != nil {
		panic(err)
	}

	for range 3 {
		task, err := s.Claim(ctx, jobs.Worker{Node: "here"})
		if err != nil {
			panic(err)
		}
		fmt.Println("run", task.Spec.Command[0], task.Task)
		if err := s.Finish(ctx, task.Lease, jobs.Result{}); err != nil {
			panic(err)
		}
	}
	film, err := s.Job(ctx, ids[0])
	if err != nil {
		panic(err)
	}
	fmt.Println(film.Spec.Name, film.State, film.Counts.Of(jobs.Succeeded))

	// Output:
	// run render 1
	// run render 5
	// run render 9
	// film succeeded 3
}
