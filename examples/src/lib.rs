//! This crate has examples only, in the folder `examples/`.
