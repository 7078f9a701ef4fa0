//! Compiles the tonic example's service, with a compiler in Rust: no `protoc` needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["proto/greeter.proto"], ["proto"])?;
    tonic_prost_build::compile_fds(files)?;
    Ok(())
}
