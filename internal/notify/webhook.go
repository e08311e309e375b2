package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/digest"
	"freshet/internal/alert"
	"freshet/internal/signing"
	"freshet/signature"
)

// Webhook sends each notice as a POST of JSON. With a key the request is signed
// (RFC 9421): its method, address, the digest of its body (RFC 9530), its type and
// the id that says whether it came before. Each try has a nonce of its own.
type Webhook struct {
	URL   *url.URL
	Key   *signature.Key // nil: it is not signed
	Agent string         // of the field User-Agent

	// Client is what sends; nil: one that obeys HTTP_PROXY and the like. It must not
	// follow redirects.
	Client *http.Client

	now func() time.Time // nil: the system's
}

// A message is the JSON of a webhook, and what a program gets.
type message struct {
	alert.Notice
	Title   string `json:"title"`
	Dropped int64  `json:"dropped,omitempty"` // earlier ones that nobody got
}

const (
	webhookTime = 30 * time.Second
	maxAnswer   = 4 << 10
)

// NewClient returns a client for webhooks: no redirects, the proxies of the
// environment, and a limit of time.
func NewClient() *http.Client {
	return &http.Client{
		Timeout:       webhookTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: webhookTime, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true},
	}
}

// Name implements Way. A path or a query may be what others must not know.
func (w *Webhook) Name() string { return "webhook at " + w.URL.Scheme + "://" + w.URL.Host }

// ID implements Way: two webhooks at one host differ by what must not be told.
func (w *Webhook) ID() string {
	sum := sha256.Sum256([]byte(w.URL.String()))
	return w.Name() + " " + hex.EncodeToString(sum[:8])
}

// Most implements Way.
func (w *Webhook) Most() int { return 1 }

// covered is what a signature is of.
var covered = []string{"@method", "@target-uri", "content-type", "content-digest", "idempotency-key"}

// Send implements Way.
func (w *Webhook) Send(ctx context.Context, notices []alert.Notice, dropped int64) error {
	r, err := w.request(ctx, &notices[0], dropped)
	if err != nil {
		return err
	}
	client := w.Client
	if client == nil {
		client = NewClient()
		defer client.CloseIdleConnections()
	}
	resp, err := client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the address
		}
		return fmt.Errorf("%s: %w", w.Name(), err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // only to be told, and so that the connection may be used again
	return w.judge(resp.StatusCode, said)
}

// request makes the request, signed if there is a key.
func (w *Webhook) request(ctx context.Context, n *alert.Notice, dropped int64) (*http.Request, error) {
	body, err := json.Marshal(&message{*n, n.Title(), dropped})
	if err != nil {
		return nil, fmt.Errorf("make the message of a webhook: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: it is no address to send to", w.Name())
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", strconv.Quote(n.ID))
	r.Header.Set("Content-Digest", string(digest.Append(nil, digest.Of(digest.SHA256, body))))
	if w.Agent != "" {
		r.Header.Set("User-Agent", w.Agent)
	}
	if w.Key == nil {
		return r, nil
	}
	signer, err := signing.New(w.Key, signing.Options{Components: covered, Expires: 5 * time.Minute, Tag: "freshet-alert", Alg: true, Now: w.now})
	if err == nil {
		err = signer.Sign(r)
	}
	if err != nil {
		return nil, fmt.Errorf("sign the message of a webhook: %w", err)
	}
	return r, nil
}

// final are status codes that no further try changes.
var final = []int{400, 405, 410, 413, 415, 422}

func (w *Webhook) judge(status int, said []byte) error {
	text := strings.TrimSpace(alert.Clean(string(said[:min(len(said), 200)])))
	switch {
	case status/100 == 2:
		return nil
	case status/100 == 3:
		return fmt.Errorf("%s: it answers %d, and redirects are not followed; give the address that it leads to", w.Name(), status)
	case slices.Contains(final, status):
		return fmt.Errorf("%s: %w: it answers %d %s", w.Name(), ErrRefused, status, text)
	}
	return fmt.Errorf("%s: it answers %d %s", w.Name(), status, text)
}
