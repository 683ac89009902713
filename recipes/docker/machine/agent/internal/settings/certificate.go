package settings

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// CheckPair checks a certificate chain and its private key, both PEM. It returns the end of the certificate's validity
// or the problem, which begins with the setting's name. Messages are fixed texts, so that none can show the key.
func CheckPair(certificate, key string, now time.Time) (time.Time, string) {
	var chain []*x509.Certificate
	for rest := []byte(certificate); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return time.Time{}, "certificate: must have PEM blocks of type CERTIFICATE only"
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, fmt.Sprintf("certificate: PEM block %d is not a valid X.509 certificate", len(chain)+1)
		}
		chain = append(chain, parsed)
	}
	if len(chain) == 0 {
		return time.Time{}, "certificate: has no PEM block"
	}
	if problem := checkKey(key); problem != "" {
		return time.Time{}, problem
	}
	if _, err := tls.X509KeyPair([]byte(certificate), []byte(key)); err != nil {
		if strings.Contains(err.Error(), "does not match") {
			return time.Time{}, "privateKey: does not match the certificate"
		}
		return time.Time{}, "privateKey: is not a valid RSA, ECDSA or Ed25519 key"
	}
	begin, end := chain[0].NotBefore, chain[0].NotAfter
	switch {
	case now.Before(begin):
		return end, "certificate: not valid before " + begin.UTC().Format(time.RFC3339)
	case now.After(end):
		return end, "certificate: expired on " + end.UTC().Format(time.DateOnly)
	}
	return end, ""
}

// checkKey looks at the first block of a private key. Others may come before it, such as the EC PARAMETERS that
// `openssl ecparam` writes: turnserver skips them as well.
func checkKey(key string) string {
	found := false
	for rest := []byte(key); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return "privateKey: is encrypted; give it without a passphrase"
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return ""
		}
		found = true
	}
	if found {
		return "privateKey: has no PEM block of a private key"
	}
	return "privateKey: has no PEM block"
}
