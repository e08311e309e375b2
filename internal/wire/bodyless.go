package wire

// Bodyless reports whether an answer to a request with a method has no body,
// whatever its fields say (RFC 9112 §6.3 items 1 and 2): each to HEAD, those of
// BodylessStatus, and 2xx to CONNECT, behind which a tunnel begins.
//
// 205 (Reset Content) is not among them. Its sender must not make content (RFC
// 9110 §15.3.6), but says so as of any other answer, with a length of 0: whoever
// read it as one that cannot have a body would take a body that is there all the
// same for the next answer. Who makes answers looks for 205 besides.
func Bodyless(method string, status int) bool {
	return method == "HEAD" || BodylessStatus(status) || method == "CONNECT" && status/100 == 2
}

// BodylessStatus reports whether an answer with a status code has no body,
// whatever it answers: 1xx, 204 and 304.
func BodylessStatus(status int) bool { return LengthlessStatus(status) || status == 304 }

// LengthlessStatus reports whether fields on the length of a body mean nothing
// beside a status code, and must not be sent: 1xx and 204 (RFC 9110 §8.6, RFC 9112
// §6.1). A 304 may have the length of the answer that it stands for.
func LengthlessStatus(status int) bool { return status < 200 || status == 204 }
