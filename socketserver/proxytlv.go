package socketserver

import (
	"encoding/binary"
	"fmt"
)

// Types of TLVs (§2.2).
const (
	TLVALPN      = 0x01 // the protocol chosen in TLS, such as "h2"
	TLVAuthority = 0x02 // the host name that the client asked for (SNI)
	TLVChecksum  = 0x03 // CRC32c of the header; verified
	TLVNoop      = 0x04 // padding
	TLVUniqueID  = 0x05 // names the connection; at most 128 bytes
	TLVSSL       = 0x20 // see ProxyHeader.SSL
	TLVNetNS     = 0x30 // the name of a network namespace

	tlvSSLVersion = 0x21
	tlvSSLName    = 0x22
	tlvSSLCipher  = 0x23
)

// TLV is one of the vectors at the end of a header of version 2.
type TLV struct {
	Type  byte
	Value []byte // at most 65535 bytes
}

// parseTLVs splits b, which must consist of whole vectors.
func parseTLVs(b []byte) ([]TLV, error) {
	var all []TLV
	for len(b) > 0 {
		if len(b) < 3 {
			return nil, proxyFault("%d bytes after the last TLV", len(b))
		}
		end := 3 + int(binary.BigEndian.Uint16(b[1:]))
		if end > len(b) {
			return nil, proxyFault("a TLV of %d bytes where there are %d", end, len(b))
		}
		all = append(all, TLV{b[0], b[3:end]})
		b = b[end:]
	}
	return all, nil
}

func (t TLV) append(dst []byte) ([]byte, error) {
	if len(t.Value) > 0xffff {
		return dst, fmt.Errorf("append a PROXY header: a TLV of %d bytes", len(t.Value))
	}
	dst = append(dst, t.Type)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(t.Value)))
	return append(dst, t.Value...), nil
}

// TLV returns the value of the first TLV of a type.
func (h *ProxyHeader) TLV(kind byte) (value []byte, ok bool) {
	for _, t := range h.TLVs {
		if t.Type == kind {
			return t.Value, true
		}
	}
	return nil, false
}

// Authority returns the host name that the client asked for in TLS; "" when the
// proxy does not say.
func (h *ProxyHeader) Authority() string { return h.text(TLVAuthority) }

// ALPN returns the protocol that was chosen in TLS; "" when the proxy does not
// say.
func (h *ProxyHeader) ALPN() string { return h.text(TLVALPN) }

// UniqueID returns the name that the proxy gave to the connection; nil when it
// gave none.
func (h *ProxyHeader) UniqueID() []byte {
	value, _ := h.TLV(TLVUniqueID)
	return value
}

func (h *ProxyHeader) text(kind byte) string {
	value, _ := h.TLV(kind)
	return string(value)
}

// ProxySSL is what a proxy says of its client's TLS (§2.2.6).
type ProxySSL struct {
	TLS         bool   // the client came by TLS
	Certificate bool   // it showed a certificate, on this connection or in this session
	Verified    bool   // which the proxy verified
	Version     string // such as "TLSv1.3"
	Cipher      string // such as "TLS_AES_128_GCM_SHA256"
	CommonName  string // of the certificate
}

// SSL returns what the header says of TLS; not ok when it says nothing, or
// something malformed.
func (h *ProxyHeader) SSL() (ssl ProxySSL, ok bool) {
	value, ok := h.TLV(TLVSSL)
	if !ok || len(value) < 5 {
		return ssl, false
	}
	sub, err := parseTLVs(value[5:])
	if err != nil {
		return ssl, false
	}
	const viaTLS, certOfConn, certOfSession = 1, 2, 4
	ssl.TLS = value[0]&viaTLS != 0
	ssl.Certificate = value[0]&(certOfConn|certOfSession) != 0
	ssl.Verified = ssl.Certificate && binary.BigEndian.Uint32(value[1:]) == 0
	inner := ProxyHeader{TLVs: sub}
	ssl.Version, ssl.Cipher, ssl.CommonName = inner.text(tlvSSLVersion), inner.text(tlvSSLCipher), inner.text(tlvSSLName)
	return ssl, true
}
