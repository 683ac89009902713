package settings

import (
	"regexp"
	"strings"
)

// Store names the service that holds a secret.
type Store string

// The services that references can name.
const (
	ParameterStore Store = "SSM Parameter Store"
	SecretsManager Store = "AWS Secrets Manager"
	SecretManager  Store = "Google Secret Manager"
)

// Reference names a secret in a store.
type Reference struct {
	Store Store
	// Region is empty for the machine's own.
	Region string
	// Name is the parameter's name or ARN, the secret's ARN, or Google's resource name with its version.
	Name string
	// JSONKey selects a string in a secret that is a JSON object.
	JSONKey string
}

// The names that the services themselves allow. A parameter has at most 15 levels.
var (
	parameter    = regexp.MustCompile(`^(?:arn:aws[a-z-]*:ssm:([a-z0-9-]+):\d{12}:parameter)?((?:/[A-Za-z0-9_.-]+){1,15})$`)
	secretARN    = regexp.MustCompile(`^(arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,519})(?::([^:\p{Cc}\p{Zl}\p{Zp}]+)::)?$`)
	googleSecret = regexp.MustCompile(`^projects/(?:(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]|[1-9]\d*)` +
		`/secrets/[A-Za-z0-9_-]{1,255}(/versions/(?:[1-9]\d*|[A-Za-z][A-Za-z0-9_-]{0,62}))?$`)
)

// reserved matches names of parameters that only AWS can create.
var reserved = regexp.MustCompile(`(?i)^/(?:aws|ssm)`)

// bySecretsManager begins the names under which Parameter Store shows the secrets of Secrets Manager.
const bySecretsManager = "/aws/reference/secretsmanager/"

// ParseReference reads the text of a valueFrom.
func ParseReference(text string) (Reference, bool) {
	if match := parameter.FindStringSubmatch(text); match != nil {
		name := match[2]
		if reserved.MatchString(name) && !strings.HasPrefix(name, bySecretsManager) {
			return Reference{}, false
		}
		return Reference{Store: ParameterStore, Region: match[1], Name: text}, true
	}
	if match := secretARN.FindStringSubmatch(text); match != nil {
		return Reference{Store: SecretsManager, Name: match[1], Region: match[2], JSONKey: match[3]}, true
	}
	if match := googleSecret.FindStringSubmatch(text); match != nil {
		if match[1] == "" {
			text += "/versions/latest"
		}
		return Reference{Store: SecretManager, Name: text}, true
	}
	return Reference{}, false
}

// Cloud is the cloud whose machines can read the secret.
func (r Reference) Cloud() Cloud {
	if r.Store == SecretManager {
		return GCE
	}
	return AWS
}

// source reads {"value": …} or {"valueFrom": …}. No message shows either: secrets get into the wrong field easily.
func (r *reader) source(path string, value any) *Source {
	object, ok := value.(map[string]any)
	if !ok {
		r.report(path, `must be an object: {"value": …} or {"valueFrom": …}`)
		return nil
	}
	r.unknown(path+".", object, []string{"value", "valueFrom"})
	plain, hasPlain := object["value"]
	from, hasFrom := object["valueFrom"]
	switch {
	case hasPlain == hasFrom:
		r.report(path, "must have either value or valueFrom")
	case hasPlain:
		text, ok := plain.(string)
		if !ok {
			r.report(path+".value", "must be a string")
			return nil
		}
		return &Source{Value: text}
	default:
		return r.reference(path+".valueFrom", from)
	}
	return nil
}

func (r *reader) reference(path string, value any) *Source {
	text, _ := value.(string)
	reference, ok := ParseReference(text)
	switch {
	case !ok:
		r.report(path, "must be %s", referenceForms[r.cloud])
	case reference.Cloud() != r.cloud:
		r.report(path, "names a secret of %s, which a machine on %s cannot read", reference.Store, r.cloud)
	default:
		return &Source{Reference: &reference}
	}
	return nil
}

var referenceForms = map[Cloud]string{
	AWS: "the name (/…) or ARN of an SSM parameter, or the ARN of a Secrets Manager secret",
	GCE: "projects/PROJECT/secrets/SECRET or projects/PROJECT/secrets/SECRET/versions/VERSION",
}

// secret reads the source of a shared secret and checks one that is given by value.
func (r *reader) secret(path string, value any) *Source {
	source := r.source(path, value)
	if source != nil && source.Reference == nil {
		if problem := CheckSecret(source.Value); problem != "" {
			r.report(path+".value", "%s", problem)
		}
	}
	return source
}

// pair checks that the certificate and its key come together and, if both are given by value, match.
func (r *reader) pair(s *Settings) {
	switch {
	case s.Certificate == nil && s.PrivateKey == nil:
		if s.TLS443 {
			r.report("tls443", "needs certificate and privateKey")
		}
	case s.Certificate == nil:
		r.report("certificate", "missing: privateKey needs it")
	case s.PrivateKey == nil:
		r.report("privateKey", "missing: certificate needs it")
	case s.Certificate.Reference == nil && s.PrivateKey.Reference == nil:
		if _, problem := CheckPair(s.Certificate.Value, s.PrivateKey.Value, r.now); problem != "" {
			r.problems = append(r.problems, problem)
		}
	}
}

// TrimLine removes the end of line that text editors and `echo` add to a secret.
func TrimLine(text string) string { return strings.TrimRight(text, "\r\n") }
