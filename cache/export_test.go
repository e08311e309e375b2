package cache

import "context"

// RaceEnabled is for the tests outside the package.
const RaceEnabled = raceEnabled

// AwaitBackground waits until the handler's store validates nothing in the
// background.
func AwaitBackground(ctx context.Context, h *Handler) error { return h.store.AwaitBackground(ctx) }
