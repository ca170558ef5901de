package main

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// gadget is a custom resource as its Go package declares it: a pod by another name.
type gadget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   corev1.PodSpec   `json:"spec,omitempty"`
	Status corev1.PodStatus `json:"status,omitempty"`
}

type gadgetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []gadget `json:"items"`
}

func (g *gadget) DeepCopyObject() runtime.Object {
	copied := &gadget{TypeMeta: g.TypeMeta}
	g.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	g.Spec.DeepCopyInto(&copied.Spec)
	g.Status.DeepCopyInto(&copied.Status)
	return copied
}

func (l *gadgetList) DeepCopyObject() runtime.Object {
	copied := &gadgetList{TypeMeta: l.TypeMeta}
	l.ListMeta.DeepCopyInto(&copied.ListMeta)
	for index := range l.Items {
		copied.Items = append(copied.Items, *l.Items[index].DeepCopyObject().(*gadget))
	}
	return copied
}

// gadgetInformer does by hand what a generated client and its informer factory do.
func gadgetInformer(
	config *rest.Config, resource schema.GroupVersionResource,
) (cache.SharedIndexInformer, error) {
	version := resource.GroupVersion()
	scheme := runtime.NewScheme()
	scheme.AddKnownTypeWithName(version.WithKind("Gadget"), &gadget{})
	scheme.AddKnownTypeWithName(version.WithKind("GadgetList"), &gadgetList{})
	metav1.AddToGroupVersion(scheme, version)
	codecs := serializer.NewCodecFactory(scheme)
	settled := rest.CopyConfig(config)
	settled.APIPath = "/apis"
	settled.GroupVersion = &version
	settled.NegotiatedSerializer = rest.CodecFactoryForGeneratedClient(scheme, codecs).WithoutConversion()
	settled.UserAgent = rest.DefaultKubernetesUserAgent()
	client, err := rest.RESTClientFor(settled)
	if err != nil {
		return nil, err
	}
	source := cache.NewListWatchFromClient(client, resource.Resource, metav1.NamespaceAll, fields.Everything())
	indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	return cache.NewSharedIndexInformer(source, &gadget{}, 0, indexers), nil
}
