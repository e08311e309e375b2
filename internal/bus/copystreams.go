//go:build !nonats

package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// copyStreams copies all streams of a server to another one that has none: their
// messages and their settings. What is in ours is opened, and sealed by a new secret,
// or plain, as the other one is; others keep numbers and times. Consumers are not
// copied; those that there are read a log, and live as long as their reader.
func copyStreams(ctx context.Context, from, to *inside, progress func(done, total int64)) error {
	source, err := from.Connect(copyName)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := to.Connect(copyName)
	if err != nil {
		return err
	}
	defer target.Close()
	all, err := streamsOf(ctx, source)
	if err != nil {
		return err
	}
	var done, total int64
	for _, info := range all {
		total += int64(info.State.Bytes)
	}
	turn := turning{source, target}
	if err := turn.prepare(ctx, all); err != nil {
		return err
	}
	for _, was := range all {
		if progress != nil {
			progress(done, total)
		}
		if was.Config.Name != secretsStream { // the target has its own
			if err := copyOne(ctx, &turn, to, was); err != nil {
				return fmt.Errorf("copy the stream %s: %w", was.Config.Name, plainly(err))
			}
		}
		done += int64(was.State.Bytes)
	}
	if progress != nil {
		progress(total, total)
	}
	return errors.Join(from.Err(), to.Err())
}

// copyOne copies a stream, and looks that all is there.
func copyOne(ctx context.Context, turn *turning, to *inside, was *jetstream.StreamInfo) (err error) {
	want := was.State
	ours := isOurs(&was.Config)
	if ours {
		want.Msgs, err = turn.stream(ctx, was)
	} else {
		err = copyStream(ctx, turn.source, to, was.Config.Name)
	}
	if err != nil {
		return err
	}
	s, err := turn.target.js.Stream(ctx, was.Config.Name)
	if err != nil {
		return err
	}
	is := s.CachedInfo().State
	if ours && !strings.HasPrefix(was.Config.Name, prefixLogStream) { // numbered anew
		want.FirstSeq, want.LastSeq = is.FirstSeq, want.Msgs
	}
	// A stream that never had a message begins at 0 or at 1.
	if is.Msgs != want.Msgs || max(is.FirstSeq, 1) != max(want.FirstSeq, 1) || is.LastSeq != want.LastSeq {
		return fmt.Errorf("of %d messages, %d to %d, %d came, %d to %d", want.Msgs, want.FirstSeq, want.LastSeq, is.Msgs, is.FirstSeq, is.LastSeq)
	}
	return nil
}

func streamsOf(ctx context.Context, c *Conn) ([]*jetstream.StreamInfo, error) {
	var all []*jetstream.StreamInfo
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		all = append(all, info)
	}
	return all, list.Err()
}

// copyStream has one server write a stream down, as for a backup, and the other one
// read that.
func copyStream(ctx context.Context, source *Conn, to *inside, name string) error {
	inbox := source.nc.NewInbox()
	parts := make(chan *nats.Msg, 1024) // more than are sent without an answer
	sub, err := source.nc.ChanSubscribe(inbox, parts)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	ask, err := json.Marshal(&server.JSApiStreamSnapshotRequest{DeliverSubject: inbox, NoConsumers: true, ChunkSize: 64 << 10, WindowSize: 4 << 20})
	if err != nil {
		return err
	}
	reply, err := source.nc.RequestWithContext(ctx, fmt.Sprintf(server.JSApiStreamSnapshotT, name), ask)
	if err != nil {
		return err
	}
	var said server.JSApiStreamSnapshotResponse
	if err := json.Unmarshal(reply.Data, &said); err != nil {
		return err
	}
	if said.Error != nil {
		return errors.New(said.Error.Description)
	}
	if said.Config == nil {
		return errors.New("the server does not say how the stream is set")
	}
	read, write := io.Pipe()
	restored := make(chan error, 1)
	go func() {
		_, err := to.ns.GlobalAccount().RestoreStreamV2(said.Config, read)
		_ = read.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		restored <- err
	}()
	err = pass(ctx, parts, write)
	_ = write.CloseWithError(err) // nil is the end
	if other := <-restored; other != nil {
		err = other
	}
	return err
}

// pass writes the parts of a backup, and says that each has come.
func pass(ctx context.Context, parts <-chan *nats.Msg, to io.Writer) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-parts:
			if len(m.Data) == 0 {
				if code := m.Header.Get("Status"); code != "" && code != "204" {
					return fmt.Errorf("it cannot be read: %s %s", code, m.Header.Get("Description"))
				}
				return nil
			}
			if _, err := to.Write(m.Data); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				return err
			}
			if m.Reply != "" {
				if err := m.Respond(nil); err != nil {
					return err
				}
			}
		}
	}
}
