package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// identity is an object's uid and version.
type identity [2]string

// state is one answer; Cache and Held are those of a snapshot only.
type state struct {
	Count  int                 `json:"count"`
	Digest string              `json:"digest"`
	Idle   float64             `json:"idle"` // seconds since the last change of what is held
	Counts map[string]int      `json:"counts"`
	Wrong  []string            `json:"wrong"`
	Cache  map[string]identity `json:"cache,omitempty"`
	Held   map[string]identity `json:"held,omitempty"`
}

// told is what a handler was told, applied to nothing: the same bookkeeping as ../told.py.
type told struct {
	mutex   sync.Mutex
	held    map[string]identity
	counts  map[string]int
	wrong   []string
	digest  uint64 // the sum of those of what is held, so that a change costs the same at any size
	changed time.Time
}

func newTold() *told {
	return &told{
		held: map[string]identity{}, counts: map[string]int{}, wrong: []string{}, changed: time.Now(),
	}
}

func (t *told) handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    t.added,
		UpdateFunc: t.updated,
		DeleteFunc: t.deleted,
	}
}

func (t *told) added(object any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.counts["added"]++
	key, now := named(object)
	if was, ok := t.held[key]; ok {
		t.contradicted("a second add of %s: %v after %v", key, now, was)
	}
	t.hold(key, now)
}

func (t *told) updated(_, object any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.counts["updated"]++
	key, now := named(object)
	was, ok := t.held[key]
	switch {
	case !ok:
		t.contradicted("an update of %s, which was not held", key)
	case was == now:
		t.counts["duplicate"]++
		return
	case was[0] != now[0]:
		t.counts["replaced"]++ // the deletion of the former object was told to nobody
	}
	t.hold(key, now)
}

func (t *told) deleted(object any) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.counts["deleted"]++
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		t.counts["inferred"]++
		object = tombstone.Obj
	}
	key, now := named(object)
	if was, ok := t.held[key]; !ok || was[0] != now[0] {
		t.contradicted("a delete of %s: %v while %v was held", key, now, was)
	}
	t.drop(key)
}

func (t *told) hold(key string, now identity) {
	t.drop(key)
	t.held[key] = now
	t.digest += digestOf(key, now)
}

func (t *told) drop(key string) {
	if was, ok := t.held[key]; ok {
		t.digest -= digestOf(key, was)
		delete(t.held, key)
	}
	t.changed = time.Now()
}

func (t *told) contradicted(format string, values ...any) {
	t.wrong = append(t.wrong, fmt.Sprintf(format, values...))
}

func (t *told) counters() state {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	counts := map[string]int{}
	for name, count := range t.counts {
		counts[name] = count
	}
	return state{
		Count:  len(t.held),
		Digest: fmt.Sprintf("%016x", t.digest),
		Idle:   time.Since(t.changed).Seconds(),
		Counts: counts,
		Wrong:  append([]string{}, t.wrong...),
	}
}

func (t *told) snapshot() map[string]identity {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	held := map[string]identity{}
	for key, now := range t.held {
		held[key] = now
	}
	return held
}

func named(object any) (string, identity) {
	accessor, ok := object.(metav1.Object)
	if !ok {
		panic(fmt.Sprintf("the handler of pods was given a %T", object))
	}
	return keyOf(accessor), identityOf(accessor)
}

func keyOf(object metav1.Object) string {
	return object.GetNamespace() + "/" + object.GetName()
}

func identityOf(object metav1.Object) identity {
	return identity{string(object.GetUID()), object.GetResourceVersion()}
}

// digestOf gives 64 bits for one object held, the same as digest_of in ../told.py.
func digestOf(key string, now identity) uint64 {
	sum := sha256.Sum256([]byte(key + " " + now[0] + " " + now[1]))
	return binary.BigEndian.Uint64(sum[:8])
}
