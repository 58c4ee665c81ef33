// SPDX-License-Identifier: Apache-2.0

// Package harness is what the programs of this module share: tests in TAP, and a client's certificate.
package harness

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"strings"
)

// MiB is a mebibyte, in bytes.
const MiB = 1 << 20

// Place is where a program runs: what is on its command line.
type Place struct {
	Endpoint, Work, Bucket string
	Transport              *http.Transport // shows the client's certificate
}

// PlaceOfArguments reads ENDPOINT CA CERT KEY WORK_DIR BUCKET.
func PlaceOfArguments() Place {
	if len(os.Args) != 7 {
		fmt.Fprintf(os.Stderr, "usage: %s ENDPOINT CA CERT KEY WORK_DIR BUCKET\n", os.Args[0])
		os.Exit(2)
	}
	pem, err := os.ReadFile(os.Args[2])
	Must(err)
	roots := x509.NewCertPool()
	Expect(roots.AppendCertsFromPEM(pem), "no certificate in %s", os.Args[2])
	pair, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
	Must(err)
	return Place{
		Endpoint: os.Args[1],
		Work:     os.Args[5],
		Bucket:   os.Args[6],
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
			MaxIdleConnsPerHost: 16,
		},
	}
}

var count, failed int

// Check runs a test of this name. A test fails by a panic, as those of Must and Expect.
func Check(name string, test func()) {
	count++
	defer func() {
		if failure := recover(); failure != nil {
			failed++
			said := strings.ReplaceAll(fmt.Sprint(failure), "\n", "\n# ")
			fmt.Printf("not ok %d - %s\n# %s\n", count, name, said)
			return
		}
		fmt.Printf("ok %d - %s\n", count, name)
	}()
	test()
}

// Done ends the program.
func Done() {
	fmt.Printf("1..%d\n", count)
	if failed > 0 {
		os.Exit(1)
	}
}

// Must fails the test if there is an error.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Got is the value of a call that must succeed.
func Got[T any](value T, err error) T {
	Must(err)
	return value
}

// Expect fails the test with this text if the condition is false.
func Expect(isTrue bool, format string, arguments ...any) {
	if !isTrue {
		panic(fmt.Sprintf(format, arguments...))
	}
}

// Same fails the test if a value, which is named, is not the right one.
func Same[T comparable](name string, value, right T) {
	Expect(value == right, "%s: %v, not %v", name, value, right)
}

// SameBytes is Same for bodies, of which it shows the lengths only.
func SameBytes(name string, value, right []byte) {
	Expect(bytes.Equal(value, right), "%s: %d bytes, not these %d", name, len(value), len(right))
}

// Random makes bytes that are the same in every run.
func Random(seed int64, length int) []byte {
	made := make([]byte, length)
	rand.New(rand.NewSource(seed)).Read(made)
	return made
}

// OddNames are keys that are easy to encode or decode once too often or too seldom.
var OddNames = []string{"a b", "a+b", "a%20b", "a%b", "é/ü", "#?", "a=b&c", "q'\"<>", "日本", "~-_.", "(1)*!$,;:@"}
