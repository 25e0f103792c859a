// Publishes through servers connected by a broker. Many subscribed connections are spread over the
// servers, and the first one at each server publishes. Each text contains its time, to compute
// latency.
package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// FleetLoad is the load; bench/load/fleet_load.ts documents the fields.
type FleetLoad struct {
	Ports       []int  `json:"ports"`
	Pids        []int  `json:"pids"`
	Broker      []int  `json:"broker"`
	Protocol    string `json:"protocol"`
	Connections int    `json:"connections"`
	Publishers  int    `json:"publishers"`
	Depth       int    `json:"depth"`
	Rate        int    `json:"rate"`
	Payload     int    `json:"payload"`
	WarmUp      int    `json:"warmUp"`
	Duration    int    `json:"duration"`
	Timeout    int    `json:"timeout"`
}

// FleetResult is the result.
type FleetResult struct {
	Messages  int     `json:"messages"`
	Seconds   float64 `json:"seconds"`
	CPU       float64 `json:"cpu"`
	BrokerCPU float64 `json:"brokerCpu"`
	OwnCPU    float64 `json:"ownCpu"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	P999      float64 `json:"p999"`
	Lost      int     `json:"lost"`
}

const (
	// mark precedes the publisher and the time in a text, and occurs nowhere else in it.
	mark = '~'
	// stampSize is the size of the mark, a digit and 16 hexadecimal digits.
	stampSize = 18
	// probeTime is the time limit of a probe round, which checks that every publisher reaches all.
	probeTime = 300 * time.Millisecond
	probes    = 40
)

type listener struct {
	fd     int
	reader frameReader
	// joined reports that the connection is subscribed.
	joined bool
	// newest is the time of the last message of each publisher.
	newest []int64
}

type publisher struct {
	fd             int
	sent, received int
	last           int64
}

// Fleet is the state of a load on a fleet.
type Fleet struct {
	load       *FleetLoad
	epoll      int
	listeners  []listener
	publishers []publisher
	// before and behind surround the text in a message of the protocol.
	before, behind string
	started        time.Time
	latencies      Histogram
	counting       bool
	stopping       bool
	flowing        bool
	joined         int
	received       int
	// since is the time from which messages count.
	since int64
	// due is the scheduled time of the next message, if there is a rate.
	due  time.Time
	next int
}

func fleet(text string) {
	var load FleetLoad
	must(json.Unmarshal([]byte(text), &load))
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	must(err)
	f := &Fleet{load: &load, epoll: epoll, started: time.Now()}
	if load.Protocol == "socket.io" {
		f.before, f.behind = `42["all","`, `"]`
	}
	f.dial()
	result, err := json.Marshal(f.run())
	must(err)
	fmt.Println(string(result))
}

func (f *Fleet) now() int64 { return int64(time.Since(f.started)) }

func (f *Fleet) dial() {
	socketIO := f.load.Protocol == "socket.io"
	path := "/"
	if socketIO {
		path = "/socket.io/?EIO=4&transport=websocket"
	}
	f.listeners = make([]listener, f.load.Connections)
	for index := range f.listeners {
		l := &f.listeners[index]
		port := f.load.Ports[index%len(f.load.Ports)]
		l.fd = newSocket(index, 0)
		l.newest = make([]int64, f.load.Publishers)
		must(syscall.Connect(l.fd, loopback(port)))
		writeAll(l.fd, requestTo(port, path, ""))
		head, rest := readPastHead(l.fd)
		if !strings.HasPrefix(head, "HTTP/1.1 101") {
			fail("the server rejected the handshake: %s", head)
		}
		if socketIO {
			// Joins the default namespace.
			writeAll(l.fd, textFrame("40"))
		} else {
			f.join(l)
		}
		f.read(l, rest)
		must(syscall.SetNonblock(l.fd, true))
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(index)}
		must(syscall.EpollCtl(f.epoll, syscall.EPOLL_CTL_ADD, l.fd, &event))
	}
	for index := 0; index < f.load.Publishers; index++ {
		f.publishers = append(f.publishers, publisher{fd: f.listeners[index].fd})
	}
}

func (f *Fleet) join(l *listener) {
	l.joined = true
	f.joined++
}

func (f *Fleet) run() FleetResult {
	f.meet()
	f.flowing = true
	f.due = time.Now()
	for index := range f.publishers {
		for count := 0; count < f.load.Depth; count++ {
			f.publish(index, f.now())
		}
	}
	f.until(time.Now().Add(milliseconds(f.load.WarmUp)))
	f.counting = true
	received, cpu, broker, own := f.received, exactSeconds(f.load.Pids), exactSeconds(f.load.Broker), ownSeconds()
	began := time.Now()
	f.until(began.Add(milliseconds(f.load.Duration)))
	result := FleetResult{
		Messages:  f.received - received,
		Seconds:   time.Since(began).Seconds(),
		CPU:       exactSeconds(f.load.Pids) - cpu,
		BrokerCPU: exactSeconds(f.load.Broker) - broker,
		OwnCPU:    ownSeconds() - own,
	}
	f.counting = false
	f.stopping = true
	f.waitFor(func() bool { return f.missing() == 0 }, milliseconds(f.load.Timeout))
	result.P50 = f.latencies.quantile(0.5)
	result.P99 = f.latencies.quantile(0.99)
	result.P999 = f.latencies.quantile(0.999)
	result.Lost = f.missing()
	return result
}

// meet waits until every publisher reaches every connection. A message lost before is not an error.
func (f *Fleet) meet() {
	f.waitFor(func() bool { return f.joined == len(f.listeners) }, milliseconds(f.load.Timeout))
	if f.joined < len(f.listeners) {
		fail("only %d of %d connections are subscribed", f.joined, len(f.listeners))
	}
	for round := 0; round < probes; round++ {
		f.since = f.now()
		for index := range f.publishers {
			p := &f.publishers[index]
			p.sent, p.received = 0, 0
			f.publish(index, f.now())
		}
		f.received = 0
		f.waitFor(func() bool { return f.missing() == 0 }, probeTime)
		if f.missing() == 0 {
			return
		}
	}
	fail("the servers do not receive each other's messages: %d are missing", f.missing())
}

// missing returns the number of outstanding messages.
func (f *Fleet) missing() int {
	sent := 0
	for index := range f.publishers {
		sent += f.publishers[index].sent
	}
	return sent*len(f.listeners) - f.received
}

func (f *Fleet) waitFor(done func() bool, timeout time.Duration) {
	for deadline := time.Now().Add(timeout); !done() && time.Now().Before(deadline); {
		f.until(time.Now().Add(5 * time.Millisecond))
	}
}

// publish sends a message that contains its scheduled time.
func (f *Fleet) publish(index int, at int64) {
	p := &f.publishers[index]
	// Times strictly increase, so that receivers can check the order.
	p.last = max(at, p.last+1)
	stamp := fmt.Sprintf("%c%d%016x", mark, index, p.last)
	filler := strings.Repeat("x", f.load.Payload-stampSize)
	p.sent++
	writeAll(p.fd, textFrame(f.before+stamp+filler+f.behind))
}

// until handles events until a point in time.
func (f *Fleet) until(end time.Time) {
	buffer := make([]byte, readSize)
	events := make([]syscall.EpollEvent, 256)
	for {
		now := time.Now()
		if f.flowing && !f.stopping && f.load.Rate > 0 {
			for !f.due.After(now) {
				f.publish(f.next, int64(f.due.Sub(f.started)))
				f.next = (f.next + 1) % len(f.publishers)
				f.due = f.due.Add(time.Second / time.Duration(f.load.Rate))
			}
		}
		left := end.Sub(now)
		if left <= 0 {
			return
		}
		if f.flowing && !f.stopping && f.load.Rate > 0 {
			left = min(left, f.due.Sub(now))
		}
		count, err := syscall.EpollWait(f.epoll, events, int(left.Milliseconds()))
		if err != nil && err != syscall.EINTR {
			must(err)
		}
		for _, event := range events[:max(0, count)] {
			l := &f.listeners[event.Fd]
			size, err := syscall.Read(l.fd, buffer)
			if err == syscall.EAGAIN {
				continue
			}
			must(err)
			if size == 0 {
				fail("a server ended a connection")
			}
			f.read(l, buffer[:size])
		}
	}
}

func (f *Fleet) read(l *listener, bytes []byte) {
	now := f.now()
	l.reader.read(bytes, func(opcode byte, payload []byte) {
		switch opcode {
		case textOpcode:
			f.receive(l, payload, now)
		case pingOpcode:
			writeAll(l.fd, maskedFrame(pongOpcode, string(payload)))
		case closeOpcode:
			fail("a server closed a connection: %q", payload)
		default:
			fail("a message has the opcode %d", opcode)
		}
	})
}

func (f *Fleet) receive(l *listener, payload []byte, now int64) {
	start := len(f.before)
	if len(payload) != start+f.load.Payload+len(f.behind) || payload[start] != mark {
		f.control(l, string(payload))
		return
	}
	index, at := readStamp(payload[start+1 : start+stampSize])
	if index >= len(f.publishers) || at <= l.newest[index] {
		fail("a message of publisher %d is duplicated or out of order", index)
	}
	l.newest[index] = at
	if at < f.since {
		return
	}
	f.received++
	if f.counting {
		f.latencies.add(now - at)
	}
	p := &f.publishers[index]
	p.received++
	if f.flowing && !f.stopping && f.load.Depth > 0 && p.received%len(f.listeners) == 0 {
		f.publish(index, f.now())
	}
}

// control answers protocol packets of Engine.IO 4 and Socket.IO 5.
func (f *Fleet) control(l *listener, packet string) {
	switch {
	case f.load.Protocol != "socket.io":
		fail("received a message that was not sent: %.80q", packet)
	case packet == "2":
		writeAll(l.fd, textFrame("3"))
	case strings.HasPrefix(packet, "40") && !l.joined:
		f.join(l)
	case !strings.HasPrefix(packet, "0"):
		fail("unexpected packet: %.80q", packet)
	}
}

// readStamp reads the publisher and the time.
func readStamp(text []byte) (publisher int, at int64) {
	for _, digit := range text[1:] {
		value := int64(digit - '0')
		if digit >= 'a' {
			value = int64(digit - 'a' + 10)
		}
		at = at<<4 | value
	}
	return int(text[0] - '0'), at
}

func milliseconds(count int) time.Duration { return time.Duration(count) * time.Millisecond }
