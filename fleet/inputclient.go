package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"freshet/jobs"
)

// SendInputs sends what the server lacks of the files of a job, and returns how
// many bytes that was. open opens one of them by its number; sent is called with
// how many bytes of how many have gone, unless it is nil.
func (c *Client) SendInputs(ctx context.Context, files []jobs.File, open func(i int) (io.ReadSeekCloser, error), sent func(done, all int64)) (int64, error) {
	if len(files) == 0 {
		return 0, nil
	}
	t, err := c.post(ctx, "/job/inputs", &asked{Files: files})
	if err != nil {
		return 0, err
	}
	s := &sending{c: c, sent: sent}
	lacks := map[string]int64{}
	for _, l := range t.Lacks {
		lacks[l.SHA256] = l.Have
	}
	var list []int
	for i := range files {
		digest := digestOf(&files[i])
		if have, lacking := lacks[digest]; lacking {
			delete(lacks, digest) // of two that are the same, one is sent
			list = append(list, i)
			s.all += files[i].Size - have
		}
	}
	for _, i := range list {
		if err := s.file(ctx, &files[i], func() (io.ReadSeekCloser, error) { return open(i) }); err != nil {
			return s.done, fmt.Errorf("send %s: %w", files[i].Name, err)
		}
	}
	return s.done, nil
}

// sending is what goes to a server.
type sending struct {
	c         *Client
	sent      func(done, all int64)
	done, all int64
}

// errChanged is that a file is not what it was when its digest was made.
var errChanged = errors.New("the file changed while it was sent; submit again")

// file sends one file, from where the server has it.
func (s *sending) file(ctx context.Context, f *jobs.File, open func() (io.ReadSeekCloser, error)) error {
	from, err := open()
	if err != nil {
		return err
	}
	defer from.Close()
	buf := make([]byte, min(maxInputPiece, f.Size))
	for at := int64(0); ; {
		if _, err := from.Seek(at, io.SeekStart); err != nil {
			return err
		}
		piece := buf[:min(int64(len(buf)), f.Size-at)]
		if _, err := io.ReadFull(from, piece); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return errChanged
		} else if err != nil {
			return err
		}
		t, err := s.piece(ctx, f, at, piece)
		switch {
		case err != nil:
			return err
		case t.Whole:
			s.count(int64(len(piece)))
			return nil
		case t.Have < 0 || t.Have > f.Size:
			return fmt.Errorf("the server says that it has %d bytes of %d", t.Have, f.Size)
		case t.Have == at+int64(len(piece)):
			s.count(int64(len(piece)))
		}
		at = t.Have
	}
}

func (s *sending) count(n int64) {
	if s.done += n; s.sent != nil {
		s.sent(s.done, max(s.all, s.done))
	}
}

func (s *sending) piece(ctx context.Context, f *jobs.File, at int64, piece []byte) (*told, error) {
	q := url.Values{"offset": {strconv.FormatInt(at, 10)}, "size": {strconv.FormatInt(f.Size, 10)}}
	status, text, err := s.c.Send(ctx, http.MethodPut, "/job/input/"+digestOf(f), q, piece)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, s.c.fault(status, text)
	}
	t := &told{}
	return t, json.NewDecoder(bytes.NewReader(text)).Decode(t)
}
