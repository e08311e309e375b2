//go:build !nonats

package bus

import (
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// allOpen looks that NATS, which has just started, has opened all streams with
// messages, and removed nothing of them that it could not read. If so, what was kept is
// not any more; if not, Close puts it back.
func (s *inside) allOpen(said *serverLog) error {
	has, err := s.ns.Jsz(&server.JSzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Streams: true})
	if err != nil {
		return err
	}
	open := map[string]bool{}
	for _, account := range has.AccountDetails {
		for i := range account.Streams {
			open[account.Streams[i].Name] = true
		}
	}
	for _, one := range s.kept.streams {
		switch {
		case open[one.name]:
			lost, err := s.kept.lookAt(one)
			if err != nil {
				return err
			}
			if lost != "" {
				return s.kept.damaged(one, "NATS does not say why; "+lost)
			}
		case len(one.blocks) > 0:
			return s.kept.damaged(one, said.about(one.name))
		default:
			// It was being made when a process was killed. What there is of it would
			// stay as it is when the stream is made, which could not be opened again.
			if err := os.RemoveAll(one.dir); err != nil {
				return err
			}
		}
	}
	if cut := strings.Join(s.kept.cut, ", "); cut != "" && s.log == nil {
		return fmt.Errorf("%w: files were damaged, and NATS has cut them off there: %s", ErrDamaged, cut)
	} else if cut != "" {
		s.log.Error("files of streams were damaged, and NATS has cut them off there; what was behind that is lost: take the folder from a copy", "files", cut)
	}
	if err := s.kept.drop(); err != nil {
		return err
	}
	s.kept = nil
	return nil
}

// damaged is an error of a stream, which says what to do.
func (k *kept) damaged(one *keptStream, why string) error {
	are := "its files are as they were: the next start opens them, if it was for want of descriptors, of memory or of a right"
	if !k.linked {
		are = "the file system has no hard links, so that NATS may have removed it"
	}
	return fmt.Errorf("%w: the stream in %s cannot be opened (%s); %s; else take the folder from a copy, or remove that of the stream if it may be lost", ErrDamaged, one.dir, why, are)
}
