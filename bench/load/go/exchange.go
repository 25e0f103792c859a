// Keeps messages in flight on many connections: each reply triggers the next message. In a
// broadcast only the first connection sends, and continues once all have received the message. With
// "publish" each message arrives several times.
package main

import (
	"os"
	"syscall"
	"time"
)

const (
	readSize = 256 << 10
	// stale is an age in nanoseconds. If a message older than this has no reply at the end, its age
	// counts as a latency. Otherwise the results would hide a starved connection.
	stale = 1e9
)

type connection struct {
	fd      int
	replies Replies
	// next is the next message to send, and offset the number of its bytes already sent.
	next, offset int
	// credit is the number of messages that may still be sent.
	credit int
	// began is the time when sending the next message began.
	began int64
	// times is a ring buffer of the send times of messages in flight.
	times         []int64
	sent, replied int
	waits         bool
}

// Exchange is the state of a load.
type Exchange struct {
	load        *Load
	epoll       int
	connections []connection
	frames      []byte
	expected    []byte
	offsets     []int
	started     time.Time
	latencies   Histogram
	counting    bool
	stopping    bool
	replies     int
	sent        int
	// triggers is a ring buffer of the send times of broadcasts.
	triggers [64]int64
}

// forAll reports whether the server sends each message to all connections.
func (load *Load) forAll() bool { return load.Kind == "broadcast" || load.Kind == "publish" }

func (e *Exchange) now() int64 { return int64(time.Since(e.started)) }

func exchange(load *Load, fds []int) Result {
	bytes, err := os.ReadFile(load.Frames)
	must(err)
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	must(err)
	e := &Exchange{load: load, epoll: epoll, started: time.Now(), offsets: []int{0}}
	for index, size := range load.Sizes {
		e.offsets = append(e.offsets, e.offsets[index]+size)
	}
	e.frames, e.expected = bytes[:e.offsets[len(load.Sizes)]], bytes[e.offsets[len(load.Sizes)]:]
	e.connections = make([]connection, len(fds))
	for index, fd := range fds {
		c := &e.connections[index]
		c.fd = fd
		c.times = make([]int64, load.Depth)
		must(syscall.SetNonblock(fd, true))
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(index)}
		must(syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event))
	}
	return e.run()
}

func (e *Exchange) run() Result {
	for index := range e.connections {
		if !e.load.forAll() || index == 0 {
			e.connections[index].credit = e.load.Depth
			e.pump(index)
		}
	}
	e.until(time.Now().Add(time.Duration(e.load.WarmUp) * time.Millisecond))
	e.counting = true
	messages, cpu, own, began := e.replies, cpuSeconds(e.load.Pids), ownSeconds(), time.Now()
	untilCounted(e.load, began, cpu, e.until)
	result := Result{
		Messages: e.replies - messages,
		Seconds:  time.Since(began).Seconds(),
		CPU:      cpuSeconds(e.load.Pids) - cpu,
		OwnCPU:   ownSeconds() - own,
		Memory:   residentBytes(e.load.Pids),
	}
	e.counting = false
	e.countStale()
	result.P50 = e.latencies.quantile(0.5)
	result.P99 = e.latencies.quantile(0.99)
	result.P999 = e.latencies.quantile(0.999)
	e.stopping = true
	deadline := time.Now().Add(time.Duration(e.load.Timeout) * time.Millisecond)
	for e.missing() > 0 && time.Now().Before(deadline) {
		e.until(time.Now().Add(20 * time.Millisecond))
	}
	result.Lost = e.missing()
	return result
}

// missing returns the number of outstanding replies.
func (e *Exchange) missing() int {
	if e.load.forAll() {
		return e.sent*len(e.connections)*e.load.Burst - e.replies
	}
	return e.sent - e.replies
}

func (e *Exchange) countStale() {
	if e.load.forAll() {
		return
	}
	now := e.now()
	for index := range e.connections {
		c := &e.connections[index]
		for number := c.replied; number < c.sent; number++ {
			if age := now - c.times[number%e.load.Depth]; age > stale {
				e.latencies.add(age)
			}
		}
	}
}

// until handles events until a point in time.
func (e *Exchange) until(end time.Time) {
	buffer := make([]byte, readSize)
	events := make([]syscall.EpollEvent, 256)
	for {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		count, err := syscall.EpollWait(e.epoll, events, int(left.Milliseconds())+1)
		if err != nil && err != syscall.EINTR {
			must(err)
		}
		for _, event := range events[:max(0, count)] {
			if event.Events&^syscall.EPOLLOUT != 0 {
				e.readable(int(event.Fd), buffer)
			}
			if event.Events&syscall.EPOLLOUT != 0 {
				e.pump(int(event.Fd))
			}
		}
	}
}

func (e *Exchange) readable(index int, buffer []byte) {
	c := &e.connections[index]
	size, err := syscall.Read(c.fd, buffer)
	if err == syscall.EAGAIN {
		return
	}
	must(err)
	if size == 0 {
		fail("the peer ended the stream")
	}
	count := c.replies.read(buffer[:size], e.load, e.expected)
	if count == 0 {
		return
	}
	if e.load.forAll() {
		e.delivered(c, count)
		return
	}
	if c.replied+count > c.sent {
		fail("more replies than messages")
	}
	if e.counting {
		now := e.now()
		for number := c.replied; number < c.replied+count; number++ {
			e.latencies.add(now - c.times[number%e.load.Depth])
		}
	}
	c.replied += count
	e.replies += count
	c.credit += count
	e.pump(index)
}

func (e *Exchange) delivered(c *connection, count int) {
	now := e.now()
	for range make([]struct{}, count) {
		if e.counting {
			e.latencies.add(now - e.triggers[c.replied/e.load.Burst%len(e.triggers)])
		}
		c.replied++
		e.replies++
		if e.replies%(len(e.connections)*e.load.Burst) == 0 {
			e.connections[0].credit++
			e.pump(0)
		}
	}
}

// pump sends the messages that credit allows.
func (e *Exchange) pump(index int) {
	c := &e.connections[index]
	for c.credit > 0 && !(e.stopping && c.offset == 0) {
		last := min(len(e.load.Sizes), c.next+c.credit)
		bytes := e.frames[e.offsets[c.next]+c.offset : e.offsets[last]]
		if e.load.Chunk > 0 {
			bytes = bytes[:min(len(bytes), e.load.Chunk)]
		}
		now := e.now()
		if c.offset == 0 {
			c.began = now
		}
		count, err := syscall.Write(c.fd, bytes)
		if err == syscall.EAGAIN {
			e.await(index, true)
			return
		}
		must(err)
		for count > 0 {
			left := e.load.Sizes[c.next] - c.offset
			if count < left {
				c.offset += count
				break
			}
			count -= left
			e.left(c)
			c.began = now
		}
	}
	e.await(index, false)
}

// left records that a complete message was sent.
func (e *Exchange) left(c *connection) {
	c.times[c.sent%e.load.Depth] = c.began
	if e.load.forAll() {
		e.triggers[c.sent%len(e.triggers)] = c.began
	}
	c.sent++
	e.sent++
	c.credit--
	c.offset = 0
	c.next++
	if c.next == len(e.load.Sizes) {
		c.next = e.load.Prelude
	}
}

// await enables or disables notification of writability.
func (e *Exchange) await(index int, room bool) {
	c := &e.connections[index]
	if c.waits == room {
		return
	}
	c.waits = room
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(index)}
	if room {
		event.Events |= syscall.EPOLLOUT
	}
	must(syscall.EpollCtl(e.epoll, syscall.EPOLL_CTL_MOD, c.fd, &event))
}
