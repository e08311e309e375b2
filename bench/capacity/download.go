package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"freshet/bench/internal/origin"
)

// runDownload takes a long answer that may not be stored through the cache.
func (c *capacity) runDownload(ctx context.Context) error {
	p, err := c.start(ctx, "")
	if err != nil {
		return err
	}
	defer p.stop()
	// What the cache makes once, for its first download, is not counted.
	if err := stream(ctx, p.addr, min(c.download, 1<<20)); err != nil {
		return err
	}
	before, err := c.settled(ctx, p)
	if err != nil {
		return err
	}
	if err := p.resetPeak(); err != nil {
		return err
	}
	began := time.Now()
	if err := stream(ctx, p.addr, c.download); err != nil {
		return err
	}
	took := time.Since(began)
	peak, err := p.peak()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.w, "download: %d MB in %v, %.0f MB each second: memory %.1f MiB before, %.1f at most\n",
		c.download/1e6, took.Round(time.Millisecond), float64(c.download)/1e6/took.Seconds(), mebi(before), mebi(peak))
	if added := peak - before; added >= mostDownload {
		return fmt.Errorf("%.1f MiB more memory, want less than %.0f", mebi(added), mebi(mostDownload))
	}
	return nil
}

// stream downloads n bytes and compares them with what the origin sends.
func stream(ctx context.Context, addr string, n int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/stream/"+strconv.FormatInt(n, 10), nil)
	if err != nil {
		return err
	}
	t := &http.Transport{DisableCompression: true, ResponseHeaderTimeout: patience}
	defer t.CloseIdleConnections()
	resp, err := t.RoundTrip(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength != n {
		return fmt.Errorf("answered %s with a length of %d, want %d", resp.Status, resp.ContentLength, n)
	}
	buf := make([]byte, len(origin.StreamBlock))
	for at := int64(0); at < n; {
		b := buf[:min(n-at, int64(len(buf)))]
		if _, err := io.ReadFull(resp.Body, b); err != nil {
			return fmt.Errorf("after %d bytes: %w", at, err)
		}
		if !bytes.Equal(b, origin.StreamBlock[:len(b)]) {
			return fmt.Errorf("other bytes after %d", at)
		}
		at += int64(len(b))
	}
	return nil
}
