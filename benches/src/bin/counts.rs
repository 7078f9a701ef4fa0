//! Counts the instructions of a request with callgrind.
//!
//! `counts FILE` compares the counts of the request paths with those in `FILE` and fails if one
//! differs; `counts --renew FILE` writes `FILE`. `counts servers [NAME]` prints the table of the whole
//! servers, or of those whose names contain `NAME`. `counts requests ...` and `counts server ...` are
//! the processes that callgrind runs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks there")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sre_kit_benches::counts::{REQUESTS, SERVER, TOLERANCE, Table};
use sre_kit_benches::instructions::{Program, available, run_counted};
use sre_kit_benches::whole_server::{serve, table};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let ended = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [REQUESTS, ..] => run_counted(&arguments[1..]).ok_or_else(|| "unknown request".to_owned()),
        [SERVER, name] => serve(name).ok_or_else(|| format!("unknown server {name:?}")),
        ["servers"] => servers(""),
        ["servers", part] => servers(part),
        ["--renew", file] => renew(Path::new(file)),
        [file] => compare(Path::new(file)),
        _ => Err("usage: counts [--renew] FILE | counts servers [NAME]".to_owned()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("{err}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the path of this binary, if its instructions can be counted.
fn this() -> Result<PathBuf, String> {
    if !available() {
        return Err("Valgrind is not installed; it counts the instructions".to_owned());
    }
    std::env::current_exe().map_err(|err| err.to_string())
}

fn progress(name: &str) {
    eprintln!("counting: {name}");
}

fn servers(part: &str) -> Result<(), String> {
    let this = this()?;
    let program = Program { path: &this, arguments: &[SERVER] };
    print!("{}", table(program, part, progress)?);
    Ok(())
}

fn count() -> Result<Table, String> {
    let this = this()?;
    Table::count(Program { path: &this, arguments: &[] }, progress)
}

fn renew(file: &Path) -> Result<(), String> {
    let table = count()?;
    std::fs::write(file, table.to_text()).map_err(|err| format!("{}: {err}", file.display()))?;
    print!("{}", table.to_text());
    println!("written; say in the commit why the counts changed");
    Ok(())
}

fn compare(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|err| format!("{}: {err}", file.display()))?;
    let kept = Table::parse(&text).map_err(|err| format!("{}: {err}", file.display()))?;
    let now = count()?;
    if now.built_with != kept.built_with {
        println!("{}", now.to_text());
        println!(
            "not compared: the table is of {}, and this binary was built with {}",
            kept.built_with, now.built_with
        );
        return Ok(());
    }
    let (lines, all_kept) = now.compare(&kept);
    print!("{lines}");
    if all_kept {
        return Ok(());
    }
    Err(format!(
        "a count differs from {} by more than {:.0} %. If it is meant to, write the table anew with \
         `cargo xtask bench --counts --renew`, and say why in the commit",
        file.display(),
        TOLERANCE * 100.0
    ))
}
