package app

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/signedurl"
)

// sign makes links that open what is closed, or a key for them.
func (e *Env) sign(args []string) int {
	c, err := config.ParseSign(args, e.Environ)
	if err != nil {
		return e.misused("sign", err)
	}
	if c.NewKey != "" {
		return e.result(newLinkKey(e, c.NewKey))
	}
	return e.result(signLinks(e, c))
}

// newLinkKey prints a line for a file of keys.
func newLinkKey(e *Env, name string) error {
	key := signedurl.Key{ID: name, Secret: make([]byte, 32)}
	rand.Read(key.Secret)
	if _, err := signedurl.NewKeys(key); err != nil {
		return fmt.Errorf("--new-key: %w", err)
	}
	_, err := fmt.Fprintln(e.Stdout, key)
	return err
}

// signLinks prints the links, once all of them are right.
func signLinks(e *Env, c *config.Sign) error {
	keys, err := guard.ReadKeys(c.Key)
	if err != nil {
		return err
	}
	now := time.Now()
	if e.Now != nil {
		now = time.Unix(0, e.Now())
	}
	o := signedurl.Options{Expires: now.Add(c.Expires), Prefix: c.Prefix, IP: c.IP}
	if !c.Until.IsZero() {
		o.Expires = c.Until
	}
	switch life := o.Expires.Sub(now); {
	case life <= 0:
		return errors.New("--until is over; name a moment to come")
	case life > config.MaxLinkLife:
		return fmt.Errorf("--until is more than %d days ahead; a link cannot be taken back, but by taking its key away, so give it less", config.MaxLinkLife/(24*time.Hour))
	}
	var links []string
	for _, url := range c.URLs {
		link, err := signedurl.Sign(url, keys.First(), o)
		if err != nil {
			return err
		}
		links = append(links, link)
	}
	out := bufio.NewWriter(e.Stdout)
	for _, link := range links {
		fmt.Fprintln(out, link)
	}
	return out.Flush()
}
