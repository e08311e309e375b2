package authority

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"
)

// A Staple is what a stapled OCSP answer says of the first certificate in it.
// Who signed it is not verified.
type Staple struct {
	Bytes      int       `json:"bytes"`
	Status     string    `json:"status"` // good, revoked, unknown or unreadable
	ThisUpdate time.Time `json:"thisUpdate,omitzero"`
	NextUpdate time.Time `json:"nextUpdate,omitzero"`
}

// The parts of RFC 6960 §4.2.1 that say it.
type (
	ocspResponse struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type     asn1.ObjectIdentifier
			Response []byte
		} `asn1:"explicit,tag:0,optional"`
	}
	ocspBasic struct {
		Data      ocspData
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
		Certs     []asn1.RawValue `asn1:"explicit,tag:0,optional"`
	}
	ocspData struct {
		Version    int `asn1:"explicit,tag:0,default:0,optional"`
		Responder  asn1.RawValue
		Produced   time.Time `asn1:"generalized"`
		Responses  []ocspSingle
		Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
	}
	ocspSingle struct {
		ID         asn1.RawValue
		Status     asn1.RawValue    // a choice of three tags
		ThisUpdate time.Time        `asn1:"generalized"`
		NextUpdate time.Time        `asn1:"generalized,explicit,tag:0,optional"`
		Extensions []pkix.Extension `asn1:"explicit,tag:1,optional"`
	}
)

func parseStaple(der []byte) *Staple {
	s := &Staple{Bytes: len(der), Status: "unreadable"}
	var outer ocspResponse
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 || outer.Status != 0 {
		return s
	}
	var basic ocspBasic
	if _, err := asn1.Unmarshal(outer.Bytes.Response, &basic); err != nil || len(basic.Data.Responses) == 0 {
		return s
	}
	first := basic.Data.Responses[0]
	s.ThisUpdate, s.NextUpdate = first.ThisUpdate, first.NextUpdate
	switch {
	case first.Status.Class != asn1.ClassContextSpecific:
	case first.Status.Tag == 0:
		s.Status = "good"
	case first.Status.Tag == 1:
		s.Status = "revoked"
	case first.Status.Tag == 2:
		s.Status = "unknown"
	}
	return s
}
