//! The command line, which all the benchmark's peers share.

use std::str::FromStr;

pub const USAGE: &str = "usage: kubers --server URL --mode typed|typed-paged|metadata|dynamic \
    --objects N --events M [--touch] [--handlers H]";

pub struct Options {
    pub server: String,
    pub mode: String,
    pub objects: u64,
    pub events: u64,
    pub touch: bool,
    pub handlers: usize,
}

/// Reads the arguments, without the program's name.
pub fn read(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        server: String::new(),
        mode: String::new(),
        objects: 0,
        events: 0,
        touch: false,
        handlers: 1,
    };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--server" => options.server = value(&word, &mut words)?,
            "--mode" => options.mode = value(&word, &mut words)?,
            "--objects" => options.objects = value(&word, &mut words)?,
            "--events" => options.events = value(&word, &mut words)?,
            "--touch" => options.touch = true,
            "--handlers" => options.handlers = value(&word, &mut words)?,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    checked(options)
}

fn checked(options: Options) -> Result<Options, String> {
    if options.server.is_empty() || options.mode.is_empty() {
        return Err("--server and --mode are needed".to_owned());
    }
    if options.objects == 0 || options.events == 0 || options.handlers == 0 {
        return Err("--objects, --events and --handlers are 1 at least".to_owned());
    }
    if options.touch && options.mode == "metadata" {
        return Err("the metadata of a pod has no status to touch".to_owned());
    }
    Ok(options)
}

fn value<T: FromStr>(name: &str, words: &mut impl Iterator<Item = String>) -> Result<T, String> {
    let word = words.next().ok_or_else(|| format!("{name} needs a value"))?;
    word.parse().map_err(|_| format!("{name} does not take {word:?}"))
}
