//! A command whose lines are read while it runs, and which ends in time.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often it is looked whether the command has ended.
const LOOK: Duration = Duration::from_millis(100);
/// What it started in the background may hold the pipe open for ever; what the
/// command itself has written is read long before that.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Runs `command` and calls `each` with each of its lines. Returns `None` if the command took
/// longer than `limit` and was ended with everything in its process group.
///
/// Both streams go through one pipe, so that `Running tests/x.rs`, which cargo
/// writes to standard error, stays in front of the tests it names.
#[expect(clippy::disallowed_methods, reason = "there is no runtime here")]
pub(crate) fn run(
    mut command: Command,
    limit: Option<Duration>,
    mut each: impl FnMut(&str),
) -> io::Result<Option<ExitStatus>> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    if limit.is_some() {
        // Without a limit it stays in ours, where the terminal's Ctrl-C reaches it.
        command.process_group(0);
    }
    let start = Instant::now();
    let mut child = command.spawn()?;
    // The command holds two ends of the pipe; the reader sees its end only when
    // the last one is closed.
    drop(command);
    let lines = read(reader);
    let mut ended: Option<(Option<ExitStatus>, Instant)> = None;
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => each(&line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if ended.is_none() => {
                // It closed its output and may still be at work.
                std::thread::sleep(LOOK);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
        match ended {
            Some((_, at)) if at.elapsed() > LAST_LINES => break,
            Some(_) => {}
            None => {
                if let Some(status) = child.try_wait()? {
                    ended = Some((Some(status), Instant::now()));
                } else if limit.is_some_and(|limit| start.elapsed() > limit) {
                    end_group(&mut child);
                    child.wait()?;
                    ended = Some((None, Instant::now()));
                }
            }
        }
    }
    Ok(ended.and_then(|(status, _)| status))
}

fn read(reader: io::PipeReader) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            if sender.send(text.trim_end_matches(['\n', '\r']).to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    lines
}

/// Ends the child and what it started: nothing else would end a test's servers.
fn end_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
    if !killed.is_ok_and(|status| status.success()) {
        let _ = child.kill();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{LOOK, run};

    fn sh(script: &str, limit: Option<u64>) -> (Option<i32>, Vec<String>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut lines = Vec::new();
        let limit = limit.map(Duration::from_millis);
        let status = run(command, limit, |line| lines.push(line.to_owned())).expect("sh starts");
        (status.map(|status| status.code().expect("not killed")), lines)
    }

    #[test]
    fn both_streams_come_in_order_and_the_last_line_needs_no_end() {
        let (code, lines) = sh("echo one; echo two >&2; printf three; exit 4", None);
        assert_eq!((code, lines), (Some(4), vec!["one".into(), "two".into(), "three".into()]));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "waits for another process")]
    fn what_takes_too_long_is_ended_with_what_it_started() {
        let start = Instant::now();
        // Two seconds are enough for a shell on a busy machine to say two things.
        let (code, lines) = sh("echo begun; sleep 300 & echo $!; sleep 300", Some(2_000));
        assert_eq!((code, lines.len()), (None, 2), "{lines:?}");
        let stat = format!("/proc/{}/stat", lines[1]);
        // A process that was killed is gone a moment later, and a zombie until it is reaped.
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(start.elapsed() < Duration::from_mins(1), "still runs");
            std::thread::sleep(LOOK);
        }
    }

    #[test]
    fn what_it_left_in_the_background_is_not_waited_for() {
        let start = Instant::now();
        let (code, lines) = sh("sleep 60 & echo $!", None);
        assert_eq!(code, Some(0));
        assert!(start.elapsed() < Duration::from_secs(50));
        let _ = Command::new("kill").arg(&lines[0]).status();
    }
}
