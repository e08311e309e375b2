package signing

import (
	"io"
	"net/http"

	"freshet/digest"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// MaxBody is how long a body may be that has to be kept aside, in octets.
const MaxBody = 256 << 20

// Request gives a request its Content-Digest and a signature. Its body is the one
// to send then.
func (s *Signer) Request(r *http.Request) error {
	if err := s.Body(r, gateway.SpoolOptions{}); err != nil {
		return err
	}
	return s.Sign(r)
}

// Body gives a request the Content-Digest of its body, unless it has one that can
// be compared, by sha-256 or sha-512: that is signed as it is, for it is who
// receives it that compares. A body that can be had once only is kept aside until
// it is closed, within the bounds o: without a Most of MaxBody. Who passes on what
// others send gives Files, too, or all of them together have no bound.
func (s *Signer) Body(r *http.Request, o gateway.SpoolOptions) error {
	if !hasBody(r) || stated(r.Header) {
		return nil
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	sum := digest.SHA256.New()
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return err
		}
		defer body.Close()
		if _, err := io.Copy(sum, body); err != nil {
			return err
		}
	} else if err := keep(r, sum, o); err != nil {
		return err
	}
	r.Header["Content-Digest"] = []string{digest.FromSum(digest.SHA256, sum.Sum(nil)).String()}
	return nil
}

// keep reads the body of a request, writes it to sum, and puts it back.
func keep(r *http.Request, sum io.Writer, o gateway.SpoolOptions) error {
	if o.Most <= 0 {
		o.Most = MaxBody
	}
	kept, fault := gateway.Spool(io.TeeReader(r.Body, sum), o)
	if fault != nil {
		return &BodyError{fault.Rule, fault.Err}
	}
	r.Body = &keptBody{kept.Reader(), kept, r.Body}
	r.ContentLength, r.TransferEncoding, r.Trailer = kept.Size, nil, nil
	if kept.Size == 0 {
		r.Body.Close()
		r.Body = http.NoBody
	}
	return nil
}

// keptBody is a body that was read, and kept.
type keptBody struct {
	io.Reader
	kept *gateway.Spooled
	was  io.Closer
}

// Close implements io.Closer.
func (b *keptBody) Close() error {
	b.kept.Close()
	return b.was.Close()
}

// stated reports whether fields have a Content-Digest that can be compared.
func stated(h http.Header) bool {
	f, err := digest.Parse(h["Content-Digest"])
	return err == nil && len(f.Digests) > 0
}

// BodyError is why a body could not be kept aside.
type BodyError struct {
	Rule rule.ID
	Err  error // nil: it is too long
}

func (e *BodyError) Error() string {
	if e.Err == nil {
		return "sign the request: its body is longer than one that is kept aside for its digest"
	}
	return "sign the request: " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *BodyError) Unwrap() error { return e.Err }
