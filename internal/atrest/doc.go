// Package atrest seals what is kept on a disk, so that who has the disk but not
// the key can neither read it nor change it unnoticed. It knows keys, and turns
// bytes into sealed bytes and back; files are its users'. What sealing does not
// hide, such as lengths, and that a whole file may be put back as it was before,
// is said in docs/encryption.md, and so is the format, for other programs.
//
//	keys, err := atrest.ParseKeys(file)
//	ring := atrest.NewRing(func() *atrest.Keys { return keys })
//	sealed := ring.Seal(nil, plain, "what this is")
//	plain, name, err := ring.Open(nil, sealed, "what this is")
//
// What is written as a whole is a head and chunks:
//
//	head   magic 8, version 1, length of the key's name 1, the name, salt 32
//	chunk  64 KiB at most, sealed by AES-256-GCM, with its tag of 16 bytes
//
// The key of the chunks is made of the named key, the salt and what the content
// is by HKDF with SHA-256; the nonce of a chunk is its number, in 11 bytes, big
// endian, and one byte that is 1 for the last; the head is its additional data.
// So nothing opens that was cut off, put together of parts, or stands in the
// place of something else. A line of a log is the same in base64.
//
// A file that is written here and there (see [Pen]) has its parts sealed one by
// one, each as long as before and in the same place; where the parts are, and
// their tags, its user keeps, sealed.
package atrest
