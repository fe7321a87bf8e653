// The sink's TLS front, for benchmarks: ends TLS on 127.0.0.1, reads and drops the bodies of PUTs itself, and passes all else to the sink, with the
// length and the last bytes of what it dropped. Standard library only: `go build tlsFront.go`. Arguments: the sink's port, a file for its
// certificate. Prints its port. HTTP/1.1 only, as S3.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const tailBytes = 512

var buffers = sync.Pool{New: func() any { b := make([]byte, 1<<20); return &b }}

func main() {
	certificate := selfSigned(os.Args[2])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	transport := &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true}
	server := &http.Server{
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			pass(w, r, transport, "http://127.0.0.1:"+os.Args[1])
		}),
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	must(server.ServeTLS(listener, "", ""))
}

func pass(w http.ResponseWriter, r *http.Request, transport http.RoundTripper, sink string) {
	var body io.Reader = r.Body
	var dropped *dropper
	if r.Method == http.MethodPut {
		dropped = &dropper{keepTail: r.Header.Get("X-Amz-Trailer") != ""}
		if err := dropped.read(r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		body = nil
	}
	request, err := http.NewRequest(r.Method, sink+r.URL.RequestURI(), body)
	must(err)
	request.Header = r.Header.Clone()
	for _, name := range []string{"Expect", "Connection", "Content-Length", "Transfer-Encoding"} {
		request.Header.Del(name)
	}
	if dropped != nil {
		request.Header.Set("X-Sink-Body-Bytes", strconv.FormatInt(dropped.count, 10))
		request.Header.Set("X-Sink-Body-Tail", hex.EncodeToString(dropped.tail))
	} else {
		request.ContentLength = r.ContentLength
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	io.Copy(w, response.Body)
}

type dropper struct {
	count    int64
	tail     []byte
	keepTail bool
}

func (d *dropper) read(from io.Reader) error {
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	for {
		n, err := from.Read(*buffer)
		d.count += int64(n)
		if d.keepTail {
			d.tail = append(d.tail, (*buffer)[max(0, n-tailBytes):n]...)
			d.tail = append(d.tail[:0], d.tail[max(0, len(d.tail)-tailBytes):]...)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// An authority of its own and its one certificate; the authority goes to file, for clients to trust.
func selfSigned(file string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "sluice benchmark"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(30 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(err)
	var text bytes.Buffer
	must(pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	must(os.WriteFile(file, text.Bytes(), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
