package cache

import "sync"

// census counts the answers that have a tag, in a store without a disk tier.
type census struct {
	mu  sync.Mutex // guards all below
	tag map[string]*tagCount
}

type tagCount struct {
	live   int64
	purged uint64 // those born before are not counted any more, though they may be there
}

// change counts what comes and goes with a change of what is stored for a key.
func (c *census) change(before, after *resource) {
	if !before.tagged() && !after.tagged() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if after != nil {
		for _, o := range after.objects {
			c.count(o, 1)
		}
	}
	if before != nil {
		for _, o := range before.objects {
			c.count(o, -1)
		}
	}
}

func (r *resource) tagged() bool {
	if r != nil {
		for _, o := range r.objects {
			if len(o.tags) > 0 {
				return true
			}
		}
	}
	return false
}

func (c *census) count(o *object, n int64) {
	for _, tag := range o.tags {
		t := c.tag[tag]
		if t == nil {
			if c.tag == nil {
				c.tag = make(map[string]*tagCount)
			}
			t = new(tagCount)
			c.tag[tag] = t
		}
		if o.born < t.purged {
			continue
		}
		if t.live += n; t.live == 0 && t.purged == 0 {
			delete(c.tag, tag)
		}
	}
}

// of returns how many answers have a tag, or may have.
func (c *census) of(tag string) (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tag[tag]; t != nil {
		n = t.live
	}
	return n
}

// overflowing reports whether an answer is stored that has more tags than are
// known.
func (c *census) overflowing() bool { return c.of(anyTag) > 0 }

// purge takes all answers with a tag out that were born before a generation,
// and returns how many there were.
func (c *census) purge(tag string, number uint64) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tag[tag]
	if t == nil {
		return 0
	}
	n := t.live
	t.live, t.purged = 0, number
	return n
}

// swept says that what was purged is not there any more.
func (c *census) swept(tag string, number uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.tag[tag]; t != nil && t.purged == number {
		if t.purged = 0; t.live == 0 {
			delete(c.tag, tag)
		}
	}
}
