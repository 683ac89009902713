package agent

import (
	"context"
	"time"
)

// Wait returns when the metadata service answers as it should, or the context ends. It does not log: Run reports the service's failures.
func (a *Agent) Wait(ctx context.Context) {
	for a.Metadata.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(a.Intervals.Metadata):
		}
	}
}
