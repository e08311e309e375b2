package atrest

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"

	"freshet/internal/keyfile"
)

// maxHead is how long a head can be.
const maxHead = fixedHead + keyfile.MaxName + SaltSize

// Reader opens a file that [Ring.Seal] or a [Writer] has made, here and there:
// reading at an offset opens the chunks that it touches. It is for all goroutines.
type Reader struct {
	from io.ReaderAt
	aead cipher.AEAD
	head []byte
	size int64 // of what was sealed
	key  string

	mu    sync.Mutex // guards what follows, and is held while a chunk is opened
	at    int64      // the number of the chunk
	chunk []byte     // nil: none
	room  []byte
}

// NewReader opens a file of a size; what it is has to be said as when it was
// sealed. The last chunk is opened, so that the file is not one that was cut off.
func (r *Ring) NewReader(from io.ReaderAt, size int64, what string) (*Reader, error) {
	head, key, plain, err := readHead(from, size)
	if err != nil {
		return nil, err
	}
	secret := r.current().find(key)
	if secret == nil {
		return nil, fmt.Errorf("%w: key %s", ErrNoKey, key)
	}
	d := &Reader{from: from, head: head, key: key, size: plain, aead: newAEAD(secret, head[len(head)-SaltSize:], what)}
	_, err = d.open(d.last())
	return d, err
}

// PlainSize is how long what was sealed is, as the length of the file says.
func PlainSize(from io.ReaderAt, size int64) (int64, error) {
	_, _, plain, err := readHead(from, size)
	return plain, err
}

func readHead(from io.ReaderAt, size int64) (head []byte, key string, plain int64, err error) {
	b := make([]byte, min(size, int64(maxHead+TagSize)))
	if _, err := from.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, "", 0, err
	}
	if key, head, _, err = splitHead(b); err != nil {
		return nil, "", 0, err
	}
	body := size - int64(len(head))
	chunks := max((body+chunkSize+TagSize-1)/(chunkSize+TagSize), 1)
	if plain = body - chunks*TagSize; plain < 0 || plain > 0 && plain <= (chunks-1)*chunkSize {
		return nil, "", 0, fmt.Errorf("%w: cut off", ErrDamaged)
	}
	return head, key, plain, nil
}

// Size is how long what was sealed is.
func (d *Reader) Size() int64 { return d.size }

// Key is the name of the key that the file is sealed by.
func (d *Reader) Key() string { return d.key }

// last is the number of the last chunk.
func (d *Reader) last() int64 { return max((d.size+chunkSize-1)/chunkSize, 1) - 1 }

// open returns a chunk; mu is held, or the reader is nobody else's.
func (d *Reader) open(number int64) ([]byte, error) {
	if d.chunk != nil && d.at == number {
		return d.chunk, nil
	}
	n := min(d.size-number*chunkSize, chunkSize) + TagSize
	if d.room == nil {
		d.room = make([]byte, min(d.size, chunkSize)+TagSize)
	}
	d.chunk = nil
	at := int64(len(d.head)) + number*(chunkSize+TagSize)
	if got, err := d.from.ReadAt(d.room[:n], at); int64(got) < n {
		if err == io.EOF {
			err = fmt.Errorf("%w: cut off", ErrDamaged)
		}
		return nil, err
	}
	var nonce [nonceSize]byte
	nonceOf(&nonce, uint64(number), number == d.last())
	plain, err := d.aead.Open(d.room[:0], nonce[:], d.room[:n], d.head)
	if err != nil {
		return nil, fmt.Errorf("%w: chunk %d", ErrDamaged, number)
	}
	if plain == nil {
		plain = d.room[:0]
	}
	d.at, d.chunk = number, plain
	return plain, nil
}

// ReadAt implements io.ReaderAt.
func (d *Reader) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("a negative offset")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(b) > 0 && off < d.size {
		chunk, err := d.open(off / chunkSize)
		if err != nil {
			return n, err
		}
		m := copy(b, chunk[off%chunkSize:])
		n, b, off = n+m, b[m:], off+int64(m)
	}
	if len(b) > 0 {
		return n, io.EOF
	}
	return n, nil
}

// BeginningSize is about how much [Ring.OpenBeginning] finds in a file of a size.
func BeginningSize(size int64) int64 { return size / (chunkSize + TagSize) * chunkSize }

// OpenBeginning writes what is in the whole chunks of a file that a [Writer] has
// not closed, and returns how much that is. What follows them, or is not what was
// sealed, is passed over: the error is the writer's, or that there is no such key.
func (r *Ring) OpenBeginning(to io.Writer, from io.Reader, what string) (n int64, err error) {
	b := make([]byte, maxHead+chunkSize+TagSize)
	have, err := io.ReadFull(from, b[:fixedHead])
	if err != nil || !IsSealed(b[:have]) {
		return 0, passed(err)
	}
	end := fixedHead + int(b[fixedHead-1])
	if end > maxHead-SaltSize {
		return 0, nil
	}
	end += SaltSize
	if _, err := io.ReadFull(from, b[fixedHead:end+TagSize]); err != nil {
		return 0, passed(err)
	}
	key, head, _, err := splitHead(b[:end+TagSize])
	if err != nil {
		return 0, passed(err)
	}
	secret := r.current().find(key)
	if secret == nil {
		return 0, fmt.Errorf("%w: key %s", ErrNoKey, key)
	}
	aead := newAEAD(secret, head[len(head)-SaltSize:], what)
	chunk := b[end:][:chunkSize+TagSize]
	for number, begun := uint64(0), TagSize; ; number, begun = number+1, 0 {
		if _, err := io.ReadFull(from, chunk[begun:]); err != nil {
			return n, passed(err)
		}
		var nonce [nonceSize]byte
		nonceOf(&nonce, number, false)
		plain, err := aead.Open(chunk[:0], nonce[:], chunk, head)
		if err != nil {
			return n, nil
		}
		if _, err := to.Write(plain); err != nil {
			return n, err
		}
		n += chunkSize
	}
}

// passed is an error of reading a beginning, unless it is of what is passed over.
func passed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrDamaged) {
		return nil
	}
	return err
}
