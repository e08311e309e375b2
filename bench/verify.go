package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"freshet/bench/internal/origin"
)

// answer is a response with its body.
type answer struct {
	status int
	proto  int
	header http.Header
	body   []byte
}

// client makes single requests to one server, as the load generator would.
type client struct{ http.Client }

func newClient(certFile string) (*client, error) {
	pem, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &client{http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			TLSClientConfig:    &tls.Config{RootCAs: roots},
			DisableCompression: true, // codings are ours to ask for
		},
	}}, nil
}

// useHTTP2 makes the client speak HTTP/2 or HTTP/1 and nothing else.
func (c *client) useHTTP2(on bool) {
	var p http.Protocols
	p.SetHTTP1(!on)
	p.SetHTTP2(on)
	c.Transport.(*http.Transport).Protocols = &p
}

func (c *client) get(ctx context.Context, url string, header []string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return &answer{resp.StatusCode, resp.ProtoMajor, resp.Header, body}, err
}

// verify asks r what the scenario will ask, so that nobody is measured giving
// a wrong answer. It returns the fields that the load generator must send.
func (b *bench) verify(ctx context.Context, r *running, sc *scenario) ([]string, error) {
	c, err := newClient(b.cert)
	if err != nil {
		return nil, err
	}
	defer c.CloseIdleConnections()
	c.useHTTP2(sc.streams > 0)
	header := sc.header
	if sc.conditional {
		a, err := c.get(ctx, r.url+sc.path, nil)
		if err != nil {
			return nil, err
		}
		validator, err := a.validator()
		if err != nil {
			return nil, err
		}
		header = append(header[:len(header):len(header)], validator)
	}
	want, err := b.wanted(sc)
	if err != nil {
		return nil, err
	}
	if b.origin != "" {
		if err := b.verifyStored(ctx, c, r.url+sc.path); err != nil {
			return nil, err
		}
	}
	if sc.many {
		step := 1
		if b.quick {
			step = manyPerFolder
		}
		for i := 0; i < manyFiles; i += step {
			if a, err := c.get(ctx, r.url+manyName(i), nil); err != nil || a.status != http.StatusOK || len(a.body) != len(want) {
				return nil, fmt.Errorf("%s: %w", manyName(i), errors.Join(err, errors.New("not the file")))
			}
		}
	}
	// Ours compresses aside, and answers with the plain file until it is done.
	giveUp := time.Now().Add(cmp.Or(b.patience, 10*time.Second))
	for {
		a, err := c.get(ctx, r.url+sc.path, header)
		if err != nil {
			return nil, err
		}
		err = a.check(sc, want)
		if err == nil {
			return header, nil
		}
		if sc.needs&needGzip == 0 || time.Now().After(giveUp) {
			return nil, fmt.Errorf("wrong answer: %w", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// validator returns the field by which a client asks whether its copy is
// still good: with the entity-tag, or the date of a server that gives no tag.
func (a *answer) validator() (string, error) {
	if tag := a.header.Get("ETag"); tag != "" {
		return "If-None-Match: " + tag, nil
	}
	if date := a.header.Get("Last-Modified"); date != "" {
		return "If-Modified-Since: " + date, nil
	}
	return "", errors.New("the answer has no validator")
}

// wanted returns the body that answers to sc must have, nil when anything goes.
func (b *bench) wanted(sc *scenario) ([]byte, error) {
	if sc.needs&needHandler != 0 {
		return []byte("hello, world\n"), nil
	}
	if sc.needs&needMiss != 0 {
		return origin.MissBody, nil
	}
	if sc.status != http.StatusOK && sc.status != http.StatusPartialContent {
		return nil, nil
	}
	body, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(sc.path)))
	if sc.status == http.StatusPartialContent && err == nil {
		body = body[100:200]
	}
	return body, err
}

// check compares an answer with what the scenario expects.
func (a *answer) check(sc *scenario, want []byte) error {
	coding, proto := "", 1
	if sc.needs&needGzip != 0 {
		coding = "gzip"
	}
	if sc.streams > 0 {
		proto = 2
	}
	switch {
	case a.status != sc.status:
		return fmt.Errorf("status %d, want %d", a.status, sc.status)
	case a.proto != proto:
		return fmt.Errorf("HTTP/%d, want HTTP/%d", a.proto, proto)
	case a.header.Get("Content-Encoding") != coding:
		return fmt.Errorf("coding %q, want %q", a.header.Get("Content-Encoding"), coding)
	case sc.status == http.StatusNotModified && len(a.body) > 0:
		return errors.New("a 304 with a body")
	case want == nil:
		return nil
	}
	body := a.body
	if coding != "" {
		z, err := gzip.NewReader(bytes.NewReader(a.body))
		if err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
		if body, err = io.ReadAll(z); err != nil {
			return fmt.Errorf("read gzip: %w", err)
		}
	}
	if !bytes.Equal(body, want) {
		return fmt.Errorf("another body of %d bytes, want %d", len(body), len(want))
	}
	return nil
}
