package main

import (
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// informerOf makes the informer of a mode, and says how a handler reads an object's phase.
func informerOf(options options) (cache.SharedIndexInformer, func(any) string, error) {
	mode, paged := strings.CutSuffix(options.mode, "-paged")
	if paged {
		// Read when first a client is made; it is on as client-go comes.
		if err := os.Setenv("KUBE_FEATURE_WatchListClient", "false"); err != nil {
			return nil, nil, err
		}
	}
	config, err := configOf(options, mode)
	if err != nil {
		return nil, nil, err
	}
	switch mode {
	case "typed", "typed-json", "typed-protobuf", "protobuf":
		if options.resource != pods {
			informer, err := gadgetInformer(config, options.resource)
			return informer, phaseOfGadget, err
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		factory := informers.NewSharedInformerFactory(client, 0)
		return factory.Core().V1().Pods().Informer(), phaseOfPod, nil
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		factory := dynamicinformer.NewDynamicSharedInformerFactory(client, 0)
		return factory.ForResource(options.resource).Informer(), phaseOfUnstructured, nil
	case "metadata":
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		factory := metadatainformer.NewSharedInformerFactory(client, 0)
		return factory.ForResource(options.resource).Informer(), nil, nil
	}
	return nil, nil, fmt.Errorf("no mode %q", options.mode)
}

// configOf gives client-go's defaults, save that nothing holds the pages of a list back.
func configOf(options options, mode string) (*rest.Config, error) {
	config := &rest.Config{Host: options.server}
	if options.kubeconfig != "" {
		read, err := clientcmd.BuildConfigFromFlags("", options.kubeconfig)
		if err != nil {
			return nil, err
		}
		config = read
	}
	config.QPS = -1
	switch mode {
	case "typed-json":
		config.ContentType = runtime.ContentTypeJSON
	case "typed-protobuf", "protobuf":
		config.ContentType = runtime.ContentTypeProtobuf
		config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	}
	return config, nil
}

func phaseOfPod(object any) string {
	return string(object.(*corev1.Pod).Status.Phase)
}

func phaseOfGadget(object any) string {
	return string(object.(*gadget).Status.Phase)
}

func phaseOfUnstructured(object any) string {
	content := object.(*unstructured.Unstructured).Object
	phase, _, _ := unstructured.NestedString(content, "status", "phase")
	return phase
}
