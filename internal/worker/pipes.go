package worker

import (
	"os"
	"time"

	"freshet/internal/child"
)

// pipes are what a program writes to: its output, its errors, its progress.
type pipes struct {
	ours [3]*os.File
	ends [3]*os.File // the program's
}

// openPipes makes them, and has the program's user own its ends, who could not
// open /dev/stdout otherwise.
func openPipes(u *child.User) (*pipes, error) {
	p := &pipes{}
	for i := range p.ours {
		if i == 2 && !moreDescriptors {
			break
		}
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		p.ours[i], p.ends[i] = r, w
		if u == nil {
			continue
		}
		if err := w.Chown(int(u.UID), int(u.GID)); err != nil {
			p.close()
			return nil, err
		}
	}
	return p, nil
}

// theirs are the program's descriptors, from 0.
func (p *pipes) theirs() []*os.File {
	list := []*os.File{nil, p.ends[0], p.ends[1]}
	if p.ends[2] != nil {
		list = append(list, p.ends[2])
	}
	return list
}

// deadline bounds how long is read; where pipes have no deadlines, to their
// end.
func (p *pipes) deadline(at time.Time) {
	for _, f := range p.ours {
		if f != nil {
			_ = f.SetReadDeadline(at)
		}
	}
}

func (p *pipes) closeTheirs() {
	for i, f := range p.ends {
		if f != nil {
			_ = f.Close()
			p.ends[i] = nil
		}
	}
}

func (p *pipes) close() {
	p.closeTheirs()
	for i, f := range p.ours {
		if f != nil {
			_ = f.Close()
			p.ours[i] = nil
		}
	}
}
