package socketserver

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParseProxyV1(t *testing.T) {
	addr := netip.MustParseAddrPort
	long := "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
	for _, c := range []struct {
		in       string
		from, to netip.AddrPort
		local    bool
		err      error
	}{
		{in: "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", from: addr("192.168.0.1:56324"), to: addr("192.168.0.11:443")},
		{in: "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", from: addr("255.255.255.255:65535"), to: addr("255.255.255.255:65535")},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0 0\r\n", from: addr("1.1.1.1:0"), to: addr("2.2.2.2:0")},
		{in: "PROXY TCP6 2001:db8::1 2001:DB8::2 1 2\r\n", from: addr("[2001:db8::1]:1"), to: addr("[2001:db8::2]:2")},
		{in: "PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n", from: addr("[::ffff:1.2.3.4]:1"), to: addr("[::1]:2")},
		{in: "PROXY UNKNOWN\r\n", local: true},
		{in: "PROXY UNKNOWN anything goes\r\n", local: true},
		{in: long, local: true},

		{in: "", err: ErrProxyIncomplete},
		{in: "P", err: ErrProxyIncomplete},
		{in: "PROXY ", err: ErrProxyIncomplete},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0 0", err: ErrProxyIncomplete},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0 0\r", err: ErrProxyIncomplete},
		{in: long[:106], err: ErrProxyIncomplete},

		{in: "GET / HTTP/1.1\r\n", err: ErrNoProxyHeader},
		{in: "PROXYTCP4 ", err: ErrNoProxyHeader},
		{in: "proxy TCP4 ", err: ErrNoProxyHeader},
		{in: "\n", err: ErrNoProxyHeader},

		{in: long[:105] + "  \r\n", err: ErrProxyHeader},
		{in: "PROXY " + strings.Repeat("x", 101), err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0 0\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0 0\n\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 0 0 \r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4  1.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY  TCP4 1.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP5 1.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY UDP4 1.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY tcp4 1.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 00 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 +1 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 65536 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1.1 2.2.2.2 -1 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 01.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP4 ::1 ::1 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP6 1.1.1.1 2.2.2.2 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP6 fe80::1%eth0 ::1 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP6 :::1 ::1 0 0\r\n", err: ErrProxyHeader},
		{in: "PROXY TCP6 [::1] ::1 0 0\r\n", err: ErrProxyHeader},
	} {
		h, n, err := ParseProxyHeader([]byte(c.in))
		if !errors.Is(err, c.err) {
			t.Errorf("%q: %v, want %v", c.in, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		if n != len(c.in) || h.Version != 1 || h.Source != c.from || h.Destination != c.to || h.Local != c.local {
			t.Errorf("%q: %+v, %d", c.in, h, n)
		}
		if _, behind, _ := ParseProxyHeader([]byte(c.in + "more\r\n")); behind != n {
			t.Errorf("%q: with more behind it the header has %d bytes", c.in, behind)
		}
	}
}

// binary2 makes a header of version 2 by hand.
func binary2(command, family byte, rest ...string) string {
	all := strings.Join(rest, "")
	return signature2 + string([]byte{command, family, byte(len(all) >> 8), byte(len(all))}) + all
}

func tlv(kind byte, value string) string {
	return string([]byte{kind, byte(len(value) >> 8), byte(len(value))}) + value
}

const (
	ends4 = "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb"
	ends6 = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xff\xff\x00\x01"
)

func TestParseProxyV2(t *testing.T) {
	addr := netip.MustParseAddrPort
	paths := "/client" + strings.Repeat("\x00", 101) + "/server" + strings.Repeat("\x00", 101)
	four := ProxyHeader{Version: 2, Source: addr("1.2.3.4:80"), Destination: addr("5.6.7.8:443")}
	with := func(h ProxyHeader, f func(*ProxyHeader)) ProxyHeader { f(&h); return h }
	for name, c := range map[string]struct {
		in   string
		want ProxyHeader
		err  error
	}{
		"TCP4":    {in: binary2(0x21, 0x11, ends4), want: four},
		"TCP6":    {in: binary2(0x21, 0x21, ends6), want: ProxyHeader{Version: 2, Source: addr("[2001:db8::1]:65535"), Destination: addr("[2001:db8::2]:1")}},
		"UDP4":    {in: binary2(0x21, 0x12, ends4), want: with(four, func(h *ProxyHeader) { h.Datagram = true })},
		"Unix":    {in: binary2(0x21, 0x31, paths), want: ProxyHeader{Version: 2, Unix: true, SourcePath: "/client", DestinationPath: "/server"}},
		"local":   {in: binary2(0x20, 0x00), want: ProxyHeader{Version: 2, Local: true}},
		"local 2": {in: binary2(0x20, 0x11, ends4, tlv(TLVALPN, "h2")), want: ProxyHeader{Version: 2, Local: true}},
		"unspec":  {in: binary2(0x21, 0x00, "whatever"), want: ProxyHeader{Version: 2, Local: true}},
		"unspec with TLVs": {in: binary2(0x21, 0x00, tlv(TLVAuthority, "example.org")),
			want: ProxyHeader{Version: 2, Local: true, TLVs: []TLV{{TLVAuthority, []byte("example.org")}}}},
		"unspec transport": {in: binary2(0x21, 0x10, ends4), want: ProxyHeader{Version: 2, Local: true}},
		"TLVs": {in: binary2(0x21, 0x11, ends4, tlv(TLVALPN, "h2"), tlv(TLVNoop, ""), tlv(0xE0, "ours")),
			want: with(four, func(h *ProxyHeader) {
				h.TLVs = []TLV{{TLVALPN, []byte("h2")}, {TLVNoop, []byte{}}, {0xE0, []byte("ours")}}
			})},

		"no length":        {in: signature2 + "\x21\x11\x00", err: ErrProxyIncomplete},
		"half":             {in: binary2(0x21, 0x11, ends4)[:20], err: ErrProxyIncomplete},
		"signature":        {in: signature2[:7], err: ErrProxyIncomplete},
		"other signature":  {in: "\r\n\r\n\x00\r\nQUIX\n\x21\x11\x00\x00", err: ErrNoProxyHeader},
		"version 1":        {in: signature2 + "\x11", err: ErrProxyHeader},
		"version 3":        {in: signature2 + "\x31", err: ErrProxyHeader},
		"command 2":        {in: signature2 + "\x22", err: ErrProxyHeader},
		"family 4":         {in: signature2 + "\x21\x41", err: ErrProxyHeader},
		"transport 3":      {in: signature2 + "\x21\x13", err: ErrProxyHeader},
		"short addresses":  {in: binary2(0x21, 0x11, ends4[:11]), err: ErrProxyHeader},
		"short IPv6":       {in: binary2(0x21, 0x21, ends6[:35]), err: ErrProxyHeader},
		"short paths":      {in: binary2(0x21, 0x31, paths[:215]), err: ErrProxyHeader},
		"bytes behind":     {in: binary2(0x21, 0x11, ends4, "\x01\x00"), err: ErrProxyHeader},
		"long TLV":         {in: binary2(0x21, 0x11, ends4, "\x01\x00\x03ab"), err: ErrProxyHeader},
		"wrong checksum":   {in: binary2(0x21, 0x11, ends4, tlv(TLVChecksum, "abcd")), err: ErrProxyHeader},
		"odd checksum":     {in: binary2(0x21, 0x11, ends4, tlv(TLVChecksum, "abc")), err: ErrProxyHeader},
		"checksum, unspec": {in: binary2(0x21, 0x00, tlv(TLVChecksum, "abcd")), err: ErrProxyHeader},
	} {
		h, n, err := ParseProxyHeader([]byte(c.in))
		switch {
		case !errors.Is(err, c.err):
			t.Errorf("%s: %v, want %v", name, err, c.err)
		case err == nil && (n != len(c.in) || !reflect.DeepEqual(h, c.want)):
			t.Errorf("%s: %+v, %d bytes", name, h, n)
		case err != nil && n != 0:
			t.Errorf("%s: %d bytes of an error", name, n)
		}
	}
}

// The checksum is that of CRC32c with zeros in its place, wherever it stands.
func TestProxyChecksum(t *testing.T) {
	if sum := crc32.Checksum([]byte("123456789"), castagnoli); sum != 0xe3069283 { // RFC 3720 names the polynomial
		t.Fatalf("%#x is not CRC32c", sum)
	}
	for _, around := range [][2]string{{"", ""}, {tlv(TLVALPN, "h2"), ""}, {tlv(TLVALPN, "h2"), tlv(TLVNoop, "xyz")}} {
		in := []byte(binary2(0x21, 0x11, ends4, around[0], tlv(TLVChecksum, "\x00\x00\x00\x00"), around[1]))
		at := bytes.Index(in, []byte(tlv(TLVChecksum, "\x00\x00\x00\x00"))) + 3
		binary.BigEndian.PutUint32(in[at:], crc32.Checksum(in, castagnoli))
		if _, _, err := ParseProxyHeader(append(in[:len(in):len(in)], "data"...)); err != nil {
			t.Errorf("%q: %v", in, err)
		}
		for i := range in {
			if i == at-3 { // it makes another TLV of the checksum
				continue
			}
			in[i] ^= 1
			if h, _, err := ParseProxyHeader(in); err == nil && !h.Local {
				t.Errorf("a bit of byte %d was changed, and nobody noticed", i)
			}
			in[i] ^= 1
		}
	}
}

func TestProxySSL(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want ProxySSL
		ok   bool
	}{
		"all": {"\x07\x00\x00\x00\x00" + tlv(0x21, "TLSv1.3") + tlv(0x23, "TLS_AES_128_GCM_SHA256") + tlv(0x22, "Ann"),
			ProxySSL{true, true, true, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "Ann"}, true},
		"no certificate":  {"\x01\x00\x00\x00\x00", ProxySSL{TLS: true}, true},
		"not verified":    {"\x03\x00\x00\x00\x01", ProxySSL{TLS: true, Certificate: true}, true},
		"of the session":  {"\x05\x00\x00\x00\x00", ProxySSL{TLS: true, Certificate: true, Verified: true}, true},
		"short":           {"\x01\x00\x00\x00", ProxySSL{}, false},
		"malformed inner": {"\x01\x00\x00\x00\x00\x21\x00\x09x", ProxySSL{}, false},
	} {
		h, _, err := ParseProxyHeader([]byte(binary2(0x21, 0x11, ends4, tlv(TLVSSL, c.in))))
		if got, ok := h.SSL(); err != nil || got != c.want || ok != c.ok {
			t.Errorf("%s: %+v, %v, %v", name, got, ok, err)
		}
	}
	h, _, _ := ParseProxyHeader([]byte(binary2(0x21, 0x11, ends4, tlv(TLVAuthority, "example.org"), tlv(TLVALPN, "h2"), tlv(TLVUniqueID, "id"))))
	if h.Authority() != "example.org" || h.ALPN() != "h2" || string(h.UniqueID()) != "id" {
		t.Errorf("%+v", h)
	}
	if _, ok := h.SSL(); ok {
		t.Error("TLS of a header that says nothing of it")
	}
}

// What Append writes, ParseProxyHeader reads.
func TestProxyRoundTrip(t *testing.T) {
	addr := netip.MustParseAddrPort
	tlvs := []TLV{{TLVALPN, []byte("h2")}, {TLVChecksum, []byte{}}, {TLVUniqueID, []byte("7")}}
	for _, h := range []ProxyHeader{
		{Version: 1, Source: addr("192.0.2.1:1"), Destination: addr("192.0.2.2:65535")},
		{Version: 1, Source: addr("[2001:db8::1]:1"), Destination: addr("[2001:db8::2]:65535")},
		{Version: 1, Local: true},
		{Version: 2, Source: addr("192.0.2.1:1"), Destination: addr("192.0.2.2:65535")},
		{Version: 2, Source: addr("192.0.2.1:1"), Destination: addr("192.0.2.2:65535"), Datagram: true, TLVs: tlvs},
		{Version: 2, Source: addr("[2001:db8::1]:1"), Destination: addr("[2001:db8::2]:65535"), TLVs: tlvs},
		{Version: 2, Unix: true, SourcePath: "/a", DestinationPath: strings.Repeat("b", 108)},
		{Version: 2, Local: true},
		{Version: 2, Local: true, TLVs: tlvs},
	} {
		b, err := h.Append([]byte("before"))
		if err != nil {
			t.Errorf("%+v: %v", h, err)
			continue
		}
		got, n, err := ParseProxyHeader(b[len("before"):])
		if err != nil || n != len(b)-len("before") {
			t.Errorf("%+v: %v", h, err)
		}
		for i := range got.TLVs {
			if got.TLVs[i].Type == TLVChecksum {
				got.TLVs[i].Value = []byte{}
			}
		}
		if !reflect.DeepEqual(got, h) {
			t.Errorf("got %+v, want %+v", got, h)
		}
	}
	for name, h := range map[string]ProxyHeader{
		"no addresses":  {Version: 2},
		"two families":  {Version: 2, Source: addr("192.0.2.1:1"), Destination: addr("[::1]:1")},
		"version 3":     {Version: 3, Local: true},
		"long path":     {Version: 2, Unix: true, SourcePath: strings.Repeat("a", 109)},
		"long TLV":      {Version: 2, Local: true, TLVs: []TLV{{1, make([]byte, 65536)}}},
		"too many TLVs": {Version: 2, Local: true, TLVs: []TLV{{1, make([]byte, 40000)}, {1, make([]byte, 40000)}}},
		"two checksums": {Version: 2, Local: true, TLVs: []TLV{{TLVChecksum, nil}, {TLVChecksum, nil}}},
	} {
		if b, err := h.Append([]byte("before")); err == nil || string(b) != "before" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n"))
	f.Add([]byte("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"))
	f.Add([]byte("PROXY UNKNOWN\r\n"))
	f.Add([]byte(binary2(0x21, 0x11, ends4, tlv(TLVALPN, "h2"), tlv(TLVSSL, "\x01\x00\x00\x00\x00"+tlv(0x21, "TLSv1.3")))))
	f.Add([]byte(binary2(0x21, 0x31, strings.Repeat("a", 216))))
	f.Add([]byte(binary2(0x20, 0x00)))
	f.Fuzz(func(t *testing.T, in []byte) {
		h, n, err := ParseProxyHeader(in)
		if err != nil {
			if n != 0 {
				t.Fatalf("%d bytes of an error", n)
			}
			if !errors.Is(err, ErrProxyIncomplete) { // a verdict holds whatever follows
				if _, _, again := ParseProxyHeader(append(in[:len(in):len(in)], "more"...)); again == nil || errors.Is(again, ErrProxyIncomplete) {
					t.Fatalf("%v, but with more %v", err, again)
				}
			}
			return
		}
		for i := range n { // no header begins with a shorter one, and none is called wrong before its end
			if _, _, err := ParseProxyHeader(in[:i]); !errors.Is(err, ErrProxyIncomplete) {
				t.Fatalf("%d of %d bytes: %v", i, n, err)
			}
		}
		h.SSL()
		b, err := h.Append(nil)
		if err != nil {
			if count := bytes.Count(in, []byte{TLVChecksum}); count > 1 { // the second of two checksums is no one's
				return
			}
			t.Fatalf("append %+v: %v", h, err)
		}
		again, _, err := ParseProxyHeader(b)
		if err != nil {
			t.Fatalf("parse what was appended: %v", err)
		}
		if again.Source.Addr().Unmap() != h.Source.Addr().Unmap() || again.Local != h.Local || again.SourcePath != h.SourcePath || len(again.TLVs) != len(h.TLVs) {
			t.Fatalf("%+v became %+v", h, again)
		}
	})
}
