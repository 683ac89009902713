package agent

import (
	"context"
	"time"
)

// Wait returns when the metadata service answers as it should, or the context ends. It says nothing: Run reports the service's failures.
func (a *Agent) Wait(ctx context.Context) {
	for {
		if _, err := a.Metadata.Identity(ctx); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(a.Intervals.Metadata):
		}
	}
}
