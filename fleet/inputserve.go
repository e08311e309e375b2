package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// lacking answers with which files of a job have to be sent.
func (h *handler) lacking(w http.ResponseWriter, r *http.Request) {
	var a asked
	if !read(w, r, &a) {
		return
	}
	list, err := h.node.inputs.lacks(a.Files)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &told{Lacks: list})
}

// inputTimeout is how long a piece of a file may take to come.
const inputTimeout = 2 * time.Minute

// input takes a piece of a file: its digest is in the path, where it begins, and
// how long the whole is, in the query.
func (h *handler) input(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	offset, err := strconv.ParseInt(q.Get("offset"), 10, 64)
	size, err2 := strconv.ParseInt(q.Get("size"), 10, 64)
	if err = errors.Join(err, err2); err != nil {
		refuse(w, wrong(err))
		return
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(inputTimeout)) // where there are deadlines
	piece, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxInputPiece))
	if err != nil {
		refuse(w, wrong(fmt.Errorf("a piece of a file, at most %d bytes: %w", maxInputPiece, err)))
		return
	}
	have, whole, err := h.node.inputs.put(r.PathValue("digest"), size, offset, piece)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &told{Have: have, Whole: whole})
}

// eachInput calls needs with the digests of all files that jobs have.
func (n *Node) eachInput(ctx context.Context, needs func(digest string)) error {
	f := jobs.Filter{N: 1000, Oldest: true}
	for {
		page, err := n.scheduler.Jobs(ctx, f)
		if err != nil {
			return err
		}
		for j := range page.Jobs {
			for k := range page.Jobs[j].Spec.Files {
				needs(digestOf(&page.Jobs[j].Spec.Files[k]))
			}
		}
		if f.After = page.Next; f.After == "" {
			return nil
		}
	}
}

// wanted is the part of a file that a worker asks for; a piece at most.
type wanted struct {
	SHA256 string `json:"sha256"`
	Offset int64  `json:"offset"`
}

// input gives a worker a piece of a file that its task names.
func (d *desk) input(ctx context.Context, name string, l *leased) ([]byte, error) {
	if l.Input == nil || l.Input.Offset < 0 {
		return nil, wrong(errors.New("there is no piece of a file"))
	}
	if err := d.runs(ctx, name, l.Lease); err != nil {
		return nil, err
	}
	files, err := d.named.of(ctx, d.queue, l.Lease.Job)
	if err != nil {
		return nil, err
	}
	f, ok := files[l.Input.SHA256]
	if !ok {
		return nil, fmt.Errorf("%w: the task has no such file", worker.ErrInput)
	}
	from, err := d.inputs.Open(ctx, f)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	piece := make([]byte, min(pieceSize, max(0, f.Size-l.Input.Offset)))
	n, err := from.ReadAt(piece, l.Input.Offset)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return piece[:n], nil
}

// named are the files of jobs whose tasks are asked about, by job and digest:
// of the latest few. What a job has does not change.
type named struct {
	mu   sync.Mutex // guards what follows; a leaf
	jobs map[jobs.ID]map[string]jobs.File
}

// maxNamed is of how many jobs the files are remembered.
const maxNamed = 64

func (n *named) of(ctx context.Context, q jobs.Queue, job jobs.ID) (map[string]jobs.File, error) {
	n.mu.Lock()
	files := n.jobs[job]
	n.mu.Unlock()
	if files != nil {
		return files, nil
	}
	info, err := q.Job(ctx, job)
	if err != nil {
		return nil, err
	}
	files = make(map[string]jobs.File, len(info.Spec.Files))
	for _, f := range info.Spec.Files {
		files[digestOf(&f)] = f
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.jobs == nil || len(n.jobs) >= maxNamed {
		n.jobs = map[jobs.ID]map[string]jobs.File{}
	}
	n.jobs[job] = files
	return files, nil
}
