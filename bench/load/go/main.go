// The load generator: one thread that sends prebuilt frames and counts the replies. Its argument is the
// load as JSON (bench/load/load.ts documents the fields). Its last line of output is the result as JSON.
// It needs Linux: epoll and /proc.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// Load is the load.
type Load struct {
	Kind        string `json:"kind"`
	Pids        []int  `json:"pids"`
	Port        int    `json:"port"`
	WebSocket   bool   `json:"webSocket"`
	Extensions  string `json:"extensions"`
	Connections int    `json:"connections"`
	Depth       int    `json:"depth"`
	Frames      string `json:"frames"`
	Sizes       []int  `json:"sizes"`
	Prelude     int    `json:"prelude"`
	Opcode      byte   `json:"opcode"`
	Reply       int    `json:"reply"`
	Chunk       int    `json:"chunk"`
	Burst       int    `json:"burst"`
	WarmUp      int    `json:"warmUp"`
	Duration    int    `json:"duration"`
	Timeout    int    `json:"timeout"`
}

// Result is the result.
type Result struct {
	Messages  int     `json:"messages"`
	Seconds   float64 `json:"seconds"`
	CPU       float64 `json:"cpu"`
	OwnCPU    float64 `json:"ownCpu"`
	P50       float64 `json:"p50"`
	P99       float64 `json:"p99"`
	P999      float64 `json:"p999"`
	Memory    int     `json:"memory"`
	MemoryOld int     `json:"memoryBefore"`
	Lost      int     `json:"lost"`
}

func main() {
	// Disable garbage collection, which would take CPU time. The load allocates almost no memory.
	debug.SetGCPercent(-1)
	runtime.LockOSThread()
	var load Load
	must(json.Unmarshal([]byte(os.Args[1]), &load))
	var result Result
	switch load.Kind {
	case "fleet":
		fleet(os.Args[1])
		return
	case "echo", "broadcast", "publish":
		result = exchange(&load, dialAll(&load))
	case "client":
		result = exchange(&load, acceptAll(&load))
	case "held":
		held(&load)
		return
	case "idle":
		result = idle(&load)
	case "handshakes":
		result = handshakes(&load)
	default:
		fail("unknown load kind %q", load.Kind)
	}
	text, err := json.Marshal(result)
	must(err)
	fmt.Println(string(text))
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "load: "+format+"\n", values...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}
