//go:build !nonats

package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// copyStreams copies all streams of a server to another one that has none: their
// messages with numbers and times, and their settings. Consumers are not copied;
// those that there are read a log, and live as long as their reader.
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
	for _, was := range all {
		if progress != nil {
			progress(done, total)
		}
		if err := copyStream(ctx, source, to, was.Config.Name); err != nil {
			return fmt.Errorf("copy the stream %s: %w", was.Config.Name, err)
		}
		s, err := target.js.Stream(ctx, was.Config.Name)
		if err != nil {
			return fmt.Errorf("copy the stream %s: %w", was.Config.Name, plainly(err))
		}
		is := s.CachedInfo().State
		// A stream that never had a message begins at 0 or at 1.
		if is.Msgs != was.State.Msgs || max(is.FirstSeq, 1) != max(was.State.FirstSeq, 1) || is.LastSeq != was.State.LastSeq {
			return fmt.Errorf("copy the stream %s: of %d messages, %d to %d, %d came, %d to %d", was.Config.Name,
				was.State.Msgs, was.State.FirstSeq, was.State.LastSeq, is.Msgs, is.FirstSeq, is.LastSeq)
		}
		done += int64(was.State.Bytes)
	}
	if progress != nil {
		progress(total, total)
	}
	return errors.Join(from.Err(), to.Err())
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
