// Messages in flight on many connections: for each reply another message is sent. A broadcast differs
// in that only the first connection sends, and goes on when all have got the message; what is published
// comes several times.
package main

import (
	"os"
	"syscall"
	"time"
)

const (
	readSize = 256 << 10
	// stale is an age in nanoseconds: a message that waits longer when the time is over counts with
	// its age among the latencies, since a connection that starves would not be seen otherwise.
	stale = 1e9
)

type connection struct {
	fd      int
	replies Replies
	// next is the message that is sent next, and offset how much of it has left.
	next, offset int
	// credit is how many messages may still be sent.
	credit int
	// began is when the sending of the next message began.
	began int64
	// times holds when each message in flight was sent, as a ring.
	times         []int64
	sent, replied int
	waits         bool
}

// Exchange is the state of the whole load.
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
	// triggers holds when each broadcast was sent, as a ring.
	triggers [64]int64
}

// forAll tells whether a message goes to all connections.
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
	deadline := time.Now().Add(time.Duration(e.load.Patience) * time.Millisecond)
	for e.missing() > 0 && time.Now().Before(deadline) {
		e.until(time.Now().Add(20 * time.Millisecond))
	}
	result.Lost = e.missing()
	return result
}

// missing counts the replies that are still to come.
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

// until handles what happens up to a point in time.
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
		fail("the other side ended")
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

// pump sends what may be sent.
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

// left notes that a whole message has left.
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

// await asks to be told when there is room to write again, or not to be.
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
