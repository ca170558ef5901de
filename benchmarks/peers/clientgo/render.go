package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
)

// The longest line read, which is far more than any server sends.
const longest = 16 << 20

type line struct {
	Type   watch.EventType `json:"type"`
	Object json.RawMessage `json:"object"`
}

// renderer holds the encoders of one encoding, and what they made so far.
type renderer struct {
	whole  runtime.Encoder // an object that stands for itself
	bare   runtime.Encoder // the event around it
	framer runtime.Framer
	list   corev1.PodList
	frames [][]byte
}

// render reads events as lines of JSON and writes records of protobuf: see the package's comment.
func render(from io.Reader, to io.Writer) error {
	info, ok := runtime.SerializerInfoForMediaType(
		scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	if !ok {
		return fmt.Errorf("client-go knows no %s", runtime.ContentTypeProtobuf)
	}
	rendered := &renderer{
		whole:  scheme.Codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion),
		bare:   info.StreamSerializer.Serializer,
		framer: info.StreamSerializer.Framer,
	}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		if err := rendered.take(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return rendered.write(to)
}

func (r *renderer) take(text []byte) error {
	read := line{}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	pod := corev1.Pod{}
	if err := json.Unmarshal(read.Object, &pod); err != nil {
		return err
	}
	switch read.Type {
	case watch.Added:
		r.list.Items = append(r.list.Items, pod)
	case watch.Bookmark:
		r.list.ResourceVersion = pod.ResourceVersion
	}
	return r.frame(read.Type, &pod)
}

// frame renders an event: its length, and in it the object, which has an envelope of its own.
func (r *renderer) frame(kind watch.EventType, pod *corev1.Pod) error {
	object := bytes.Buffer{}
	if err := r.whole.Encode(pod, &object); err != nil {
		return err
	}
	event := metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Raw: object.Bytes()}}
	frame := bytes.Buffer{}
	if err := r.bare.Encode(&event, r.framer.NewFrameWriter(&frame)); err != nil {
		return err
	}
	r.frames = append(r.frames, frame.Bytes())
	return nil
}

func (r *renderer) write(to io.Writer) error {
	list := bytes.Buffer{}
	if err := r.whole.Encode(&r.list, &list); err != nil {
		return err
	}
	buffered := bufio.NewWriter(to)
	for _, record := range append([][]byte{list.Bytes()}, r.frames...) {
		length := binary.BigEndian.AppendUint32(nil, uint32(len(record)))
		buffered.Write(length) // what fails is told by Flush
		buffered.Write(record)
	}
	return buffered.Flush()
}
