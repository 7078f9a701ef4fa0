//! Where and when numbers were taken: they mean nothing elsewhere.

use std::fs;
use std::process::Command;
use std::time::SystemTime;

use serde_json::{Value, json};

/// The machine and the moment.
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

/// A line that says where and when, of what [`describe`] gave before the first number.
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

/// Of the last minute, five minutes and quarter of an hour.
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
