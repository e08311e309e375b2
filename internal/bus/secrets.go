//go:build !nonats

package bus

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"freshet/internal/atrest"
)

// The secrets by which a fleet seals what it puts into streams are in one record,
// the only message of the stream seals, which is itself sealed by a file of keys.
// Another file of keys seals the record anew, and nothing else. It is written by
// comparing and setting, so that of two who make it one does.
const (
	secretsStream  = "seals"
	secretsSubject = "freshet.seals"
	secretsWhat    = "fleet secrets"
)

// record is what it says.
type record struct {
	Secrets []fleetSecret     `json:"secrets"` // the first seals, all open
	Streams map[string]uint64 `json:"streams"` // the number from which on nothing in a stream is plain; 0: it is not known
	// Whole says that Streams has all that had something when the record was made, so
	// that nothing is plain in others: the first record, put back, lets nothing plain in.
	Whole bool `json:"whole,omitempty"`
}

// from is the number from which on nothing in a stream is plain; 0: it is not known.
func (r *record) from(stream string) uint64 {
	from, has := r.Streams[stream]
	if !has && r.Whole {
		return 1
	}
	return from
}

// seal notes that nothing in a stream is plain from a number on.
func (r *record) seal(stream string, from uint64) {
	if is := r.from(stream); is == 0 || is > from {
		r.Streams[stream] = from
	}
}

type fleetSecret struct {
	ID     string `json:"id"`
	Secret []byte `json:"secret"`
}

// continues says that a record has the secrets of one that was read before.
func (r *record) continues(was *record) error {
	for _, s := range was.Secrets {
		if !slices.ContainsFunc(r.Secrets, func(is fleetSecret) bool { return is.ID == s.ID && hmac.Equal(is.Secret, s.Secret) }) {
			return damagedError{fmt.Errorf("the record of the fleet's secrets in stream %s has not the secret %s any more, which this server uses: it is another fleet's; put that one back from a copy", secretsStream, s.ID)}
		}
	}
	return nil
}

// learn adds what one says that was read before, and reports whether that is more.
func (r *record) learn(was *record) (more bool) {
	before := maps.Clone(r.Streams)
	for stream, from := range was.Streams {
		if from > 0 {
			r.seal(stream, from)
		} else if _, has := r.Streams[stream]; !has {
			r.Streams[stream] = 0
		}
	}
	more = !maps.Equal(before, r.Streams) || was.Whole && !r.Whole
	r.Whole = r.Whole || was.Whole
	return more
}

// newRecord makes a record; had are the streams that have, or had, something.
func newRecord(had ...string) *record {
	var id [8]byte
	_, _ = rand.Read(id[:])
	secret := fleetSecret{hex.EncodeToString(id[:]), make([]byte, atrest.SecretSize)}
	_, _ = rand.Read(secret.Secret)
	r := &record{Secrets: []fleetSecret{secret}, Streams: map[string]uint64{}, Whole: true}
	for _, stream := range had {
		r.Streams[stream] = 0
	}
	return r
}

// keys are the secrets as keys.
func (r *record) keys() (*atrest.Keys, error) {
	var file strings.Builder
	for _, s := range r.Secrets {
		fmt.Fprintf(&file, "%s %x\n", s.ID, s.Secret)
	}
	return atrest.ParseKeys([]byte(file.String()))
}

func (r *record) pack(ring *atrest.Ring) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return ring.Pack(text, secretsWhat), nil
}

// unpackRecord opens a record; by is the key that it was sealed by.
func unpackRecord(data []byte, ring *atrest.Ring) (r *record, keys *atrest.Keys, by string, err error) {
	text, by, err := ring.Unpack(data, secretsWhat)
	if errors.Is(err, atrest.ErrPlain) {
		err = damagedError{errors.New("it is not sealed, and was not written by freshet: put it back from a copy")}
	}
	if err == nil {
		r = &record{}
		err = json.Unmarshal(text, r)
	}
	if err == nil {
		keys, err = r.keys()
	}
	if err != nil {
		return nil, nil, "", fmt.Errorf("the record of the fleet's secrets in stream %s: %w", secretsStream, err)
	}
	if r.Streams == nil {
		r.Streams = map[string]uint64{}
	}
	return r, keys, by, nil
}
