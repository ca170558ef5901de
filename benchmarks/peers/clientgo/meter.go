package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"k8s.io/client-go/tools/cache"
)

// report is the last line of the output.
type report struct {
	Objects  int               `json:"objects"`
	Events   int               `json:"events"`
	ListCPU  float64           `json:"list_cpu_us"`
	ListWall float64           `json:"list_wall_us"`
	CPU      float64           `json:"watch_cpu_us"`
	Wall     float64           `json:"watch_wall_us"`
	Handled  int               `json:"handled"`
	Cached   int               `json:"cached"`
	Touched  int               `json:"touched"`
	Base     int               `json:"rss_base_kib"`
	After    int               `json:"rss_after_kib"`
	Peak     int               `json:"rss_peak_kib"`
	Versions map[string]string `json:"versions"`
}

// meter takes this process's CPU and wall time over the first list and over the watch behind it.
type meter struct {
	options              options
	handlers             []*handler
	listed, began, ended *mark
	failed               chan error
}

func newMeter(options options) *meter {
	return &meter{
		options: options,
		listed:  newMark(options.handlers),
		began:   newMark(options.handlers),
		ended:   newMark(options.handlers),
		failed:  make(chan error, 1),
	}
}

func (m *meter) fail(err error) {
	select {
	case m.failed <- err:
	default: // the first reason is the one to tell
	}
}

func (m *meter) handler(phase func(any) string) *handler {
	warm := m.options.objects + m.options.warmUp()
	made := &handler{
		meter: m, listed: m.options.objects, warm: warm, end: warm + m.options.events,
	}
	if m.options.touch {
		made.phase = phase
	}
	if m.options.arrivals != "" && len(m.handlers) == 0 {
		made.arrivals = make([]arrival, 0, m.options.warmUp()+m.options.events)
	}
	m.handlers = append(m.handlers, made)
	return made
}

// measure follows the server until the last event was handled, and prints what it took.
func measure(options options) error {
	informer, phase, err := informerOf(options)
	if err != nil {
		return err
	}
	meter := newMeter(options)
	for range options.handlers {
		if _, err := informer.AddEventHandler(meter.handler(phase)); err != nil {
			return err
		}
	}
	base := memory("VmRSS:")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cpu, wall := processTime(), time.Now()
	go informer.RunWithContext(ctx)
	if err := meter.wait(ctx, meter.listed); err != nil {
		return err
	}
	if cached := len(informer.GetStore().ListKeys()); cached != options.objects {
		return fmt.Errorf("a list of %d objects: %d are cached", options.objects, cached)
	}
	fmt.Printf("{\"listed\":%d}\n", options.objects)
	if err := letEventsCome(options.server); err != nil {
		return err
	}
	if err := meter.wait(ctx, meter.ended); err != nil {
		return err
	}
	said := meter.report(cpu, wall, base)
	said.Cached = len(informer.GetStore().ListKeys())
	return meter.tell(said, informer)
}

// letEventsCome tells the benchmark's own server that the list is done; a real one is not asked.
func letEventsCome(server string) error {
	if server == "" {
		return nil
	}
	answer, err := http.Post(server+"/go", "text/plain", nil)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

// wait returns once the mark is passed, or with the reason why it will not be.
func (m *meter) wait(ctx context.Context, mark *mark) error {
	select {
	case <-mark.passed:
		return nil
	case err := <-m.failed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not done after %s", patience)
	}
}

func (m *meter) report(cpu time.Duration, wall time.Time, base int) report {
	said := report{
		Objects:  m.options.objects,
		Events:   m.options.events,
		ListCPU:  micros(m.listed.cpu-cpu, m.options.objects),
		ListWall: micros(m.listed.wall.Sub(wall), m.options.objects),
		CPU:      micros(m.ended.cpu-m.began.cpu, m.options.events),
		Wall:     micros(m.ended.wall.Sub(m.began.wall), m.options.events),
		Base:     base,
		After:    memory("VmRSS:"),
		Peak:     memory("VmHWM:"),
		Versions: versions(),
	}
	for _, handler := range m.handlers {
		said.Handled += handler.end
		said.Touched += handler.running
	}
	return said
}

func (m *meter) tell(said report, informer cache.SharedIndexInformer) error {
	if said.Cached != said.Objects {
		return fmt.Errorf("%d of %d objects are cached", said.Cached, said.Objects)
	}
	if m.options.touch && said.Touched != said.Handled {
		return fmt.Errorf("%d of %d objects handled were running", said.Touched, said.Handled)
	}
	if m.options.arrivals != "" {
		if err := m.handlers[0].write(m.options.arrivals); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(said)
}

func (h *handler) write(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewWriter(file)
	for _, each := range h.arrivals[:h.end-h.listed] {
		fmt.Fprintln(lines, each.version, each.at)
	}
	return lines.Flush()
}

func micros(took time.Duration, by int) float64 {
	return float64(took.Nanoseconds()) / 1e3 / float64(by)
}

// memory gives KiB of this process, by the name of a line in /proc; 0 where there is none.
func memory(line string) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "\n"+line)
	kib := 0
	fmt.Sscan(rest, &kib)
	return kib
}

func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	if built, ok := debug.ReadBuildInfo(); ok {
		for _, module := range built.Deps {
			if module.Path == "k8s.io/client-go" {
				found[module.Path] = module.Version
			}
		}
	}
	return found
}
