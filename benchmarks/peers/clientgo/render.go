package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
)

const (
	longest  = 16 << 20 // bytes of a line, far more than any server sends
	pageSize = 500      // that client-go asks for
)

type line struct {
	Type   watch.EventType `json:"type"`
	Object corev1.Pod      `json:"object"`
}

// contents is the first line of the file.
type contents struct {
	Objects int              `json:"objects"`
	Events  int              `json:"events"`
	Lists   map[string][]int `json:"lists"`
	Frames  []int            `json:"frames"`
}

// renderer holds the encoders of one encoding, and what they made so far.
type renderer struct {
	whole  runtime.Encoder // an object that stands for itself
	bare   runtime.Encoder // the event around it
	framer runtime.Framer
	listed []corev1.Pod
	frames [][]byte
}

// render reads events as lines of JSON and writes a file for the server: see the package's comment.
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
	if err := rendered.read(from); err != nil {
		return err
	}
	return rendered.write(to)
}

func (r *renderer) read(from io.Reader) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longest)
	for lines.Scan() {
		event := line{}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return err
		}
		if err := r.take(event); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if len(r.listed) == 0 {
		return errors.New("nothing was ADDED")
	}
	if len(r.frames) == len(r.listed) { // and nothing behind the list
		return r.endList()
	}
	return nil
}

// take renders an event; the first behind the list ends that, whether or not a bookmark says so.
func (r *renderer) take(event line) error {
	switch {
	case event.Type == watch.Bookmark:
		return nil
	case event.Type == watch.Added:
		r.listed = append(r.listed, event.Object)
	case len(r.listed) == 0:
		return fmt.Errorf("%s before anything was ADDED", event.Type)
	case len(r.frames) == len(r.listed):
		if err := r.endList(); err != nil {
			return err
		}
	}
	return r.frame(event.Type, &event.Object)
}

func (r *renderer) endList() error {
	bookmark := corev1.Pod{}
	bookmark.ResourceVersion = r.version()
	bookmark.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	return r.frame(watch.Bookmark, &bookmark)
}

// version is that of the list: its last object's.
func (r *renderer) version() string {
	return r.listed[len(r.listed)-1].ResourceVersion
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

// pages renders the list in pages of a size; 0 is one page of all.
func (r *renderer) pages(size int) ([][]byte, error) {
	pages := [][]byte{}
	for begin := 0; begin < len(r.listed); {
		behind := len(r.listed)
		if size > 0 {
			behind = min(begin+size, behind)
		}
		list := corev1.PodList{Items: r.listed[begin:behind]}
		list.ResourceVersion = r.version()
		if left := int64(len(r.listed) - behind); left > 0 {
			list.Continue = strconv.Itoa(behind)
			list.RemainingItemCount = &left
		}
		page := bytes.Buffer{}
		if err := r.whole.Encode(&list, &page); err != nil {
			return nil, err
		}
		pages = append(pages, page.Bytes())
		begin = behind
	}
	return pages, nil
}

func (r *renderer) write(to io.Writer) error {
	listed := len(r.listed)
	table := contents{Objects: listed, Events: len(r.frames) - listed - 1, Lists: map[string][]int{}}
	bodies := [][]byte{}
	for _, size := range []int{0, pageSize} { // in the order in which JSON has the two
		pages, err := r.pages(size)
		if err != nil {
			return err
		}
		table.Lists[strconv.Itoa(size)] = lengths(pages)
		bodies = append(bodies, pages...)
	}
	table.Frames = lengths(r.frames)
	buffered := bufio.NewWriter(to)
	if err := json.NewEncoder(buffered).Encode(table); err != nil { // it ends the line
		return err
	}
	for _, body := range append(bodies, r.frames...) {
		buffered.Write(body) // what fails is told by Flush
	}
	return buffered.Flush()
}

func lengths(parts [][]byte) []int {
	found := make([]int, len(parts))
	for index, part := range parts {
		found[index] = len(part)
	}
	return found
}
