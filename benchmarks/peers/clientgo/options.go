package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

type options struct {
	server     string
	kubeconfig string
	resource   schema.GroupVersionResource
	mode       string
	objects    int
	events     int
	touch      bool
	handlers   int
	arrivals   string
}

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

func readOptions(arguments []string) (options, error) {
	read := options{}
	resource := ""
	flags := flag.NewFlagSet("clientgo", flag.ContinueOnError)
	flags.StringVar(&read.server, "server", "", "`URL` of a server without TLS")
	flags.StringVar(&read.kubeconfig, "kubeconfig", "", "`FILE` that names a server")
	flags.StringVar(&resource, "resource", "pods", "pods, or a custom resource's full name")
	flags.StringVar(&read.mode, "mode", "", "which client, which encoding")
	flags.IntVar(&read.objects, "objects", 0, "that the list has")
	flags.IntVar(&read.events, "events", 0, "to measure of the watch, after a tenth more")
	flags.BoolVar(&read.touch, "touch", false, "read status.phase of each")
	flags.IntVar(&read.handlers, "handlers", 1, "to register")
	flags.StringVar(&read.arrivals, "arrivals", "", "`FILE` to write when each event came")
	if err := flags.Parse(arguments); err != nil {
		return read, err
	}
	read.resource = pods
	if name, group, custom := strings.Cut(resource, "."); custom {
		read.resource = schema.GroupVersionResource{Group: group, Version: "v1", Resource: name}
	} else if resource != "pods" {
		return read, fmt.Errorf("%s: pods, or a custom resource with its group", resource)
	}
	return read, read.check()
}

func (o options) check() error {
	switch {
	case (o.server == "") == (o.kubeconfig == ""):
		return errors.New("give one of --server and --kubeconfig")
	case o.objects < 1 || o.events < 1 || o.handlers < 1:
		return errors.New("--objects, --events and --handlers are 1 at least")
	case o.touch && strings.HasPrefix(o.mode, "metadata"):
		return errors.New("the metadata of an object has no status to touch")
	}
	return nil
}

// warmUp is how many events are handled before those that are measured.
func (o options) warmUp() int {
	return max(1, o.events/10)
}
