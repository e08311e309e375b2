package acme

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// When an authority would have a certificate renewed (RFC 9773), which is also how
// it asks for the replacement of what it has revoked. acmez asks, too, but takes
// no window of a second, such as pebble's for what is revoked.

// askedAgain is when an authority is asked again that does not say when, or that
// could not be asked (RFC 9773 §4.3.3); longestAsk is the longest time that it is
// obeyed for (§4.3.2), since a revocation is not heard of meanwhile.
const (
	askedAgain = 6 * time.Hour
	longestAsk = 24 * time.Hour
)

// window asks when a certificate is to be renewed, and chooses the time.
func (i *issuer) window(ctx context.Context, leaf *x509.Certificate) (acme.RenewalInfo, error) {
	dir, err := i.acmez.GetDirectory(ctx)
	if err == nil && dir.RenewalInfo == "" {
		err = acme.ErrUnsupported
	}
	if err != nil {
		return acme.RenewalInfo{}, err
	}
	id, err := acme.ARIUniqueIdentifier(leaf)
	if err != nil {
		return acme.RenewalInfo{}, err
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, dir.RenewalInfo+"/"+id, nil)
	if err != nil {
		return acme.RenewalInfo{}, err
	}
	ask.Header.Set("User-Agent", i.acme.UserAgent)
	answer, err := i.client.Do(ask)
	if err != nil {
		return acme.RenewalInfo{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return acme.RenewalInfo{}, fmt.Errorf("when the certificate is to be renewed: %s", answer.Status)
	}
	var info acme.RenewalInfo
	if err := json.NewDecoder(answer.Body).Decode(&info); err != nil {
		return acme.RenewalInfo{}, fmt.Errorf("when the certificate is to be renewed: %w", err)
	}
	if err := choose(&info); err != nil {
		return acme.RenewalInfo{}, err
	}
	again := nextAsk(answer.Header.Get("Retry-After"), time.Now())
	info.UniqueIdentifier, info.RetryAfter = id, &again
	return info, nil
}

// choose chooses a time in a window, which ends after it begins (RFC 9773 §4.2).
func choose(info *acme.RenewalInfo) error {
	from, to := info.SuggestedWindow.Start, info.SuggestedWindow.End
	if !info.HasWindow() || !to.After(from) {
		return errors.New("the authority says a time to renew that ends before it begins")
	}
	info.SelectedTime = from
	if long := to.Sub(from); long > 0 { // of centuries it is the longest that there is
		info.SelectedTime = from.Add(rand.N(long)).UTC()
	}
	return nil
}

// nextAsk is when the authority is asked again.
func nextAsk(said string, now time.Time) time.Time {
	again := now.Add(askedAgain)
	if seconds, err := strconv.Atoi(said); err == nil && seconds >= 0 {
		again = now.Add(time.Duration(min(seconds, int(longestAsk/time.Second))) * time.Second)
	} else if at, err := http.ParseTime(said); err == nil {
		again = at
	}
	if last := now.Add(longestAsk); again.After(last) {
		return last
	}
	return again
}

// unknown is what is kept of a certificate for which the authority could not be
// asked, so that it is asked again: certmagic asks for none without a window.
func unknown(leaf *x509.Certificate) *acme.RenewalInfo {
	info := &acme.RenewalInfo{SelectedTime: leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)}
	info.SuggestedWindow.Start, info.SuggestedWindow.End = info.SelectedTime, info.SelectedTime.Add(time.Second)
	again := time.Now().Add(askedAgain)
	info.RetryAfter = &again
	info.UniqueIdentifier, _ = acme.ARIUniqueIdentifier(leaf) // else it has no number, and is not asked for
	return info
}
