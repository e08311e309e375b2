//go:build !nonats

package bus

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
)

// lookAt says what NATS has done to the files of messages of a stream that it opened; "":
// nothing but what is right. It removes those whose messages have all been removed or
// replaced, and one that was begun and has none; and it cuts off what was being written.
func (k *kept) lookAt(one *keptStream) (lost string, err error) {
	for i, was := range one.blocks {
		now, err := os.Stat(one.blockPath(was.index))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if k.linked && k.secret != "" && (err != nil || k.keyChanged(one, was)) {
			if _, err := k.open(one, was.index); err != nil {
				return fmt.Sprintf("it has removed %s: %v", one.blockPath(was.index), err), nil
			}
		}
		if i < len(one.blocks)-1 {
			if err == nil && os.SameFile(was.info, now) && now.Size() < was.info.Size() {
				k.cut = append(k.cut, fmt.Sprintf("%s by %d of %d bytes", one.blockPath(was.index), was.info.Size()-now.Size(), was.info.Size()))
			}
			continue
		}
		if lost, err := k.lookAtLast(one, was, now); lost != "" || err != nil {
			return lost, err
		}
	}
	return "", nil
}

// lookAtLast is for the last of a stream. now is nil when it is gone: it is made when
// there is another behind it. One of which nothing is right is removed, and the first
// one made anew.
func (k *kept) lookAtLast(one *keptStream, was keptBlock, now fs.FileInfo) (lost string, err error) {
	if !k.linked {
		return "", nil
	}
	size := int64(0)
	switch {
	case now == nil:
		are, err := blocksIn(filepath.Join(one.dir, "msgs"))
		if err != nil || slices.ContainsFunc(are, func(b keptBlock) bool { return b.index > was.index }) {
			return "", err
		}
	case k.keyChanged(one, was): // which its second name makes sure of, as the last's own does not
	case os.SameFile(was.info, now):
		if size = now.Size(); size >= was.info.Size() {
			return "", nil
		}
	default:
		size = math.MaxInt64 // written anew, to be shorter, or because nothing of it could be read
	}
	whole, more, err := k.whole(one, was.index)
	switch {
	case err != nil:
		return "", err
	case size < whole:
		return fmt.Sprintf("of %s, whose first %d bytes are whole, it has kept %d", one.blockPath(was.index), whole, size), nil
	case more:
		return fmt.Sprintf("%s is damaged at byte %d, and it has cut off what is behind that", one.blockPath(was.index), whole), nil
	}
	return "", nil
}

// keyChanged says whether a block has another key than before. NATS makes one when it
// cannot read the one that there is.
func (k *kept) keyChanged(one *keptStream, was keptBlock) bool {
	now, err := os.Stat(one.keyPath(was.index))
	return k.secret != "" && err == nil && (was.key == nil || !os.SameFile(was.key, now))
}

// second is the other name of a file of a stream.
func (k *kept) second(one *keptStream, name string) string {
	return filepath.Join(k.store, keptFolder, server.DEFAULT_GLOBAL_ACCOUNT, "streams", one.name, name)
}

// blockKey is what one file of messages is encrypted by.
type blockKey struct{ seed, nonce []byte }

// open opens the key of a block, as NATS does: its secret and the name of the block
// make the key of that key.
func (k *kept) open(one *keptStream, index int) (*blockKey, error) {
	sealed, err := os.ReadFile(k.second(one, fmt.Sprintf("msgs/%d.key", index)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("its key is missing")
	}
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, []byte(k.secret))
	fmt.Fprintf(mac, "%s%s:%d", server.DEFAULT_GLOBAL_ACCOUNT, one.name, index)
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	opener, err := cipher.NewGCMWithNonceSize(block, aes.BlockSize)
	if err != nil {
		return nil, err
	}
	if len(sealed) < opener.NonceSize() {
		return nil, errors.New("its key is cut off")
	}
	key := blockKey{nonce: sealed[:opener.NonceSize()]}
	if key.seed, err = opener.Open(nil, key.nonce, sealed[len(key.nonce):], nil); err != nil {
		return nil, errors.New("its key does not open")
	}
	return &key, nil
}

// whole is how much of a block there was before, up to the first record that is not
// as it was written; more says that there are others that are, behind that one. Each is
// synced before the next is written, so that none are behind one that was torn.
func (k *kept) whole(one *keptStream, index int) (size int64, more bool, err error) {
	text, err := os.ReadFile(k.second(one, fmt.Sprintf("msgs/%d.blk", index)))
	if err != nil {
		return 0, false, err
	}
	if k.secret != "" {
		key, err := k.open(one, index)
		if err != nil {
			return 0, false, err
		}
		block, err := aes.NewCipher(key.seed)
		if err != nil {
			return 0, false, err
		}
		cipher.NewCTR(block, key.nonce).XORKeyStream(text, text)
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", one.name, index))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		return 0, false, err
	}
	at := 0
	for n := 1; n > 0; at += n {
		n = wholeRecord(text[at:], sum)
	}
	for from := at; from < len(text) && !more; from++ {
		more = wholeRecord(text[from:], sum) > 0
	}
	return int64(at), more, nil
}

// A record of a block: 4 bytes that say its length, with a bit for whether there is a
// header; 8 with its number, and 8 with its time; 2 with the length of its subject, the
// subject; the header's length, and the header, if there is one; the message; a checksum.
const (
	recordFixed  = 22
	recordSum    = highwayhash.Size64
	recordHeader = 1 << 31
)

// wholeRecord is how long the record is that a text begins with; 0: that is none, or
// not as it was written.
func wholeRecord(text []byte, sum hash.Hash64) int {
	if len(text) < recordFixed+recordSum {
		return 0
	}
	length := binary.LittleEndian.Uint32(text)
	subject := text[recordFixed:][:min(int(binary.LittleEndian.Uint16(text[20:])), len(text)-recordFixed)]
	from, size := recordFixed+len(subject), int(length&^recordHeader)
	if length&recordHeader != 0 {
		from += 4
	}
	if size > len(text) || from+recordSum > size {
		return 0
	}
	sum.Reset()
	_, _ = sum.Write(text[4:20])
	_, _ = sum.Write(subject)
	_, _ = sum.Write(text[from : size-recordSum])
	if !bytes.Equal(sum.Sum(nil), text[size-recordSum:size]) {
		return 0
	}
	return size
}
