package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"turn-agent/internal/settings"
)

// action is a call of one of AWS's JSON services.
type action struct {
	service, target string
	permission      string
	input           map[string]any
}

func actionOf(r settings.Reference) action {
	if r.Store == settings.ParameterStore {
		return action{"ssm", "AmazonSSM.GetParameter", "ssm:GetParameter", map[string]any{"Name": r.Name, "WithDecryption": true}}
	}
	return action{"secretsmanager", "secretsmanager.GetSecretValue", "secretsmanager:GetSecretValue", map[string]any{"SecretId": r.Name}}
}

func (f *Fetcher) fromAmazon(ctx context.Context, r settings.Reference) (string, error) {
	region := r.Region
	if region == "" {
		own, err := f.amazon.Region(ctx)
		if err != nil {
			return "", err
		}
		region = own
	}
	keys, err := f.amazon.Credentials(ctx)
	if err != nil {
		return "", err
	}
	call := actionOf(r)
	body, err := json.Marshal(call.input)
	if err != nil {
		return "", err
	}
	status, answer, err := f.send(ctx, r.Store, body, func() (*http.Request, error) {
		request, err := http.NewRequest(http.MethodPost, f.amazonURL(call.service, region), nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-amz-json-1.1")
		request.Header.Set("X-Amz-Target", call.target)
		sign(request, body, keys, region, call.service, f.now())
		return request, nil
	})
	if err != nil {
		return "", err
	}
	if status != http.StatusOK {
		return "", amazonError(status, answer, call, r)
	}
	return amazonValue(answer, r)
}

func (f *Fetcher) amazonURL(service, region string) string {
	if endpoint := f.endpoints[service]; endpoint != "" {
		return endpoint + "/"
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return fmt.Sprintf("https://%s.%s.%s/", service, region, domain)
}

func amazonError(status int, answer []byte, call action, r settings.Reference) error {
	var failure struct {
		Type string `json:"__type"`
	}
	_ = json.Unmarshal(answer, &failure)
	kind := failure.Type[strings.LastIndex(failure.Type, "#")+1:]
	switch kind {
	case "AccessDeniedException":
		return fmt.Errorf("access denied: the instance's role needs %s on %s, and kms:Decrypt if it is encrypted with a key of your own", call.permission, r.Name)
	case "ParameterNotFound", "ResourceNotFoundException":
		return fmt.Errorf("%s has no %s", r.Store, r.Name)
	case "ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException":
		return fmt.Errorf("%s refuses the role's credentials (%s); is the machine's clock right?", r.Store, kind)
	case "DecryptionFailure", "InvalidKeyId":
		return fmt.Errorf("%s cannot decrypt %s (%s): the instance's role needs kms:Decrypt on its key", r.Store, r.Name, kind)
	}
	if !plainKind(kind) {
		kind = "unknown error"
	}
	return fmt.Errorf("%s refuses to give %s: %s (status %d)", r.Store, r.Name, kind, status)
}

// plainKind keeps texts of a misbehaving service out of messages.
func plainKind(kind string) bool {
	for _, c := range kind {
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return kind != "" && len(kind) < 64
}

func amazonValue(answer []byte, r settings.Reference) (string, error) {
	var output struct {
		Parameter    struct{ Value *string }
		SecretString *string
	}
	if err := json.Unmarshal(answer, &output); err != nil {
		return "", fmt.Errorf("%s did not answer with JSON", r.Store)
	}
	value := output.SecretString
	if r.Store == settings.ParameterStore {
		value = output.Parameter.Value
	}
	if value == nil {
		return "", fmt.Errorf("%s has no text in %s", r.Store, r.Name)
	}
	if r.JSONKey == "" {
		return *value, nil
	}
	return jsonKey(*value, r)
}

func jsonKey(text string, r settings.Reference) (string, error) {
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return "", errors.New("the secret is not a JSON object, so it has no key " + r.JSONKey)
	}
	value, ok := object[r.JSONKey].(string)
	if !ok {
		return "", errors.New("the secret's JSON object has no string with the key " + r.JSONKey)
	}
	return value, nil
}
