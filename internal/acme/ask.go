package acme

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
)

// AskProgram asks a program whether a name may have a certificate: it is run,
// without a shell, as PROGRAM NAME, and says yes by ending with 0.
func AskProgram(program string) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		said, err := run(ctx, program, name)
		if err == nil {
			return nil
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Exited() {
			err = fmt.Errorf("%w: %w", ErrNo, err)
		}
		return fmt.Errorf("%s %s: %w: %s", program, name, err, said)
	}
}

// AskURL asks an address, with domain=NAME in its query; yes is status 200. It
// is not followed elsewhere.
func AskURL(address string) (func(context.Context, string) error, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("what is to be asked is no address; give one that begins with http:// or https://") // it may have a key
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: demandAsk},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, name string) error {
		to := *u
		q := to.Query()
		q.Set("domain", name)
		to.RawQuery = q.Encode()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
		if err != nil {
			return err
		}
		r.Header.Set("User-Agent", "freshet")
		answer, err := client.Do(r)
		if err != nil {
			var of *url.Error
			if errors.As(err, &of) {
				err = of.Err // without the address, in which there may be a key
			}
			return fmt.Errorf("%s cannot be asked: %w", u.Host, err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			err := errors.New(u.Host + " says " + answer.Status)
			if answer.StatusCode/100 == 5 || answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode == http.StatusTooManyRequests {
				return err // it may say yes later
			}
			return fmt.Errorf("%w: %w", ErrNo, err)
		}
		return nil
	}, nil
}
