package fleet

import (
	"errors"
	"net/http"
	"time"

	"freshet/internal/bus"
)

// Invited is a worker that has a token.
type Invited struct {
	Name    string    `json:"name"`
	Made    time.Time `json:"made"`
	Until   time.Time `json:"until,omitzero"`    // zero: for ever
	Address string    `json:"address,omitempty"` // that it is connected from
	Serves  bool      `json:"serves,omitempty"`  // it gets certificates, and their keys
}

func (h *handler) invite(w http.ResponseWriter, r *http.Request) {
	var a asked
	if !read(w, r, &a) {
		return
	}
	token, err := h.node.invite(a.Name, a.Life, a.Serves)
	if errors.Is(err, bus.ErrName) || errors.Is(err, bus.ErrTaken) {
		err = wrong(err)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &told{Token: token})
}

func (h *handler) revoke(w http.ResponseWriter, r *http.Request) {
	var a asked
	if !read(w, r, &a) {
		return
	}
	err := h.node.Revoke(a.Name)
	if errors.Is(err, bus.ErrNotFound) {
		err = wrong(errors.New("no worker of that name has a token"))
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, &told{})
}

func (h *handler) invited(w http.ResponseWriter, _ *http.Request) {
	list := []Invited{}
	for _, n := range h.node.Invited() {
		if !n.Peer {
			list = append(list, Invited{n.Name, n.Made, n.Until, n.Address, n.Serves})
		}
	}
	answer(w, list)
}
