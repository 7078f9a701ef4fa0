//! A file comes back as it was, or not at all.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::format::VERSION;
use crate::metrics::{Registry, TextFormat};
use crate::slo::{Budgets, Clock, ManualClock, Objective, Period, Slo, Slos, Window};

fn slo(name: &str) -> Slo {
    let objective = Objective::percent(99.0).expect("valid");
    // A short period keeps the file small, so that every byte of it can be tried.
    Slo::ratio(name, objective).period(Period::hours(1)).without_tier("fast")
}

fn set(service: &str, slo: Slo) -> Slos {
    Slos::new(service, [slo]).expect("valid")
}

struct Process {
    registry: Registry,
    budgets: Budgets,
    clock: ManualClock,
}

/// A process that starts `later` than the clock's beginning.
fn start(slos: &Slos, path: &PathBuf, later: Duration) -> Process {
    let (clock, handle) = Clock::manual();
    handle.advance(later);
    let registry = Registry::new();
    let budgets = Budgets::builder()
        .slos(slos)
        .clock(clock)
        .checkpoint(path)
        .build(&registry)
        .expect("starts whatever the file says");
    Process { registry, budgets, clock: handle }
}

fn good_in_an_hour(process: &Process) -> u64 {
    let budget = process.budgets.iter().next().expect("one");
    budget.window(Window::hours(1)).good()
}

/// A file with 600 good events, a second apart, written after ten minutes.
fn written(slos: &Slos, path: &PathBuf) -> Vec<u8> {
    let process = start(slos, path, Duration::ZERO);
    let budget = process.budgets.iter().next().expect("one").clone();
    for _ in 0..300 {
        process.clock.advance(Duration::from_secs(2));
        budget.add(2, 0);
        process.budgets.tick();
    }
    process.budgets.save_checkpoint().expect("written");
    fs::read(path).expect("there")
}

const TEN_MINUTES: Duration = Duration::from_mins(10);

#[test]
fn the_next_process_goes_on_and_states_the_pause() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let slos = set("shop", slo("jobs"));
    written(&slos, &path);
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "no temporary file");

    // Thirty minutes after the first began, twenty after it ended.
    let next = start(&slos, &path, 3 * TEN_MINUTES);
    let jobs = next.budgets.slo("jobs").expect("defined");
    let hour = jobs.window(Window::hours(1));
    assert_eq!((hour.good(), hour.bad()), (600, 0));
    assert!((hour.coverage() - 10.0 / 60.0).abs() < 1e-9, "{}", hour.coverage());

    jobs.record_bad();
    next.clock.advance(TEN_MINUTES);
    let hour = jobs.window(Window::hours(1));
    assert_eq!((hour.good(), hour.bad()), (600, 1), "both processes");
    assert!((hour.coverage() - 20.0 / 60.0).abs() < 1e-9, "{}", hour.coverage());
    assert_eq!(jobs.window(Window::minutes(5)).valid(), 1);

    let mut text = String::new();
    next.registry.encode_text(&mut text, TextFormat::Prometheus);
    let exported = "slo_events_total{service=\"shop\",slo=\"jobs\",outcome=\"good\"} 0\n";
    assert!(text.contains(exported), "counters begin at zero in every process");
}

#[test]
fn a_third_process_knows_the_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let slos = set("shop", slo("jobs"));
    written(&slos, &path);
    let second = start(&slos, &path, 2 * TEN_MINUTES);
    second.budgets.slo("jobs").expect("defined").add(5, 0);
    second.clock.advance(TEN_MINUTES);
    second.budgets.save_checkpoint().expect("written");
    let third = start(&slos, &path, 4 * TEN_MINUTES);
    assert_eq!(good_in_an_hour(&third), 605);
    let coverage = third.budgets.iter().next().expect("one").coverage(Window::hours(1));
    assert!((coverage - 20.0 / 60.0).abs() < 1e-9, "two runs of ten minutes: {coverage}");
}

#[test]
fn a_raised_objective_keeps_the_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    written(&set("shop", slo("jobs")), &path);
    let stricter =
        Slo::ratio("jobs", Objective::percent(99.9).expect("valid")).period(Period::hours(1));
    let next = start(&set("shop", stricter), &path, TEN_MINUTES);
    assert_eq!(good_in_an_hour(&next), 600);
}

#[test]
fn a_missing_file_means_empty_windows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("none");
    assert_eq!(good_in_an_hour(&start(&set("shop", slo("jobs")), &path, TEN_MINUTES)), 0);
}

#[test]
fn a_file_that_does_not_fit_is_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let slos = set("shop", slo("jobs"));
    let bytes = written(&slos, &path);
    for (foreign, why) in [
        (set("mail", slo("jobs")), "another service"),
        (set("shop", slo("orders")), "another SLO"),
        (set("shop", slo("jobs").period(Period::hours(2))), "another period"),
        (set("shop", slo("jobs").exclude_marked("synthetic")), "other events"),
    ] {
        assert_eq!(good_in_an_hour(&start(&foreign, &path, TEN_MINUTES)), 0, "{why}");
    }
    let mut newer = bytes.clone();
    newer[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    let end = newer.len() - 4;
    let checksum = crc32fast::hash(&newer[..end]);
    newer[end..].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &newer).expect("written");
    assert_eq!(good_in_an_hour(&start(&slos, &path, TEN_MINUTES)), 0, "a newer version");

    fs::write(&path, &bytes).expect("written");
    let early = start(&slos, &path, Duration::from_mins(8));
    assert_eq!(good_in_an_hour(&early), 0, "from the future");
    let corrected = start(&slos, &path, Duration::from_secs(9 * 60 + 30));
    assert_eq!(good_in_an_hour(&corrected), 600, "half a minute is a corrected clock");
    assert!(!folder.path().join("folder").exists());
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let bytes = written(&set("shop", slo("jobs")), &path);
    for length in 0..bytes.len() {
        super::format::decode(&bytes[..length]).expect_err("cut");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    super::format::decode(&longer).expect_err("longer");
    super::format::decode(&bytes).expect("whole");
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let mut bytes = written(&set("shop", slo("jobs")), &path);
    for index in 0..bytes.len() {
        for bit in [1, 128] {
            bytes[index] ^= bit;
            super::format::decode(&bytes).expect_err("damaged");
            bytes[index] ^= bit;
        }
    }
}

#[test]
fn a_file_that_was_made_up_never_panics() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("slo.checkpoint");
    let slos = set("shop", slo("jobs"));
    let bytes = written(&slos, &path);
    let end = bytes.len() - 4;
    // Wrong in one place and with the right checksum: only the content can tell.
    for index in (12..200).chain((200..end).step_by(97)) {
        let mut forged = bytes.clone();
        forged[index] ^= 0xFF;
        let checksum = crc32fast::hash(&forged[..end]);
        forged[end..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(&path, &forged).expect("written");
        let process = start(&slos, &path, TEN_MINUTES);
        let stats = process.budgets.slo("jobs").expect("defined").window(Window::hours(1));
        assert!(stats.coverage() <= 1.0);
    }
}

#[test]
fn a_failed_write_is_an_error_and_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let slos = set("shop", slo("jobs"));
    let process = start(&slos, &folder.path().join("none/slo.checkpoint"), TEN_MINUTES);
    let err = process.budgets.save_checkpoint().expect_err("no such folder");
    assert_eq!(err.kind(), std::io::ErrorKind::NotFound);

    let path = folder.path().join("slo.checkpoint");
    let bytes = written(&slos, &path);
    // A folder where the temporary file would be.
    fs::create_dir(folder.path().join("slo.checkpoint.tmp")).expect("made");
    let process = start(&slos, &path, TEN_MINUTES);
    process.budgets.save_checkpoint().expect_err("in the way");
    assert_eq!(fs::read(&path).expect("there"), bytes);
}
