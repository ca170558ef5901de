//! Takes this process's CPU and wall time over the first list and over the watch behind it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Failure, options::Options};

const MANIFEST: &str = include_str!("../Cargo.toml");

/// What both clocks said at one moment.
#[derive(Clone, Copy)]
struct Moment {
    cpu: Duration,
    wall: Instant,
}

/// Counts what the handlers were given: the list's objects, the warm-up's events, then those that
/// are measured.
pub struct Meter {
    objects: u64,
    turn: u64, // with the last of the warm-up
    end: u64,
    taken: u64,
    base_kib: u64,
    start: Moment,
    listed: Option<Moment>,
    began: Option<Moment>,
    ended: Option<Moment>,
}

impl Meter {
    pub fn started(options: &Options) -> Self {
        let warm_up = (options.events / 10).max(1);
        let turn = options.objects + warm_up;
        Self {
            objects: options.objects,
            turn,
            end: turn + options.events,
            taken: 0,
            base_kib: memory("VmRSS:"),
            start: Moment::now(),
            listed: None,
            began: None,
            ended: None,
        }
    }

    /// One object went to the handlers; true once there is nothing more to do.
    pub fn taken(&mut self) -> Result<bool, Failure> {
        self.taken += 1;
        if self.taken > self.objects && self.listed.is_none() {
            return Err(format!("more than {} objects were listed", self.objects).into());
        }
        if self.taken == self.turn {
            self.began = Some(Moment::now());
        }
        if self.taken == self.end {
            self.ended = Some(Moment::now());
        }
        Ok(self.ended.is_some())
    }

    /// The first list is whole.
    pub fn listed(&mut self, cached: usize) -> Result<(), Failure> {
        if self.listed.is_some() || self.taken != self.objects || cached as u64 != self.objects {
            let told = format!("{} told, {cached} cached", self.taken);
            return Err(format!("a list of {} objects: {told}", self.objects).into());
        }
        self.listed = Some(Moment::now());
        Ok(())
    }

    pub fn report(
        &self,
        options: &Options,
        handled: u64,
        touched: u64,
        cached: usize,
    ) -> Result<Value, Failure> {
        let (Some(listed), Some(began), Some(ended)) = (self.listed, self.began, self.ended) else {
            return Err(format!("the stream ended after {} objects and events", self.taken).into());
        };
        if cached as u64 != self.objects {
            return Err(format!("{cached} of {} objects are cached", self.objects).into());
        }
        if options.touch && touched != handled {
            return Err(format!("{touched} of {handled} pods handled were running").into());
        }
        Ok(json!({
            "objects": options.objects,
            "events": options.events,
            "list_cpu_us": micros(listed.cpu - self.start.cpu, options.objects),
            "list_wall_us": micros(listed.wall - self.start.wall, options.objects),
            "watch_cpu_us": micros(ended.cpu - began.cpu, options.events),
            "watch_wall_us": micros(ended.wall - began.wall, options.events),
            "handled": handled,
            "cached": cached,
            "touched": touched,
            "rss_base_kib": self.base_kib,
            "rss_after_kib": memory("VmRSS:"),
            "rss_peak_kib": memory("VmHWM:"),
            "versions": {"kube": pinned("kube"), "k8s-openapi": pinned("k8s-openapi")},
        }))
    }
}

impl Moment {
    fn now() -> Self {
        let (mut usage, wall) = (std::mem::MaybeUninit::<libc::rusage>::zeroed(), Instant::now());
        // SAFETY: the kernel fills the whole struct, which zeroes are a valid value of anyway.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
            usage.assume_init()
        };
        Self { cpu: duration(usage.ru_utime) + duration(usage.ru_stime), wall }
    }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}

fn micros(took: Duration, by: u64) -> f64 {
    took.as_secs_f64() * 1e6 / by as f64
}

/// KiB of this process, by the name of a line in /proc; 0 where there is none.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|each| each.strip_prefix(line));
    let number = found.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The version of a dependency, which the manifest pins.
fn pinned(name: &str) -> Option<&'static str> {
    let line = MANIFEST.lines().find(|line| line.starts_with(&format!("{name} = ")))?;
    line.split_once("\"=").and_then(|(_, rest)| rest.split('"').next())
}
