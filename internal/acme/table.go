package acme

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
)

// A table has the names that there are. It does not change once it is made.
type table struct {
	exact map[string]*name
	below map[string]*name // *.example.org by .example.org
}

// find returns the name whose certificate is for a host: itself, or the * in the
// place of its first label (RFC 6125 §6.4.3).
func (t *table) find(host string) *name {
	if n := t.exact[host]; n != nil {
		return n
	}
	if i := strings.IndexByte(host, '.'); i > 0 && len(t.below) > 0 {
		return t.below[host[i:]]
	}
	return nil
}

// all are the names, in no order.
func (t *table) all() iter.Seq[*name] {
	return func(yield func(*name) bool) {
		for _, of := range []map[string]*name{t.exact, t.below} {
			for _, n := range of {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// copy is a table with the same names, to be changed.
func (t *table) copy() *table {
	c := &table{exact: maps.Clone(t.exact), below: maps.Clone(t.below)}
	if c.exact == nil {
		c.exact = map[string]*name{}
	}
	if c.below == nil {
		c.below = map[string]*name{}
	}
	return c
}

func (t *table) add(n *name) {
	if below, wild := strings.CutPrefix(n.name, "*"); wild {
		t.below[below] = n
	} else {
		t.exact[n.name] = n
	}
}

func (t *table) get(s string) *name {
	if below, wild := strings.CutPrefix(s, "*"); wild {
		return t.below[below]
	}
	return t.exact[s]
}

// covers reports whether the name's certificate is for a host.
func (n *name) covers(host string) bool {
	if below, wild := strings.CutPrefix(n.name, "*"); wild {
		i := strings.IndexByte(host, '.')
		return i > 0 && host[i:] == below
	}
	return n.name == host
}

// next is the table of names, with what the one before had of them.
func (m *Manager) next(was *table, names []string) *table {
	is := (&table{}).copy()
	for _, s := range names {
		n := was.get(s)
		if n == nil {
			n = m.newName(s)
		}
		n.demand.Store(false)
		is.add(n)
	}
	for n := range was.all() {
		if n.demand.Load() {
			is.add(n)
		}
	}
	return is
}

// sites are what the files of the certificates of a name have in common.
func (m *Manager) sites(s string) []string {
	all := make([]string, len(m.issuers))
	for i, a := range m.issuers {
		all[i] = (&name{name: s}).site(a)
	}
	return all
}

var errClosed = errors.New("certificates are not obtained any more, for the server ends")

func (m *Manager) newName(s string) *name {
	n := &name{name: s, m: m, looked: make(chan struct{})}
	n.ctx, n.cancel = context.WithCancel(m.ctx)
	n.load()
	return n
}

// run looks after a name until it goes, or Close. It is called under mu.
func (m *Manager) run(n *name) {
	if m.started && !m.closed {
		m.running.Go(func() { n.keep(n.ctx) })
	}
}

// Set changes which names get certificates, and how they can be proven. Those
// that were there stay as they are. One that goes is not renewed any more; what
// is kept of it stays, and is served again when it comes back. After an error
// nothing has changed.
func (m *Manager) Set(names []string, byHTTP, byTLS bool) error {
	o := m.o
	o.Names, o.HTTP, o.TLS = names, byHTTP, byTLS
	if err := o.checkNames(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errClosed
	}
	for _, a := range m.issuers {
		a.prove(byHTTP, byTLS)
	}
	was := m.names.Load()
	is := m.next(was, o.Names)
	m.names.Store(is)
	for n := range is.all() {
		if was.get(n.name) == nil {
			m.run(n)
		}
	}
	for n := range was.all() {
		if is.get(n.name) == nil {
			n.cancel()
		}
	}
	return nil
}

// Names returns the names that there are, those on demand with them, in their order.
func (m *Manager) Names() []string {
	var all []string
	for n := range m.names.Load().all() {
		all = append(all, n.name)
	}
	slices.Sort(all)
	return all
}

// Covers reports whether a certificate for a name, such as *.example.org, is for
// a host, too.
func Covers(s, host string) bool { return (&name{name: s}).covers(host) }
