//! Compiles the service. The compiler is written in Rust, so `protoc` is not needed.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["proto/hello.proto"], ["proto"])?;
    tonic_prost_build::compile_fds(files)?;
    Ok(())
}
