//! Runs kube-rs's reflector over the pods of a server, as any controller does, and prints what an
//! object of its first list and an event of its watch cost:
//!
//!     kubers --server URL --mode MODE --objects N --events M [--touch] [--handlers H]
//!
//! Modes: `typed` (the streaming list), `typed-paged` (list then watch, kube-rs's default),
//! `metadata` and `dynamic` (both streaming). What the last line of its output means says
//! ../../README.md. Nothing is tried again: a server that errs ends it.

mod meter;
mod options;

use std::{
    fmt::Debug,
    hash::Hash,
    io::{Read, Write},
    net::TcpStream,
    pin::pin,
    time::Duration,
};

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, Resource,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
    runtime::{
        reflector,
        reflector::store::Writer,
        watcher::{self, Event, watcher},
    },
};

use meter::Meter;
use options::Options;

type Failure = Box<dyn std::error::Error>;

/// Seconds after which it ends unfinished.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() {
    let options = match options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(reason) => {
            eprintln!("kubers: {reason}\n{}", options::USAGE);
            std::process::exit(2);
        }
    };
    let outcome = match tokio::time::timeout(PATIENCE, run(&options)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("not done after {} s", PATIENCE.as_secs()).into()),
    };
    match outcome {
        Ok(report) => println!("{report}"),
        Err(reason) => {
            eprintln!("kubers: {reason}");
            std::process::exit(1);
        }
    }
}

async fn run(options: &Options) -> Result<serde_json::Value, Failure> {
    let client = Client::try_from(Config::new(options.server.parse()?))?;
    let streamed = watcher::Config::default().streaming_lists();
    match options.mode.as_str() {
        "typed" => {
            let watched = watcher(Api::<Pod>::all(client), streamed);
            follow(options, watched, Writer::default(), is_running).await
        }
        "typed-paged" => {
            let watched = watcher(Api::<Pod>::all(client), watcher::Config::default());
            follow(options, watched, Writer::default(), is_running).await
        }
        "metadata" => {
            let watched = watcher(Api::<PartialObjectMeta<Pod>>::all(client), streamed);
            follow(options, watched, Writer::default(), |_| false).await
        }
        "dynamic" => {
            let resource = ApiResource::erase::<Pod>(&());
            let watched = watcher(Api::<DynamicObject>::all_with(client, &resource), streamed);
            follow(options, watched, Writer::new(resource), says_running).await
        }
        other => Err(format!("no mode {other:?}").into()),
    }
}

/// Keeps the store that the stream fills, calls the handlers, and measures both.
async fn follow<K>(
    options: &Options,
    watched: impl Stream<Item = watcher::Result<Event<K>>> + Send,
    writer: Writer<K>,
    touched: fn(&K) -> bool,
) -> Result<serde_json::Value, Failure>
where
    K: Resource + Clone + Debug + Send + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let store = writer.as_reader();
    let mut handlers = handlers(options, touched);
    let mut meter = Meter::started(options);
    let mut events = pin!(reflector(writer, watched));
    while let Some(event) = events.next().await {
        match event? {
            Event::InitApply(object) | Event::Apply(object) => {
                for handler in &mut handlers {
                    handler.call(&object);
                }
                if meter.taken()? {
                    break;
                }
            }
            Event::InitDone => {
                meter.listed(store.len())?;
                let_events_come(&options.server)?;
            }
            Event::Init => {}
            Event::Delete(_) => return Err("an object was deleted, which nobody did".into()),
        }
    }
    let handled = handlers.iter().map(|each| each.calls).sum();
    let touched = handlers.iter().map(|each| each.running).sum();
    meter.report(options, handled, touched, store.len())
}

/// Tells the server that the list is done; it answers, and may hold events back till then.
fn let_events_come(server: &str) -> Result<(), Failure> {
    let address = server.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = TcpStream::connect(address)?;
    connection.write_all(b"POST /go HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    connection.read_exact(&mut [0; 12])?;
    Ok(())
}

/// What a user registers: counts its calls and, where asked, reads one nested field.
struct Handler<K> {
    calls: u64,
    running: u64,
    touched: Option<fn(&K) -> bool>,
}

impl<K> Handler<K> {
    fn call(&mut self, object: &K) {
        self.calls += 1;
        if let Some(touched) = self.touched {
            self.running += u64::from(touched(object));
        }
    }
}

fn handlers<K>(options: &Options, touched: fn(&K) -> bool) -> Vec<Handler<K>> {
    let touched = options.touch.then_some(touched);
    let each = |_| Handler { calls: 0, running: 0, touched };
    (0..options.handlers).map(each).collect()
}

fn is_running(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    status.and_then(|status| status.phase.as_deref()) == Some("Running")
}

fn says_running(object: &DynamicObject) -> bool {
    object.data["status"]["phase"] == "Running"
}
