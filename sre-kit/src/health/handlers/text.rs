//! Responses as text: one line, or the verbose form of Kubernetes' API server.

use std::fmt::Write as _;

use super::item::{Item, Subject, short};
use super::page::Page;

/// Renders one line, and the notes.
pub(super) fn plain(page: &Page<'_>) -> String {
    let mut text = if page.passes() { "ok".to_owned() } else { page.output() };
    text.push('\n');
    notes(&mut text, page);
    text
}

/// Renders a line per item, the notes, and the result.
pub(super) fn verbose(page: &Page<'_>, show_details: bool) -> String {
    let mut text = String::new();
    for item in &page.items {
        line(&mut text, item, show_details);
    }
    notes(&mut text, page);
    let result = if page.passes() { "passed" } else { "failed" };
    put(&mut text, format_args!("{} check {result}\n", page.title));
    text
}

fn line(text: &mut String, item: &Item<'_>, show_details: bool) {
    let title = item.title();
    if item.excluded {
        put(text, format_args!("[+]{title} excluded: ok"));
    } else if !item.is_ok() {
        put(text, format_args!("[-]{title} failed: {}", item.reason(show_details)));
    } else if item.is_degraded() {
        put(text, format_args!("[!]{title} degraded: {}", item.reason(show_details)));
    } else {
        put(text, format_args!("[+]{title} ok"));
    }
    if let Subject::Check(check) = &item.subject {
        let mut remarks = Vec::new();
        if !item.gates {
            remarks.push("reported only".to_owned());
        }
        if let Some(age) = check.age() {
            remarks.push(format!("age {}", short(age)));
        }
        match check.contrary_runs() {
            0 => {}
            runs if item.is_ok() => {
                remarks.push(format!("{runs} of {} failures", check.spec().fall));
            }
            runs => remarks.push(format!("{runs} of {} passes", check.spec().rise)),
        }
        if !remarks.is_empty() {
            put(text, format_args!(" ({})", remarks.join(", ")));
        }
    }
    text.push('\n');
}

fn notes(text: &mut String, page: &Page<'_>) {
    for note in &page.notes {
        put(text, format_args!("warning: {note}\n"));
    }
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = text.write_fmt(arguments);
}
