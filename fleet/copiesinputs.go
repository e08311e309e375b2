package fleet

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// copyOf makes the folder a copy of what is elsewhere: what is there counts, and
// what is not there is removed. All of it is settled anew, because who asked for
// something may have asked another server.
func (i *Inputs) copyOf(list []object) error {
	here := i.there
	i.there, i.size = map[string]*input{}, 0
	for _, one := range list {
		if !isDigest(one.name) || one.size < 0 {
			continue
		}
		name := i.in.Name(one.name)
		if copied := here[name]; copied != nil && copied.size == one.size {
			delete(here, name)
		}
		i.there[name] = &input{digest: one.name, size: one.size, used: i.o.Now()}
		i.size += one.size
	}
	for name := range here {
		if err := os.Remove(filepath.Join(i.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// inputKey is where a content is elsewhere.
func inputKey(digest string) string { return ofInputs + "/" + digest }

// unsent is why a whole content could not be kept elsewhere.
type unsent struct{ error }

func (u unsent) Unwrap() error { return u.error }

// finishThere keeps a whole content elsewhere, and then here. Nothing else is done
// about it meanwhile, so that what is removed is never what was just put. The
// caller holds p.mu.
func (i *Inputs) finishThere(p *part) error {
	key := inputKey(p.digest)
	_, err := i.away.once(context.Background(), key, false, func(ctx context.Context) error {
		content, err := p.content(i)
		if err != nil {
			return err
		}
		if err := i.away.put(ctx, key, p.size, content); err != nil {
			return unsent{err}
		}
		return i.place(p)
	})
	return err
}

// maxMissed is how often a content has to be missing where it should be: a server
// elsewhere that has just started may not know yet what others know.
const maxMissed = 3

// bring fetches a content that is elsewhere into the folder.
func (i *Inputs) bring(ctx context.Context, digest string) error {
	key := inputKey(digest)
	_, err := i.away.once(ctx, key, true, func(ctx context.Context) error {
		if _, err := os.Lstat(i.path(digest)); err == nil {
			return nil
		}
		i.mu.Lock()
		name := i.in.Name(digest)
		one := i.there[name]
		i.mu.Unlock()
		if one == nil {
			return noContent(digest)
		}
		err := i.away.fetch(ctx, key, i.path(digest), one.size, digest, wholeIn(i.in, inputIs(name)))
		gone := isGone(err)
		if !gone && !errors.Is(err, errOther) {
			return err
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		if one.unsure = true; !gone {
			return err
		}
		if one.missed++; one.missed < maxMissed {
			return err
		}
		if err := i.unlink(name, one); err != nil {
			return err
		}
		return noContent(digest)
	})
	return err
}

// removeThere removes a content elsewhere and here, if it was not asked for
// meanwhile. When it is not known whether it is there still, it does not count,
// and is removed the next time.
func (i *Inputs) removeThere(name string) error {
	i.mu.Lock()
	one := i.there[name]
	i.mu.Unlock()
	if one == nil {
		return nil
	}
	key := inputKey(one.digest)
	_, err := i.away.once(context.Background(), key, false, func(ctx context.Context) error {
		i.mu.Lock()
		one := i.there[name]
		if one == nil || !i.isOld(one) {
			i.mu.Unlock()
			return nil
		}
		one.unsure = true
		i.mu.Unlock()
		if err := i.away.remove(ctx, key); err != nil {
			return err
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.unlink(name, one)
	})
	return err
}
