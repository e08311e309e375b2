//go:build !nonats

package bus

import (
	"context"
	"fmt"
	"slices"
)

// Behind are the peers that do not have all yet of what they keep with others, as
// those say that lead its streams: they may come back with an empty folder, and are
// not to be counted on before. A stream that nobody leads now is an error.
func (c *Conn) Behind(ctx context.Context) (names []string, err error) {
	ctx, cancel := within(ctx)
	defer cancel()
	list := c.js.ListStreams(ctx)
	for info := range list.Info() {
		if info.Cluster == nil {
			continue
		}
		if info.Cluster.Leader == "" {
			err = fmt.Errorf("nobody leads stream %s", info.Config.Name)
		}
		for _, r := range info.Cluster.Replicas {
			if (!r.Current || r.Offline) && !slices.Contains(names, r.Name) {
				names = append(names, r.Name)
			}
		}
	}
	if listed := list.Err(); listed != nil {
		err = fmt.Errorf("list the streams: %w", plainly(listed))
	}
	slices.Sort(names)
	return names, err
}
