package agent

import (
	"context"
	"time"
)

// Wait returns when the metadata service answers as it should. It says nothing: Run reports the service's failures.
func (a *Agent) Wait(ctx context.Context) error {
	for {
		if _, err := a.Metadata.Identity(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(a.Intervals.Metadata):
		}
	}
}
