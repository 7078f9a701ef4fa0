#!/bin/sh
# Runs rustdoc so that it may write JSON, which is not stable yet. cargo starts it as
# RUSTDOC: were the variable set for cargo, every build script that asks for it ran again.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
