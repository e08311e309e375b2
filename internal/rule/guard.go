package rule

// Guards: who may have what a route has.
const (
	_ ID = 7<<8 + iota
	SignedURLMissing
	SignedURLMalformed
	SignedURLKey
	SignedURLBad
	SignedURLExpired
	SignedURLAddress
	SignedURLOutside
	SignedURLMethod

	// Addresses and names of clients.
	AddressDenied
	LoginMissing
	LoginMalformed
	LoginWrong
	LoginsBusy
	TriesTooMany
	ForwardAuthRefused
	ForwardAuthStatus
	ForwardAuthUnreachable
	ForwardAuthTimeout
	ForwardAuthPath
	ForwardAuthLoop

	// Certificates of clients.
	ClientCertificateMissing
	ClientCertificateUntrusted
	ClientCertificateExpired
	ClientCertificatePurpose
	ClientCertificateRevoked
	ClientRevocationUnknown
	ClientCertificateName

	// Signatures of requests.
	SignatureMissing
	SignatureMalformed
	SignatureParameter
	SignatureNotYet
	SignatureExpired
	SignatureKey
	SignatureAlgorithm
	SignatureUncovered
	SignatureComponent
	SignatureBad
	SignatureReplayed
	SignatureTooEarly
	SignatureBody
	SignatureBodyTooLarge
	SignatureRoom

	// Tokens.
	JWTMissing
	JWTMalformed
	JWTUnsupported
	JWTType
	JWTAlgorithm
	JWTKey
	JWTBad
	JWTExpired
	JWTNotYet
	JWTIssuer
	JWTAudience
	JWTClaim
	JWTDenied
	JWTKeys
	JWTBusy
)

var guardTable = [...]Row{
	SignedURLMissing & 0xff: {"signed-url-missing", 403, "this can be had by a signed link only, and the address has no signature", "RFC 9110 §15.5.4",
		"ask with a link that was signed, as \"freshet sign\" does"},
	SignedURLMalformed & 0xff: {"signed-url-malformed", 403, "the link's Expires, KeyName and Signature are not at the end of its query, once, in that order, each in its one form", "RFC 9110 §15.5.4",
		"use the link as it was made, without parameters after it or others of these names in it"},
	SignedURLKey & 0xff: {"signed-url-key", 403, "the link was signed with a key that this server does not have", "RFC 9110 §15.5.4",
		"get a new link, or keep the key in the file of --signed-urls until all links of it have ended"},
	SignedURLBad & 0xff: {"signed-url-bad", 403, "the signature is not the one of this link: something of it was changed, or the secret is another", "RFC 9110 §15.5.4",
		"use the link as it was made, at the host that it was made for"},
	SignedURLExpired & 0xff: {"signed-url-expired", 403, "the link has ended", "RFC 9110 §15.5.4",
		"get a new link"},
	SignedURLAddress & 0xff: {"signed-url-address", 403, "the link is for other addresses than the client's", "RFC 9110 §15.5.4",
		"use it from where it is for, or get a new link"},
	SignedURLOutside & 0xff: {"signed-url-outside", 403, "the link is for what is below a path, and this is not, or is spelled in a way that not everybody reads alike", "RFC 9110 §15.5.4",
		"ask for a path below the one that the link is for, without empty and dot segments, encoded slashes and percent signs"},
	SignedURLMethod & 0xff: {"signed-url-method", 405, "a signed link is to read with", "RFC 9110 §15.5.6",
		"use GET, HEAD or OPTIONS"},

	AddressDenied & 0xff: {"address-denied", 403, "this is not for the client's address", "RFC 9110 §15.5.4",
		"ask from an address that allow names and deny does not"},
	LoginMissing & 0xff: {"login-missing", 401, "this is for users, who say their name and password, and the request has none", "RFC 9110 §15.5.2",
		"ask with name and password, as browsers and \"curl --user\" do"},
	LoginMalformed & 0xff: {"login-malformed", 401, "the credentials cannot be read: they are not one name and one password in base64, of UTF-8 without control characters", "RFC 7617 §2",
		"send them as RFC 7617 has them, in one Authorization field"},
	LoginWrong & 0xff: {"login-wrong", 401, "name and password are not those of a user", "RFC 9110 §15.5.2",
		"use others; \"freshet user check FILE NAME\" says on the server whether a password is right"},
	LoginsBusy & 0xff: {"logins-busy", 503, "too many passwords are being compared at once", "RFC 9110 §15.6.4",
		"ask again in a moment"},
	TriesTooMany & 0xff: {"tries-too-many", 429, "too many wrong passwords came from this client, or for this name", "RFC 6585 §4",
		"wait until the time that Retry-After says is over"},
	ForwardAuthRefused & 0xff: {"forward-auth-refused", 403, "the service that decides who may pass does not let this pass, and its answer is what the client gets", "RFC 9110 §15.5",
		"log in as that answer says, or look why the service refuses"},
	ForwardAuthStatus & 0xff: {"forward-auth-status", 502, "the service that decides who may pass gave an answer that means neither yes nor no, or that cannot be passed on", "RFC 9110 §15.6.3",
		"have the service of forward-auth answer 2xx, with one name at most in Remote-User, 401, 403, or a redirect with Location"},
	ForwardAuthUnreachable & 0xff: {"forward-auth-unreachable", 502, "the service that decides who may pass cannot be asked, so that nobody passes", "RFC 9110 §15.6.3",
		"see that the service of forward-auth runs, and speaks HTTP at that address"},
	ForwardAuthTimeout & 0xff: {"forward-auth-timeout", 504, "the service that decides who may pass has not answered in time, so that nobody passes", "RFC 9110 §15.6.5",
		"see why it is slow, or raise forward-auth-timeout"},
	ForwardAuthPath & 0xff: {"forward-auth-path", 400, "the path has a dot segment, or may be read so, or in too many ways, and the service that decides would judge another one than is answered", "RFC 3986 §5.2.4",
		"send it without . and .. segments, as clients do, and without encoded separators that need none"},
	ForwardAuthLoop & 0xff: {"forward-auth-loop", 508, "the request is a question that this guard has asked, come back to it", "RFC 8586 §2",
		"have forward-auth name the service itself, or leave the route that it is behind without a guard"},

	// Signatures of requests.
	SignatureMissing & 0xff: {"signature-missing", 401, "only signed requests may have this, and the request has no signature that is looked at", "RFC 9421 §3.2",
		"sign it as Accept-Signature of the answer asks for, with a key that this server knows"},
	SignatureMalformed & 0xff: {"signature-malformed", 401, "Signature and Signature-Input are not well formed, or do not belong together, each label once in both", "RFC 9421 §4",
		"send both fields as the signer has made them"},
	SignatureParameter & 0xff: {"signature-parameter", 401, "the signature does not have a parameter that is asked for, such as created", "RFC 9421 §3.2",
		"sign it with the parameters that Accept-Signature of the answer asks for"},
	SignatureNotYet & 0xff: {"signature-not-yet", 401, "the signature was made in the future", "RFC 9421 §3.2",
		"compare the clocks of the two machines"},
	SignatureExpired & 0xff: {"signature-expired", 401, "the signature is too old, or has ended", "RFC 9421 §3.2",
		"sign the request anew, and compare the clocks of the two machines"},
	SignatureKey & 0xff: {"signature-key", 401, "the signature is by a key that this server does not have", "RFC 9421 §3.2",
		"sign with a key of this server's, and say its name in keyid"},
	SignatureAlgorithm & 0xff: {"signature-algorithm", 401, "the signature is by another algorithm than its key is for, or by one that is not allowed", "RFC 9421 §3.3.7",
		"sign with the algorithm that the key is for, or leave alg out"},
	SignatureUncovered & 0xff: {"signature-uncovered", 401, "the signature does not cover all that it has to", "RFC 9421 §3.2",
		"cover the components that Accept-Signature of the answer asks for, and, with a body, content-digest"},
	SignatureComponent & 0xff: {"signature-component", 401, "the signature covers what this request does not have, or what cannot be told of it when its head has come", "RFC 9421 §2.5",
		"cover what is sent, and nothing of trailers"},
	SignatureBad & 0xff: {"signature-bad", 401, "the request is not the one that was signed, or another key has signed it", "RFC 9421 §3.2",
		"compare what the signer has signed with what is sent: method, address, and each field that is covered"},
	SignatureReplayed & 0xff: {"signature-replayed", 401, "the signature, or its nonce, was used before", "RFC 9421 §7.2.2",
		"sign each request anew, with a nonce"},
	SignatureTooEarly & 0xff: {"signature-too-early", 401, "the signature was made before this server began, or in its first 30 seconds, and nobody knows whether it was used before", "RFC 9421 §7.2.2",
		"sign the request anew when the time that Retry-After says is over"},
	SignatureBody & 0xff: {"signature-body", 401, "the body is not the one that was signed, or Content-Digest has no sha-256 and no sha-512 of it that is covered", "RFC 9421 §7.2.8",
		"send the body of which the digest was signed"},
	SignatureBodyTooLarge & 0xff: {"signature-body-too-large", 413, "the body is longer than one that is compared with what was signed before anybody acts upon it", "RFC 9110 §15.5.14",
		"send less, or raise signature-max-body"},
	SignatureRoom & 0xff: {"signature-room", 503, "there is no room to remember another signature, or to keep its body", "",
		"try again later; if the error log says that a body could not be kept aside, make room on that disk; else raise signature-replays"},

	// Tokens.
	JWTMissing & 0xff: {"jwt-missing", 401, "this is for who has a token, and the request has none", "RFC 6750 §3",
		"send the token as Authorization: Bearer, or in the cookie that jwt-cookie names"},
	JWTMalformed & 0xff: {"jwt-malformed", 401, "the token is not of the one form that everybody reads alike: three parts in base64url without padding, a header and claims of JSON without a name twice, 8 KiB at most, once in the request", "RFC 7519 §7.2",
		"send it as the issuer has made it"},
	JWTUnsupported & 0xff: {"jwt-unsupported", 401, "the token is encrypted or has another one in it, brings its own key or says where that is, or needs an extension", "RFC 8725 §3.10",
		"have the issuer sign plain tokens, and name its keys by kid alone"},
	JWTType & 0xff: {"jwt-type", 401, "the token is of a type for another purpose", "RFC 8725 §3.11",
		"use an access token; if the issuer gives those another typ, say it in jwt-type"},
	JWTAlgorithm & 0xff: {"jwt-algorithm", 401, "the token is signed by an algorithm that is not used here, or that its key is not for", "RFC 8725 §3.1",
		"have the issuer sign by RS256, ES256 or EdDSA, as its key is for"},
	JWTKey & 0xff: {"jwt-key", 401, "the token is signed by a key that this server does not have", "RFC 8725 §3.8",
		"get a new token, or have jwt-keys name the keys of its issuer"},
	JWTBad & 0xff: {"jwt-bad", 401, "the token is not the one that was signed, or another key has signed it", "RFC 7515 §5.2",
		"use the token as the issuer has made it"},
	JWTExpired & 0xff: {"jwt-expired", 401, "the token has ended", "RFC 7519 §4.1.4",
		"get a new one, and compare the clocks of the two machines"},
	JWTNotYet & 0xff: {"jwt-not-yet", 401, "the token is not good yet, or was made in the future", "RFC 7519 §4.1.5",
		"compare the clocks of the two machines; jwt-leeway says by how much they may differ"},
	JWTIssuer & 0xff: {"jwt-issuer", 401, "the token is from somebody whose tokens are not taken", "RFC 8725 §3.8",
		"get one from an issuer that jwt-issuer names, or name this one there"},
	JWTAudience & 0xff: {"jwt-audience", 401, "the token is for somebody else", "RFC 8725 §3.9",
		"get one for an audience that jwt-audience names, or name its own there"},
	JWTClaim & 0xff: {"jwt-claim", 401, "the token does not say when it ends, or who it is of, or not in a form that can be used", "RFC 7519 §4.1",
		"have the issuer say exp, and a name in the claim that jwt-user names"},
	JWTDenied & 0xff: {"jwt-denied", 403, "the token is good, and does not say that its user may have this", "RFC 6750 §3.1",
		"get one with the claims that jwt-claims asks for"},
	JWTKeys & 0xff: {"jwt-keys", 503, "the keys that tokens are verified with cannot be had, so that nobody passes", "RFC 9110 §15.6.4",
		"see that the address of jwt-keys answers with a JWK set; the error log says what was wrong"},
	JWTBusy & 0xff: {"jwt-busy", 503, "too many tokens are being verified at once", "RFC 9110 §15.6.4",
		"try again in a second; a token that was verified is remembered, and needs no turn"},

	// Certificates of clients.
	ClientCertificateMissing & 0xff: {"client-certificate-missing", 403, "this needs a certificate of the client, and none came with the connection", "RFC 9110 §15.5.4",
		"connect over TLS with a certificate, and its key, that an authority of this server has signed"},
	ClientCertificateUntrusted & 0xff: {"client-certificate-untrusted", 403, "no authority that this server takes clients from vouches for the client's certificate", "RFC 5280 §6.1",
		"use a certificate of one of the authorities in client-ca, and send those between the two along; keys too short to be safe are not taken"},
	ClientCertificateExpired & 0xff: {"client-certificate-expired", 403, "the client's certificate, or one that vouches for it, is not valid now", "RFC 5280 §6.1.3",
		"renew it; if it should be valid, set the clock of this server"},
	ClientCertificatePurpose & 0xff: {"client-certificate-purpose", 403, "the client's certificate was not made for clients", "RFC 5280 §4.2.1.12",
		"use one whose extended key usage is client authentication, as \"freshet tls cert --client\" makes"},
	ClientCertificateRevoked & 0xff: {"client-certificate-revoked", 403, "the client's certificate was revoked", "RFC 5280 §5.1.2.6",
		"get a new one from its authority"},
	ClientRevocationUnknown & 0xff: {"client-revocation-unknown", 403, "whether the client's certificate was revoked is not known: the authority's list is missing, or too old", "RFC 5280 §6.3.3",
		"put a current list of each authority into the file of client-crl"},
	ClientCertificateName & 0xff: {"client-certificate-name", 403, "the client's certificate has no name that it could be known by", "RFC 5280 §4.1.2.6",
		"use one with the name that client-user says, or say another there"},
}
