// Loads without messages: idle connections, and connections that are repeatedly opened and closed.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// settle is the delay before the server's memory is read.
const settle = 2 * time.Second

func idle(load *Load) Result {
	before := residentBytes(load.Pids)
	dialAll(load)
	time.Sleep(settle)
	return Result{MemoryOld: before, Memory: residentBytes(load.Pids)}
}

// held opens connections, prints their number, and keeps them open until its input ends. For each
// line of input, it sends a message on every connection in turn and prints the number of echoes.
func held(load *Load) {
	fds := dialAll(load)
	fmt.Println(len(fds))
	// "hi", masked with zeros.
	message := []byte{0x82, 0x82, 0, 0, 0, 0, 'h', 'i'}
	reply := make([]byte, 4)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		alive := 0
		for _, fd := range fds {
			writeAll(fd, message)
			size, err := syscall.Read(fd, reply)
			must(err)
			if size == len(reply) && reply[2] == 'h' && reply[3] == 'i' {
				alive++
			}
		}
		fmt.Println(alive)
	}
}

// closeFrame has code 1000 and a zero mask key.
var closeFrame = []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}

type opening struct {
	fd       int
	accepted bool
	head     []byte
}

// handshakes keeps a number of opening handshakes in progress. Each connection is closed with a
// Close frame once it is open, so the server sees no error.
func handshakes(load *Load) Result {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	must(err)
	request := requestHead(load)
	openings := make([]opening, load.Connections)
	opened, done := 0, 0
	open := func(index int) {
		fd := newSocket(opened, syscall.SOCK_NONBLOCK)
		opened++
		if err := syscall.Connect(fd, target(load)); err != nil && err != syscall.EINPROGRESS {
			must(err)
		}
		openings[index] = opening{fd: fd}
		event := syscall.EpollEvent{Events: syscall.EPOLLOUT, Fd: int32(index)}
		must(syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event))
	}
	for index := range openings {
		open(index)
	}
	buffer := make([]byte, 4096)
	step := func(index int, writable bool) {
		o := &openings[index]
		if writable {
			event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(index)}
			must(syscall.EpollCtl(epoll, syscall.EPOLL_CTL_MOD, o.fd, &event))
			writeAll(o.fd, request)
			return
		}
		size, err := syscall.Read(o.fd, buffer)
		if err != nil && err != syscall.ECONNRESET {
			must(err)
		}
		if o.accepted {
			must(syscall.Close(o.fd))
			done++
			open(index)
			return
		}
		if size <= 0 {
			fail("the server ended the stream within its response head: %s", o.head)
		}
		o.head = append(o.head, buffer[:size]...)
		if !bytes.HasSuffix(o.head, endOfHead) {
			return
		}
		if !strings.HasPrefix(string(o.head), "HTTP/1.1 101") {
			fail("the server rejected the handshake: %s", o.head)
		}
		o.accepted = true
		writeAll(o.fd, closeFrame)
	}
	events := make([]syscall.EpollEvent, 256)
	until := func(end time.Time) {
		for left := time.Until(end); left > 0; left = time.Until(end) {
			count, err := syscall.EpollWait(epoll, events, int(left.Milliseconds())+1)
			if err != nil && err != syscall.EINTR {
				must(err)
			}
			for _, event := range events[:max(0, count)] {
				step(int(event.Fd), event.Events&syscall.EPOLLOUT != 0)
			}
		}
	}
	until(time.Now().Add(time.Duration(load.WarmUp) * time.Millisecond))
	before, cpu, own, began := done, cpuSeconds(load.Pids), ownSeconds(), time.Now()
	untilCounted(load, began, cpu, until)
	result := Result{
		Messages: done - before,
		Seconds:  time.Since(began).Seconds(),
		CPU:      cpuSeconds(load.Pids) - cpu,
		OwnCPU:   ownSeconds() - own,
		Memory:   residentBytes(load.Pids),
	}
	if result.Messages == 0 {
		fail("no handshake was completed in %v", os.Args[1])
	}
	return result
}
