// Command clientgo runs client-go's own shared informer, as any controller does, and prints what
// an object of its first list and an event of its watch cost:
//
//	clientgo --server URL --mode MODE --objects N --events M [--touch] [--handlers H]
//	clientgo --kubeconfig FILE [--resource CRD] [--arrivals FILE] --mode MODE ...
//	clientgo render < EVENTS > FRAMES
//
// What the last line of its output means says ../../README.md; before that, once the first list is
// whole, it prints {"listed":N}. Modes: typed (as it comes: protobuf where the server can),
// typed-json, protobuf (or typed-protobuf), metadata, dynamic; with -paged behind any of these, the
// list comes in pages instead of streaming. With --resource, as "gadgets.bench.example.com", it
// follows a custom resource instead of pods, one with a pod's spec and status; all in version v1.
// With --arrivals it writes, for each event of the watch, the version and when its handler was
// called (nanoseconds since boot).
//
// render turns JSON, one watch event a line (ADDED, then MODIFIED, all about pods), into what a
// server of protobuf sends; the form of the file says ../../README.md.
package main

import (
	"fmt"
	"os"
	"time"
)

// Seconds after which it ends unfinished.
const patience = 120 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "clientgo:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 1 && arguments[0] == "render" {
		return render(os.Stdin, os.Stdout)
	}
	options, err := readOptions(arguments)
	if err != nil {
		return err
	}
	return measure(options)
}
