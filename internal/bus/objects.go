//go:build !nonats

package bus

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Objects are kept as NATS' object stores are, so that its own tools show them,
// unless they are sealed:
// a stream OBJ_NAME, in which an object's content is the messages of a subject
// of its own, and a message under the object's name, the label, says which
// subject that is. What is stored and removed here is not done by NATS' client,
// whose Put makes an object visible before its content is known to be there.
// A label is written behind the number of the one that it replaces: of two
// writers each knows whose content it has replaced, and removes that.
const (
	prefixObjects = "OBJ_"
	chunkSize     = 128 << 10
	// staleAfter is how old content without a label has to be to be swept away.
	staleAfter = time.Hour
)

// Objects are contents of any length by key, of one name. Its methods may be
// called by several goroutines.
type Objects struct {
	c      *Conn
	name   string
	stream jetstream.Stream
	is     *content // how it is sealed
	stale  time.Duration
}

// Objects opens the objects of a name, and makes room for them when it is the
// first time.
func (c *Conn) Objects(ctx context.Context, name string, o ObjectsOptions) (*Objects, error) {
	if err := checkName("objects", name); err != nil {
		return nil, err
	}
	if err := checkReplicas(o.Replicas); err != nil {
		return nil, fmt.Errorf("objects %s: %w", name, err)
	}
	if o.Replicas == 0 {
		o.Replicas = c.replicas
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = -1
	}
	ctx, cancel := c.whileLinked(ctx)
	defer cancel()
	s, err := c.stream(ctx, jetstream.StreamConfig{
		Name:        prefixObjects + name,
		Subjects:    []string{"$O." + name + ".C.>", "$O." + name + ".M.>"},
		Replicas:    o.Replicas,
		MaxBytes:    o.MaxBytes,
		Discard:     jetstream.DiscardNew,
		AllowRollup: true,
		// Not AllowDirect: another server than the leader might not know yet what was put.
	})
	if err != nil {
		return nil, fmt.Errorf("open objects %s: %w", name, because(ctx, plainly(err)))
	}
	are, err := c.contentsOf(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("open objects %s: %w", name, err)
	}
	return &Objects{c: c, name: name, stream: s, is: are[0], stale: staleAfter}, nil
}

// label is what a label says, and its number in the stream.
type label struct {
	jetstream.ObjectInfo
	number uint64 // 0: there is none
	by     string // the secret that it is sealed by, and its parts; "": they are plain
}

// none says whether there is no object.
func (l *label) none() bool { return l.number == 0 || l.Deleted || l.NUID == "" }

func (o *Objects) contentOf(id string) string { return "$O." + o.name + ".C." + id }

func (o *Objects) labelOf(escaped string) string {
	return o.labels() + base64.URLEncoding.EncodeToString([]byte(escaped))
}

// labels is how their subjects begin.
func (o *Objects) labels() string { return "$O." + o.name + ".M." }

// labelled is the object whose label has a subject; false: it is none of a label.
func (o *Objects) labelled(subject string) (escaped string, ok bool) {
	text, ok := strings.CutPrefix(subject, o.labels())
	name, err := base64.URLEncoding.DecodeString(text)
	return string(name), ok && err == nil
}

// look reads the label of an object.
func (o *Objects) look(ctx context.Context, escaped string) (label, error) {
	var m *jetstream.RawStreamMsg
	err := again(ctx, func(ctx context.Context) (err error) {
		m, err = o.stream.GetLastMsgForSubject(ctx, o.labelOf(escaped))
		return err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return label{}, nil
	}
	if err != nil {
		return label{}, plainly(err)
	}
	return o.openLabel(ctx, m.Sequence, escaped, m.Data)
}

// openLabel reads a label, of message n.
func (o *Objects) openLabel(ctx context.Context, n uint64, escaped string, data []byte) (label, error) {
	text, by, err := o.is.unpack(ctx, n, data, labelWhat(o.is.stream, escaped))
	if err != nil {
		return label{}, err
	}
	l := label{number: n, by: by}
	if json.Unmarshal(text, &l.ObjectInfo) != nil {
		return label{number: n, by: by}, nil // nothing that was put here
	}
	return l, nil
}

// Delete removes an object; nil when there is none.
func (o *Objects) Delete(ctx context.Context, key string) error {
	escaped, err := escapeKey(key, maxObject)
	if err != nil {
		return err
	}
	ctx, cancel := o.c.whileLinked(ctx)
	defer cancel()
	l, err := o.look(ctx, escaped)
	if err == nil && l.number != 0 {
		// Up to its number: one that has replaced it stays, and one that it has replaced
		// does not come back, which is still there when the server was killed before it
		// had removed it.
		err = plainly(o.stream.Purge(ctx, jetstream.WithPurgeSubject(o.labelOf(escaped)), jetstream.WithPurgeSequence(l.number+1)))
		if err == nil && l.NUID != "" {
			o.discard(ctx, l.NUID)
		}
	}
	if err != nil {
		return fmt.Errorf("delete object %q of %s: %w", key, o.name, because(ctx, err))
	}
	return nil
}

// discard removes a content that has no label. What cannot be removed now is
// found by Sweep.
func (o *Objects) discard(ctx context.Context, id string) {
	if o.c.linkNow().Err() == nil {
		_ = o.stream.Purge(ctx, jetstream.WithPurgeSubject(o.contentOf(id)))
	}
}

// Keys calls f with each object's key and size in bytes, sorted by key. All of
// them are gathered before the first is given to f. An error of f ends it and is
// returned.
func (o *Objects) Keys(ctx context.Context, f func(key string, size int64) error) error {
	labels, err := o.allLabels(ctx)
	if err != nil {
		return fmt.Errorf("list the objects of %s: %w", o.name, err)
	}
	type row struct {
		key  string
		size int64
	}
	var rows []row
	for escaped, l := range labels {
		// What has another kind of name was not put here.
		if key, ok := unescapeKey(escaped); ok && !l.none() {
			rows = append(rows, row{key, int64(min(l.Size, math.MaxInt64))})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
	for _, r := range rows {
		if err := f(r.key, r.size); err != nil {
			return err
		}
	}
	return nil
}

// allLabels are all labels by escaped key.
func (o *Objects) allLabels(ctx context.Context) (map[string]label, error) {
	ctx, cancel := o.c.untilCut(ctx)
	defer cancel()
	s := storedLabels{}
	err := eachOf(ctx, o.stream, &reader{next: 1, last: math.MaxUint64, subject: o.labels() + ">", f: func(n uint64, m jetstream.Msg) error {
		s.add(o, n, m)
		return nil
	}})
	var found map[string]label
	if err == nil {
		found, err = s.open(ctx, o)
	}
	if err != nil {
		return nil, because(ctx, plainly(err))
	}
	return found, nil
}

// storedLabels are labels as they are stored, in the order of their numbers. There
// are several of one object when the server was killed after it had stored one, and
// before it had removed those that it replaces: the last one is the object's.
type storedLabels struct {
	last     map[string]storedLabel // by escaped key
	replaced []uint64               // numbers of the others
}

type storedLabel struct {
	number uint64
	data   []byte
}

func (s *storedLabels) add(o *Objects, n uint64, m jetstream.Msg) {
	escaped, ok := o.labelled(m.Subject())
	if !ok {
		return // nothing that was put here, or a part
	}
	if before, ok := s.last[escaped]; ok {
		s.replaced = append(s.replaced, before.number)
	}
	if s.last == nil {
		s.last = map[string]storedLabel{}
	}
	s.last[escaped] = storedLabel{n, m.Data()}
}

func (s *storedLabels) open(ctx context.Context, o *Objects) (map[string]label, error) {
	found := make(map[string]label, len(s.last))
	for escaped, is := range s.last {
		l, err := o.openLabel(ctx, is.number, escaped, is.data)
		if err != nil {
			return nil, err
		}
		found[escaped] = l
	}
	return found, nil
}

// readLabels are all labels by escaped key, found by going through all messages, and
// not by NATS' index of subjects: for what would be lost, or refused, if one were
// missing. replaced are the numbers of labels that others have replaced, and that are
// still there. whole says that nothing was written meanwhile, so that there are no others.
func (o *Objects) readLabels(ctx context.Context) (found map[string]label, replaced []uint64, whole bool, err error) {
	ctx, cancel := o.c.untilCut(ctx)
	defer cancel()
	before, err := o.state(ctx)
	if err != nil {
		return nil, nil, false, err
	}
	var s storedLabels
	seen := uint64(0)
	if before.Msgs > 0 {
		err = each(ctx, o.stream, 1, math.MaxUint64, func(n uint64, m jetstream.Msg) error {
			seen++
			s.add(o, n, m)
			return nil
		})
	}
	if err == nil {
		found, err = s.open(ctx, o)
	}
	if err != nil {
		return nil, nil, false, because(ctx, plainly(err))
	}
	after, err := o.state(ctx)
	return found, s.replaced, seen == before.Msgs && after.Msgs == before.Msgs && after.LastSeq == before.LastSeq, err
}

func (o *Objects) state(ctx context.Context) (jetstream.StreamState, error) {
	ctx, cancel := within(ctx)
	defer cancel()
	info, err := o.stream.Info(ctx)
	if err != nil {
		return jetstream.StreamState{}, because(ctx, plainly(err))
	}
	return info.State, nil
}

// Sweep removes the content of objects that were not put to their end, or not
// removed to theirs, because a process or a connection ended; what is younger
// than an hour stays. It is for now and then.
func (o *Objects) Sweep(ctx context.Context) error {
	if err := o.sweep(ctx); err != nil {
		return fmt.Errorf("sweep the objects of %s: %w", o.name, err)
	}
	return nil
}

func (o *Objects) sweep(ctx context.Context) error {
	bounded, cancel := o.c.whileLinked(ctx)
	info, err := o.stream.Info(bounded, jetstream.WithSubjectFilter(o.contentOf(">")))
	err = because(bounded, plainly(err))
	cancel()
	if err != nil {
		return err
	}
	// After the contents, so that none of them has got its label unseen.
	labels, err := o.allLabels(ctx)
	if err != nil {
		return err
	}
	labelled := map[string]bool{}
	for _, l := range labels {
		if !l.none() {
			labelled[o.contentOf(l.NUID)] = true
		}
	}
	for subject := range info.State.Subjects {
		if labelled[subject] {
			continue
		}
		if err := o.sweepOne(ctx, subject, info.TimeStamp); err != nil {
			return err
		}
	}
	return nil
}

// sweepOne removes a content that has no label if its last part is old: by the
// server's clock, which has written both times.
func (o *Objects) sweepOne(ctx context.Context, subject string, now time.Time) error {
	ctx, cancel := o.c.whileLinked(ctx)
	defer cancel()
	m, err := o.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err == nil && now.Sub(m.Time) >= o.stale {
		err = o.stream.Purge(ctx, jetstream.WithPurgeSubject(subject))
	}
	return because(ctx, plainly(err))
}
