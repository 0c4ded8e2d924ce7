package apiclient

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	"github.com/ispsync/ispsync/specs"
)

// errPin is the cause when a panel's key is not the pinned one.
var errPin = errors.New("its key is not the one of tls.pin_sha256")

// tlsFor makes the TLS settings of a panel. What is checked:
//
//   - nothing said: chain, host name and dates, against the system's roots;
//   - ca_file: the same, against the roots in that file alone;
//   - pin_sha256: the SHA-256 of the public key (SPKI) of the panel's own
//     certificate, and nothing else: a self-signed one, which panels have by
//     default (panel-api.md section 1), is as good as any when its key is known;
//   - pin_sha256 and ca_file: both;
//   - insecure_skip_verify: nothing, or with pin_sha256 the pin.
//
// Only the certificate the panel proves to own is held against the pin. Those
// it sends along prove nothing: anybody can send them.
func tlsFor(t specs.TLS) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: t.InsecureSkipVerify}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM form", t.CAFile)
		}
	}
	if len(t.PinSHA256) == 0 {
		return cfg, nil
	}
	if len(t.PinSHA256) != sha256.Size {
		return nil, fmt.Errorf("pin_sha256: it has %d bytes, and a SHA-256 has %d", len(t.PinSHA256), sha256.Size)
	}
	if t.CAFile == "" {
		cfg.InsecureSkipVerify = true
	}
	pin := bytes.Clone(t.PinSHA256)
	cfg.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return fmt.Errorf("%w: it showed no certificate", errPin)
		}
		if got := pinOf(s.PeerCertificates[0]); !bytes.Equal(got, pin) {
			return fmt.Errorf("%w: it has %s. If the key was changed on purpose, pin the new one; if not, somebody may be in between", errPin, hex.EncodeToString(got))
		}
		return nil
	}
	return cfg, nil
}

func pinOf(cert *x509.Certificate) []byte {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return sum[:]
}

// certificateHint says what to do about a certificate that nobody vouches for.
func certificateHint(err *tls.CertificateVerificationError) string {
	hint := "; give the CA as tls.ca_file, or pin the key with tls.pin_sha256"
	if err != nil && len(err.UnverifiedCertificates) > 0 {
		hint += fmt.Sprintf(" (it shows %s: compare that on the server)", hex.EncodeToString(pinOf(err.UnverifiedCertificates[0])))
	}
	return hint
}
