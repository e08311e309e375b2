package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// verify asks r what the scenario will ask, several times on one connection,
// so that nobody is measured giving a wrong answer.
func verify(ctx context.Context, r *running, sc *scenario) error {
	c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableCompression: true}}
	defer c.CloseIdleConnections()
	for range 3 {
		if err := verifyOnce(ctx, c, r.url, sc); err != nil {
			return fmt.Errorf("wrong answer: %w", err)
		}
	}
	return nil
}

func verifyOnce(ctx context.Context, c *http.Client, url string, sc *scenario) error {
	method := http.MethodGet
	if sc.post > 0 {
		method = http.MethodPost
	}
	q, err := http.NewRequestWithContext(ctx, method, url+sc.path, strings.NewReader(sc.body()))
	if err != nil {
		return err
	}
	if sc.post > 0 {
		q.Header.Set("Content-Type", "application/octet-stream")
	}
	a, err := c.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	want := sc.answer()
	switch {
	case err != nil:
		return err
	case a.StatusCode != http.StatusOK:
		return fmt.Errorf("status %d: %.200q", a.StatusCode, body)
	case a.Header.Get("X-Script") != "page":
		return fmt.Errorf("not the script's fields: %v", a.Header)
	case !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain"):
		return fmt.Errorf("type %q", a.Header.Get("Content-Type"))
	case !bytes.Equal(body, want):
		return fmt.Errorf("another body, of %d bytes instead of %d: %.200q", len(body), len(want), body)
	}
	return nil
}
