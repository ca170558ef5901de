package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// arrival is when a handler was given a version.
type arrival struct {
	version string
	at      int64 // nanoseconds since boot, by the clock that every process shares
}

// handler is what a user registers: it counts its calls and, where asked, reads one nested field.
// client-go calls each handler from a goroutine of its own, and never twice at once.
type handler struct {
	meter    *meter
	calls    int
	listed   int // calls at which the first list is whole; then those of warm-up and watch
	warm     int
	end      int
	running  int
	phase    func(any) string
	arrivals []arrival // nil unless they are asked for
}

func (h *handler) OnAdd(object any, _ bool) {
	if h.calls >= h.listed {
		h.meter.fail(fmt.Errorf("an object more than the %d of the list", h.listed))
		return
	}
	h.called(object)
}

func (h *handler) OnUpdate(_, object any) {
	if h.calls < h.listed {
		h.meter.fail(fmt.Errorf("an update after %d of %d objects", h.calls, h.listed))
		return
	}
	if h.calls == h.end {
		return
	}
	if h.arrivals != nil {
		version := object.(metav1.Object).GetResourceVersion()
		h.arrivals = append(h.arrivals, arrival{version, now()})
	}
	h.called(object)
}

func (h *handler) OnDelete(any) {
	h.meter.fail(fmt.Errorf("an object was deleted, which nobody did"))
}

func (h *handler) called(object any) {
	h.calls++
	if h.phase != nil && h.phase(object) == "Running" {
		h.running++
	}
	switch h.calls {
	case h.listed:
		h.meter.listed.reached()
	case h.warm:
		h.meter.began.reached()
	case h.end:
		h.meter.ended.reached()
	}
}

// mark is the moment at which the last of the handlers got somewhere.
type mark struct {
	left   atomic.Int32
	cpu    time.Duration
	wall   time.Time
	passed chan struct{}
}

func newMark(handlers int) *mark {
	made := &mark{passed: make(chan struct{})}
	made.left.Store(int32(handlers))
	return made
}

func (m *mark) reached() {
	if m.left.Add(-1) == 0 {
		m.cpu, m.wall = processTime(), time.Now()
		close(m.passed)
	}
}

func processTime() time.Duration {
	usage := unix.Rusage{}
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it has no reason to
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func now() int64 {
	read := unix.Timespec{}
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &read); err != nil {
		panic(err)
	}
	return read.Nano()
}
