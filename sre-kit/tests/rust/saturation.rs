//! What is read of the runtime, the control group and pools, and what is left out.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use sre_kit::metrics::{Registry, TextFormat};
use sre_kit::saturation::{CgroupSnapshot, Saturation, Snapshot};
use sre_kit::{ConfigError, PoolUsage};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// A tree of files, each with its text.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        write(root.path(), path, text);
    }
    root
}

fn write(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("below the root")).expect("made");
    fs::write(path, text).expect("written");
}

fn read(root: &TempDir) -> (Arc<Snapshot>, String) {
    let registry = Registry::new();
    let saturation =
        Saturation::builder().filesystem_root(root.path()).build(&registry).expect("valid");
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    (saturation.snapshot(), text)
}

fn cgroup(files: &[(&str, &str)]) -> CgroupSnapshot {
    read(&tree(files)).0.cgroup.clone()
}

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

const V2: &str = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

/// A pod of version 2 in a cgroup namespace: its own group is the root it sees.
const POD: &[(&str, &str)] = &[
    ("proc/self/cgroup", "0::/\n"),
    ("proc/self/mountinfo", V2),
    (
        "sys/fs/cgroup/cpu.stat",
        "usage_usec 9000000\nuser_usec 1\nsystem_usec 2\nnr_periods 200\nnr_throttled 50\n\
         throttled_usec 2500000\nnr_bursts 0\nburst_usec 0\n",
    ),
    ("sys/fs/cgroup/cpu.max", "250000 100000\n"),
    ("sys/fs/cgroup/memory.current", "402653184\n"),
    ("sys/fs/cgroup/memory.max", "536870912\n"),
    ("sys/fs/cgroup/memory.high", "max\n"),
    (
        "sys/fs/cgroup/memory.events",
        "low 0\nhigh 4\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\nnew_in_some_kernel 9\n",
    ),
    (
        "sys/fs/cgroup/cpu.pressure",
        "some avg10=1.00 avg60=1.00 avg300=1.00 total=1500000\n\
         full avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n",
    ),
    ("sys/fs/cgroup/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"),
];

// ===== version 2 =====

#[test]
fn a_pod_of_version_2_is_read_whole() {
    let (snapshot, text) = read(&tree(POD));
    let cgroup = &snapshot.cgroup;
    assert_eq!(cgroup.cpu_quota_cores, Some(2.5));
    assert_eq!(cgroup.cpu_throttled, Some(Duration::from_millis(2_500)));
    assert_eq!(cgroup.memory_utilization(), Some(0.75));
    for line in [
        "cgroup_cpu_periods_total 200",
        "cgroup_cpu_throttled_periods_total 50",
        "cgroup_cpu_throttled_seconds_total 2.5",
        "cgroup_cpu_quota_cores 2.5",
        "cgroup_memory_usage_bytes 402653184",
        "cgroup_memory_max_bytes 536870912",
        "cgroup_memory_events_total{event=\"high\"} 4",
        "cgroup_memory_events_total{event=\"oom_kill\"} 1",
        "cgroup_memory_events_total{event=\"low\"} 0",
        "cgroup_pressure_stalled_seconds_total{resource=\"cpu\",kind=\"some\"} 1.5",
        "cgroup_pressure_stalled_seconds_total{resource=\"cpu\",kind=\"full\"} 0.25",
        "cgroup_pressure_stalled_seconds_total{resource=\"memory\",kind=\"some\"} 0.0",
    ] {
        assert!(has(&text, line), "{line} in\n{text}");
    }
    assert!(!text.contains("cgroup_memory_high_bytes"), "no limit is no series");
    assert!(!text.contains("resource=\"io\""), "an absent file is no series");
    assert!(!text.contains("new_in_some_kernel"), "labels are a known set");
}

#[test]
fn without_a_namespace_the_own_group_is_found_below_the_mount_and_the_tightest_limit_counts() {
    let own = "sys/fs/cgroup/kubepods.slice/pod 1/app";
    let pod = "sys/fs/cgroup/kubepods.slice/pod 1";
    let root = tree(&[
        ("proc/self/cgroup", "0::/kubepods.slice/pod 1/app\n"),
        ("proc/self/mountinfo", V2),
        ("sys/fs/cgroup/cpu.stat", "nr_periods 1\nnr_throttled 1\nthrottled_usec 1\n"),
    ]);
    write(root.path(), &format!("{own}/cpu.max"), "max 100000\n");
    write(root.path(), &format!("{own}/cpu.stat"), "nr_periods 0\nnr_throttled 0\n");
    write(root.path(), &format!("{pod}/cpu.max"), "50000 100000\n");
    write(root.path(), &format!("{pod}/cpu.stat"), "nr_periods 10\nnr_throttled 9\n");
    write(root.path(), &format!("{own}/memory.current"), "1000\n");
    write(root.path(), &format!("{own}/memory.max"), "max\n");
    write(root.path(), &format!("{pod}/memory.max"), "4000\n");
    write(root.path(), "sys/fs/cgroup/kubepods.slice/memory.max", "8000\n");
    let cgroup = read(&root).0.cgroup.clone();
    assert_eq!(cgroup.cpu_quota_cores, Some(0.5), "the pod's, not the container's");
    assert_eq!(cgroup.cpu_throttled_periods, Some(9), "counted where the quota is");
    assert_eq!(cgroup.memory_utilization(), Some(0.25));
}

#[test]
fn a_process_outside_of_its_namespace_is_read_at_the_mount() {
    let mut files = POD.to_vec();
    files[0] = ("proc/self/cgroup", "0::/../../other\n");
    assert_eq!(cgroup(&files).memory_usage, Some(402_653_184));
}

#[test]
fn a_mount_point_with_a_space_is_found() {
    let cgroup = cgroup(&[
        ("proc/self/cgroup", "0::/\n"),
        ("proc/self/mountinfo", "30 24 0:26 / /mnt/my\\040groups rw - cgroup2 none rw\n"),
        ("mnt/my groups/memory.current", "7\n"),
    ]);
    assert_eq!(cgroup.memory_usage, Some(7));
}

// ===== version 1 and both =====

/// The host's cgroup namespace, as Docker has it on version 1: only the
/// container's own part of each hierarchy is mounted.
const DOCKER_V1: &[(&str, &str)] = &[
    (
        "proc/self/cgroup",
        "12:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
    ),
    (
        "proc/self/mountinfo",
        "1 0 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
         2 0 0:31 /docker/abc /sys/fs/cgroup/memory ro master:11 - cgroup cgroup rw,memory\n",
    ),
    (
        "sys/fs/cgroup/cpu,cpuacct/cpu.stat",
        "nr_periods 100\nnr_throttled 20\nthrottled_time 3000000000\n",
    ),
    ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n"),
    ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
    ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100\n"),
    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "200\n"),
    ("sys/fs/cgroup/memory/memory.failcnt", "5\n"),
    ("sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
];

#[test]
fn a_container_of_version_1_is_read_whole() {
    let (snapshot, text) = read(&tree(DOCKER_V1));
    let cgroup = &snapshot.cgroup;
    assert_eq!(cgroup.cpu_periods, Some(100));
    assert_eq!(cgroup.cpu_throttled_periods, Some(20));
    assert_eq!(cgroup.cpu_throttled, Some(Duration::from_secs(3)));
    assert_eq!(cgroup.cpu_quota_cores, Some(1.5));
    assert_eq!(cgroup.memory_utilization(), Some(0.5));
    assert!(has(&text, "cgroup_memory_events_total{event=\"max\"} 5"));
    assert!(has(&text, "cgroup_memory_events_total{event=\"oom_kill\"} 2"));
    assert!(!text.contains("event=\"oom\""), "version 1 does not count those");
}

#[test]
fn version_1_without_limits_has_none() {
    let mut files = DOCKER_V1.to_vec();
    files[3].1 = "-1\n";
    files[6].1 = "9223372036854771712\n";
    let cgroup = cgroup(&files);
    assert_eq!((cgroup.cpu_quota_cores, cgroup.memory_max), (None, None));
    assert_eq!(cgroup.cpu_periods, Some(100), "the rest is there");
}

#[test]
fn a_hybrid_machine_is_read_controller_by_controller() {
    let cgroup = cgroup(&[
        ("proc/self/cgroup", "2:memory:/app\n1:name=systemd:/app\n0::/app\n"),
        (
            "proc/self/mountinfo",
            "1 0 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             2 0 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        ),
        ("sys/fs/cgroup/memory/app/memory.usage_in_bytes", "11\n"),
        ("sys/fs/cgroup/unified/app/memory.current", "22\n"),
        ("sys/fs/cgroup/unified/app/cpu.max", "100000 50000\n"),
        ("sys/fs/cgroup/unified/app/io.pressure", "full avg10=0 avg60=0 avg300=0 total=3\n"),
    ]);
    assert_eq!(cgroup.memory_usage, Some(11), "memory is of version 1 here");
    assert_eq!(cgroup.cpu_quota_cores, Some(2.0), "processor time of version 2");
    assert_eq!(cgroup.io_pressure.full, Some(Duration::from_micros(3)));
    assert_eq!(cgroup.io_pressure.some, None);
}

// ===== nothing and nonsense =====

#[test]
fn where_there_are_no_groups_there_are_no_series() {
    let (snapshot, text) = read(&tree(&[]));
    assert_eq!(snapshot.cgroup, CgroupSnapshot::default());
    assert!(!text.contains("cgroup_"), "{text}");
}

#[test]
fn nonsense_is_left_out_file_by_file() {
    let root = tree(POD);
    write(root.path(), "sys/fs/cgroup/cpu.max", "lots of it\n");
    write(root.path(), "sys/fs/cgroup/memory.current", [0xff, 0xfe, 0x00]);
    write(root.path(), "sys/fs/cgroup/memory.max", "-1\n");
    write(root.path(), "sys/fs/cgroup/cpu.stat", "nr_periods\nnr_throttled many\n\n");
    write(root.path(), "sys/fs/cgroup/memory.events", "oom_kill 18446744073709551616\nmax 3\n");
    write(root.path(), "sys/fs/cgroup/cpu.pressure", "");
    let (snapshot, text) = read(&root);
    let cgroup = &snapshot.cgroup;
    assert_eq!((cgroup.cpu_quota_cores, cgroup.cpu_periods), (None, None));
    assert_eq!((cgroup.memory_usage, cgroup.memory_max), (None, None));
    assert_eq!((cgroup.memory_events.oom_kill, cgroup.memory_events.max), (None, Some(3)));
    assert!(!text.contains("cgroup_cpu_"), "{text}");
}

#[test]
fn nonsense_in_proc_finds_nothing() {
    for (groups, mounts) in [
        ("", V2),
        ("0::/\n", ""),
        ("0::/\n", "30 24 0:26 /\n - cgroup2\n - \n30 24 0:26 / relative rw - cgroup2 x rw\n"),
        ("\n::\n:\n0\n", V2),
        ("0::/gone (deleted)\n", V2),
    ] {
        let cgroup = cgroup(&[
            ("proc/self/cgroup", groups),
            ("proc/self/mountinfo", mounts),
            ("sys/fs/cgroup/memory.current", "1\n"),
        ]);
        assert_eq!(cgroup, CgroupSnapshot::default(), "{groups:?} {mounts:?}");
    }
}

#[test]
fn a_quota_of_nothing_is_none() {
    for text in ["0 100000", "100000 0", "max 100000", "max", ""] {
        let mut files = POD.to_vec();
        files[3].1 = text;
        assert_eq!(cgroup(&files).cpu_quota_cores, None, "{text:?}");
    }
}

#[test]
fn this_machine_can_be_read() {
    // What is there depends on the machine; that it does not fail does not.
    let saturation = Saturation::builder().build(&Registry::new()).expect("valid");
    let snapshot = saturation.snapshot();
    assert!(snapshot.runtimes.is_empty());
    assert!(snapshot.cgroup.cpu_quota_cores.is_none_or(|cores| cores > 0.0));
}

#[test]
fn a_reading_is_shared_while_it_is_young() {
    let root = tree(POD);
    let build = |age| {
        let registry = Registry::new();
        let builder = Saturation::builder().filesystem_root(root.path());
        builder.max_age(age).build(&registry).expect("valid")
    };
    let (patient, eager) = (build(Duration::from_hours(1)), build(Duration::ZERO));
    let first = patient.snapshot();
    write(root.path(), "sys/fs/cgroup/memory.current", "1\n");
    assert!(Arc::ptr_eq(&first, &patient.snapshot()));
    assert_eq!(eager.snapshot().cgroup.memory_usage, Some(1));
}

// ===== the runtime =====

/// The observations and the sum of the lag histogram.
fn lags(registry: &Registry) -> (u64, f64) {
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    let value = |suffix: &str| {
        let name = format!("tokio_runtime_scheduling_lag_seconds_{suffix} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
        line.expect("exists from the start")
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (value("count") as u64, value("sum"))
}

#[tokio::test(start_paused = true)]
async fn an_idle_runtime_is_probed_ten_times_a_second_and_is_never_late() {
    let registry = Registry::new();
    let saturation =
        Saturation::builder().runtime(Handle::current()).build(&registry).expect("valid");
    assert_eq!(lags(&registry).0, 0, "exists at zero");
    tokio::time::sleep(Duration::from_millis(10_050)).await;
    let (count, sum) = lags(&registry);
    // Tokio's timer rounds up to the next millisecond.
    assert!((98..=100).contains(&count), "{count} probes in ten seconds");
    assert!(sum < 0.2, "{sum} s in all");
    assert!(saturation.snapshot().runtimes[0].scheduling_lag < Some(Duration::from_millis(3)));
}

#[test]
fn a_blocked_worker_shows_as_lag_while_it_lasts_and_afterwards() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    let registry = Registry::new();
    let saturation = Saturation::builder()
        .runtime(runtime.handle().clone())
        .max_age(Duration::ZERO)
        .build(&registry)
        .expect("valid");
    let lag = || saturation.snapshot().runtimes[0].scheduling_lag;
    let wait = |what: &str, met: &dyn Fn() -> bool| {
        for _ in 0..2_000 {
            if met() {
                return;
            }
            // The test's own thread may wait; it is no worker of a runtime.
            let (_keep, never) = mpsc::channel::<()>();
            let _ = never.recv_timeout(Duration::from_millis(10));
        }
        panic!("never: {what}");
    };
    wait("a first probe", &|| lags(&registry).0 > 0);
    let (blocked, release) = (Arc::new(AtomicBool::new(false)), mpsc::channel::<()>());
    let (flag, (release, released)) = (Arc::clone(&blocked), release);
    let task = runtime.spawn(async move {
        flag.store(true, Ordering::Release);
        // The only worker waits here for somebody else: what must never be done.
        let _ = released.recv();
    });
    wait("the worker is blocked", &|| blocked.load(Ordering::Acquire));
    let before = lags(&registry);
    wait("it is seen while it lasts", &|| lag() >= Some(Duration::from_millis(300)));
    assert!(lags(&registry).0 <= before.0 + 1, "the probe itself is stuck");
    drop(release);
    wait("it is recorded", &|| lags(&registry).1 >= before.1 + 0.3);
    drop(task);
    assert!(saturation.snapshot().runtimes[0].parks[0] > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_runtime_s_own_numbers_are_there_per_worker() {
    let registry = Registry::new();
    let builder = Saturation::builder().named_runtime("main", Handle::current());
    let saturation = builder.build(&registry).expect("valid");
    let snapshot = saturation.snapshot();
    let runtime = &snapshot.runtimes[0];
    assert_eq!((runtime.workers, runtime.busy.len(), runtime.parks.len()), (3, 3, 3));
    assert!(runtime.alive_tasks >= 1, "the probe at least");
    let mut text = String::new();
    registry.encode_text(&mut text, TextFormat::Prometheus);
    assert!(has(&text, "tokio_runtime_workers{runtime=\"main\"} 3"), "{text}");
    for series in [
        "tokio_runtime_alive_tasks{runtime=\"main\"} ",
        "tokio_runtime_global_queue_depth{runtime=\"main\"} ",
        "tokio_runtime_worker_busy_seconds_total{runtime=\"main\",worker=\"2\"} ",
        "tokio_runtime_worker_parks_total{runtime=\"main\",worker=\"0\"} ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(series)), "{series} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_probe_ends_with_the_last_who_could_see_it() {
    let registry = Registry::new();
    let saturation =
        Saturation::builder().runtime(Handle::current()).build(&registry).expect("valid");
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let with_probe = tasks();
    drop(saturation);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(tasks(), with_probe, "the registry shows it");
    drop(registry);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(tasks(), with_probe - 1);
}

// ===== pools and settings =====

#[test]
fn a_pool_is_in_the_first_reading_after_it_was_added() {
    let hour = Duration::from_hours(1);
    let saturation = Saturation::builder().max_age(hour).build(&Registry::new()).expect("valid");
    assert!(saturation.snapshot().pools.is_empty());
    saturation.add_pool("late", || Some(PoolUsage::default())).expect("a new name");
    assert_eq!(saturation.snapshot().pools[0].name, "late");
}

#[test]
fn pools_are_reported_while_they_are_there() {
    let registry = Registry::new();
    let open = Arc::new(AtomicBool::new(true));
    let is_open = Arc::clone(&open);
    let usage = PoolUsage { size: 8, used: 5, max: 10, waiting: Some(2) };
    let saturation = Saturation::builder()
        .filesystem_root("/nowhere")
        .max_age(Duration::ZERO)
        .pool("orders", move || is_open.load(Ordering::Relaxed).then_some(usage))
        .build(&registry)
        .expect("valid");
    saturation
        .add_pool("replica", || Some(PoolUsage { max: 4, ..PoolUsage::default() }))
        .expect("a new name");
    let scrape = || {
        let mut text = String::new();
        registry.encode_text(&mut text, TextFormat::Prometheus);
        text
    };
    let text = scrape();
    for line in [
        "saturation_pool_size{pool=\"orders\"} 8",
        "saturation_pool_used{pool=\"orders\"} 5",
        "saturation_pool_max{pool=\"orders\"} 10",
        "saturation_pool_waiting{pool=\"orders\"} 2",
        "saturation_pool_used{pool=\"replica\"} 0",
    ] {
        assert!(has(&text, line), "{line} in\n{text}");
    }
    assert!(!text.contains("saturation_pool_waiting{pool=\"replica\"}"), "it does not know");
    assert_eq!(saturation.snapshot().pools[0].usage.utilization(), Some(0.5));
    open.store(false, Ordering::Relaxed);
    assert!(!scrape().contains("orders"), "a closed pool is no pool of nothing");
    assert_eq!(PoolUsage::default().utilization(), None);
}

#[tokio::test]
async fn bad_settings_are_refused_in_one_sentence() {
    let none = || None::<PoolUsage>;
    let registry = Registry::new();
    let here = Handle::current;
    let new = || Saturation::builder();
    let cases: Vec<(&str, Result<Saturation, ConfigError>)> = vec![
        (
            "runtime.name",
            Saturation::builder().runtime(here()).runtime(here()).build(&Registry::new()),
        ),
        ("pool.name", Saturation::builder().pool("", none).build(&Registry::new())),
        (
            "pool.name",
            Saturation::builder().pool("a", none).pool("a", none).build(&Registry::new()),
        ),
        ("max_age", Saturation::builder().max_age(Duration::MAX).build(&Registry::new())),
        ("metric name", new().build(&registry).and_then(|_first| new().build(&registry))),
    ];
    for (field, result) in cases {
        let err = result.expect_err(field);
        assert_eq!(err.field(), field, "{err}");
    }
    let saturation = Saturation::builder().build(&Registry::new()).expect("valid");
    for n in 0..100 {
        saturation.add_pool(format!("{n}"), none).expect("up to a hundred");
    }
    assert_eq!(saturation.add_pool("100", none).expect_err("too many").field(), "pool.name");
}
