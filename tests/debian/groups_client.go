// SPDX-License-Identifier: Apache-2.0

// A client as Thanos is one: Go's TLS with its defaults. groups_client ADDRESS CA CERT KEY PATH asks
// for https://localhost/PATH at ADDRESS.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	address, ca, cert, key, path := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	pem, err := os.ReadFile(ca)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatal("no CA in ", ca)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		log.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		Dial:            func(network, _ string) (net.Conn, error) { return net.Dial(network, address) },
	}}
	response, err := client.Get("https://localhost/" + path)
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		log.Fatal(response.Status, err)
	}
	fmt.Printf("%d bytes\n", len(body))
}
