//! Describes the machine and the time of a run.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};

/// Returns a description of the machine, with the current time and load.
pub fn describe() -> Value {
    json!({
        "date": httpdate::fmt_http_date(SystemTime::now()),
        "cpu": cpu(),
        "cpus": std::thread::available_parallelism().map_or(0, usize::from),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "clocksource": read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "rustc": first_line("rustc", "--version"),
        "profile": "release: opt-level 3, thin LTO, one codegen unit, no target-cpu",
        "load_average": load_average(),
    })
}

/// Formats the result of [`describe`] from the start of the run as one line.
pub fn heading(begun: &Value, load_average_after: &str, effort: &str) -> String {
    let text = |key: &str| begun[key].as_str().unwrap_or("unknown");
    format!(
        "{}; {}, {} processors, kernel {}, {}; load average {} before and {load_average_after} \
         after; {effort} run",
        text("date"),
        text("cpu"),
        begun["cpus"],
        text("kernel"),
        text("rustc"),
        text("load_average"),
    )
}

/// Returns the load averages of the last 1, 5 and 15 minutes.
pub fn load_average() -> String {
    read("/proc/loadavg").split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn cpu() -> String {
    read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())
}

fn first_line(program: &str, arg: &str) -> String {
    let output = Command::new(program).arg(arg).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().as_deref().and_then(|text| text.lines().next()).unwrap_or("unknown").to_owned()
}
