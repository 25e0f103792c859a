// Blocking loopback sockets, and the opening handshake of both sides.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

const (
	// sources is the number of source addresses. Each has a separate range of ports.
	sources = 16
	// together is the number of connections that are opened concurrently.
	together = 64
	// bindAddressNoPort lets connect choose the port, when both addresses are known.
	bindAddressNoPort = 24
	acceptSuffix      = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

var endOfHead = []byte("\r\n\r\n")

// newSocket creates a socket bound to one of the source addresses.
func newSocket(index int, flags int) int {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|flags, 0)
	must(err)
	must(syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
	must(syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, bindAddressNoPort, 1))
	source := [4]byte{127, 0, 0, byte(1 + index%sources)}
	must(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: source}))
	return fd
}

func target(load *Load) *syscall.SockaddrInet4 { return loopback(load.Port) }

func loopback(port int) *syscall.SockaddrInet4 {
	return &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
}

func requestHead(load *Load) []byte { return requestTo(load.Port, "/", load.Extensions) }

func requestTo(port int, path, extensions string) []byte {
	head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n"+
		"Sec-WebSocket-Version: 13\r\n", path, port)
	if extensions != "" {
		head += "Sec-WebSocket-Extensions: " + extensions + "\r\n"
	}
	return []byte(head + "\r\n")
}

// dialAll opens all connections.
func dialAll(load *Load) []int {
	request := requestHead(load)
	fds := make([]int, 0, load.Connections)
	for len(fds) < load.Connections {
		first := len(fds)
		for len(fds) < load.Connections && len(fds) < first+together {
			fd := newSocket(len(fds), 0)
			must(syscall.Connect(fd, target(load)))
			if load.WebSocket {
				writeAll(fd, request)
			}
			fds = append(fds, fd)
		}
		if !load.WebSocket {
			continue
		}
		for _, fd := range fds[first:] {
			head := readHead(fd)
			if !strings.HasPrefix(head, "HTTP/1.1 101") {
				fail("the server rejected the handshake: %s", head)
			}
			if strings.Contains(strings.ToLower(head), "permessage-deflate") != (load.Extensions != "") {
				fail("the server accepted other extensions: %s", head)
			}
		}
	}
	return fds
}

// acceptAll acts as the server: it prints its port, reads the process ID of the measured client,
// and accepts all of its connections.
func acceptAll(load *Load) []int {
	listener, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	must(syscall.Bind(listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(syscall.Listen(listener, 4096))
	address, err := syscall.Getsockname(listener)
	must(err)
	fmt.Println(address.(*syscall.SockaddrInet4).Port)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	must(err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	must(err)
	load.Pids = []int{pid}
	var fds []int
	for len(fds) < load.Connections {
		fd, _, err := syscall.Accept4(listener, syscall.SOCK_CLOEXEC)
		must(err)
		must(syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1))
		if load.WebSocket {
			head := readHead(fd)
			_, rest, _ := strings.Cut(strings.ToLower(head), "sec-websocket-key:")
			at := len(head) - len(rest)
			key, _, _ := strings.Cut(head[at:], "\r\n")
			digest := sha1.Sum([]byte(strings.TrimSpace(key) + acceptSuffix))
			writeAll(fd, []byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
				"Connection: Upgrade\r\nSec-WebSocket-Accept: "+
				base64.StdEncoding.EncodeToString(digest[:])+"\r\n\r\n"))
		}
		fds = append(fds, fd)
	}
	return fds
}

func writeAll(fd int, text []byte) {
	for len(text) > 0 {
		count, err := syscall.Write(fd, text)
		must(err)
		text = text[count:]
	}
}

// readHead reads to the end of the head. It fails if data follows.
func readHead(fd int) string {
	head, rest := readPastHead(fd)
	if len(rest) > 0 {
		fail("unexpected data after the head: %q", rest)
	}
	return head
}

// readPastHead reads to the end of the head, and returns the data after it.
func readPastHead(fd int) (head string, rest []byte) {
	buffer := make([]byte, 0, 4096)
	for {
		count, err := syscall.Read(fd, buffer[len(buffer):cap(buffer)])
		must(err)
		if count == 0 {
			fail("the peer ended the stream within its head: %s", buffer)
		}
		buffer = buffer[:len(buffer)+count]
		if head, rest, found := bytes.Cut(buffer, endOfHead); found {
			return string(head) + string(endOfHead), rest
		}
	}
}
