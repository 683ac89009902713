package secrets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"

	"turn-agent/internal/settings"
)

func (f *Fetcher) fromGoogle(ctx context.Context, r settings.Reference) (string, error) {
	token, err := f.google.AccessToken(ctx)
	if err != nil {
		return "", err
	}
	endpoint := f.endpoints["secretmanager"]
	if endpoint == "" {
		endpoint = "https://secretmanager.googleapis.com"
	}
	status, answer, err := f.send(ctx, r.Store, nil, func() (*http.Request, error) {
		request, err := http.NewRequest(http.MethodGet, endpoint+"/v1/"+r.Name+":access", nil)
		if err == nil {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		return request, err
	})
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", googleError(status, answer, r)
	}
	return googleValue(answer, r)
}

func googleError(status int, answer []byte, r settings.Reference) error {
	var failure struct {
		Error struct {
			Status  string
			Details []struct{ Reason string }
		}
	}
	_ = json.Unmarshal(answer, &failure)
	for _, detail := range failure.Error.Details {
		if detail.Reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT" {
			return fmt.Errorf("access denied: the instance needs the access scope cloud-platform to read %s", r.Name)
		}
	}
	switch status {
	case http.StatusForbidden:
		return fmt.Errorf("access denied: the instance's service account needs roles/secretmanager.secretAccessor on %s", r.Name)
	case http.StatusNotFound:
		return fmt.Errorf("%s has no %s", r.Store, r.Name)
	case http.StatusUnauthorized:
		return fmt.Errorf("%s refuses the service account's token", r.Store)
	}
	return fmt.Errorf("%s refuses to give %s (status %d); is the version enabled?", r.Store, r.Name, status)
}

func googleValue(answer []byte, r settings.Reference) (string, error) {
	var output struct {
		Payload struct {
			Data       *string
			DataCRC32C string
		}
	}
	if err := json.Unmarshal(answer, &output); err != nil || output.Payload.Data == nil {
		return "", fmt.Errorf("%s answered without a payload", r.Store)
	}
	data, err := base64.StdEncoding.DecodeString(*output.Payload.Data)
	if err != nil {
		return "", fmt.Errorf("%s answered with invalid base64", r.Store)
	}
	sum := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
	if given := output.Payload.DataCRC32C; given != "" && given != strconv.FormatUint(uint64(sum), 10) {
		return "", fmt.Errorf("%s answered with damaged data (wrong checksum)", r.Store)
	}
	return string(data), nil
}
