package control

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
)

// Send sends a request with a body of JSON, which may be nil, and returns the
// answer whatever its status is; of a long one the first 16 MiB.
func (c *Client) Send(ctx context.Context, method, path string, query url.Values, body []byte) (status int, text []byte, err error) {
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.do(r)
}

// Refused is the error for an answer with a status that was not expected.
func (c *Client) Refused(status int, text []byte) error { return c.refused(status, text) }
