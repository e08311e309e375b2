package fleet

import (
	"context"
	"net/http"
)

func (h *handler) servers(w http.ResponseWriter, r *http.Request) {
	list, err := h.node.Servers(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, list)
}

func (h *handler) want(w http.ResponseWriter, r *http.Request) {
	var a asked
	if !read(w, r, &a) {
		return
	}
	if err := h.node.Want(r.Context(), a.Name, a.Do); err != nil {
		refuse(w, err)
		return
	}
	answer(w, &told{})
}

// Servers lists the servers of the fleet; see [Node.Servers].
func (c *Client) Servers(ctx context.Context) (list []Server, err error) {
	err = c.get(ctx, "/fleet/servers", nil, &list)
	return list, err
}

// Want has a server do something; see [Node.Want].
func (c *Client) Want(ctx context.Context, name, do string) error {
	_, err := c.post(ctx, "/fleet/want", &asked{Name: name, Do: do})
	return err
}
