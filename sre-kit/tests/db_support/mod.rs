//! Real servers and small fakes for the tests of `sre_kit::db`.
#![allow(dead_code, reason = "not every test file uses all of it")]

pub(crate) mod authority;
pub(crate) mod ldap;
pub(crate) mod metadata;
pub(crate) mod postgres;
pub(crate) mod tokens;
