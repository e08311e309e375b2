package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// watching is what is printed once all watch.
const watching = "all watch"

// pages are what is watched, in turn.
var pages = []string{"overview", "requests"}

// watch opens streams of events and reads them until it is told to end. It
// fails when one of them ends before.
func watch(ctx context.Context, addr string, viewers int, w io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: viewers}}
	var open atomic.Int64
	var all sync.WaitGroup
	for n := range viewers {
		all.Go(func() {
			if err := stream(ctx, client, "http://"+addr+"/events?page="+pages[n%len(pages)], &open); err != nil {
				cancel(fmt.Errorf("viewer %d: %w", n, err))
			}
		})
	}
	for open.Load() < int64(viewers) && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() == nil {
		fmt.Fprintln(w, watching)
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil && err != context.Canceled {
		return err
	}
	return nil
}

// stream reads one stream. Being told to end is no error.
func stream(ctx context.Context, client *http.Client, url string, open *atomic.Int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", resp.Status)
	}
	open.Add(1)
	if _, err = io.Copy(io.Discard, resp.Body); ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the stream ended: %v", err)
}
