// Command clientgo runs client-go's own shared informer of the pods of one namespace, as any
// controller does (a typed factory with its defaults, no resync), and tells on demand what it holds.
//
//	clientgo KUBECONFIG NAMESPACE
//
// A line "counters" or "snapshot" on its standard input is answered with one line of JSON; the end
// of the input ends it. What the lines hold says ../sides.py.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: clientgo KUBECONFIG NAMESPACE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(kubeconfig, namespace string) error {
	config, err := configOf(kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactoryWithOptions(
		client, 0, informers.WithNamespace(namespace))
	informer := factory.Core().V1().Pods().Informer()
	told := newTold()
	if _, err := informer.AddEventHandler(told.handler()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	factory.StartWithContext(ctx)
	return answer(told, informer)
}

// configOf reads a kubeconfig of one user; clientcmd would send no token to a server without TLS,
// which the recording proxy is.
func configOf(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	read, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return nil, err
	}
	for _, user := range read.AuthInfos {
		config.BearerToken = user.Token
	}
	return config, nil
}

// answer serves the standard input until it ends.
func answer(told *told, informer cache.SharedIndexInformer) error {
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout) // which ends each with a newline
	for lines.Scan() {
		state := told.counters()
		if lines.Text() == "snapshot" {
			state.Cache = cached(informer)
			state.Held = told.snapshot()
		}
		if err := answers.Encode(state); err != nil {
			return err
		}
	}
	return lines.Err()
}

// cached gives what the informer's store holds, by key.
func cached(informer cache.SharedIndexInformer) map[string]identity {
	held := map[string]identity{}
	for _, object := range informer.GetStore().List() {
		accessor, err := meta.Accessor(object)
		if err != nil {
			panic(err) // the store holds pods
		}
		held[keyOf(accessor)] = identityOf(accessor)
	}
	return held
}
