//! Field numbers of `metrics.proto`, version 0.6 of the client model.

use prost::encoding::{WireType, encode_key, encode_varint};

/// Appends a field of bytes: text or a message.
pub(super) fn bytes(field: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

pub(super) mod family {
    pub(in crate::encode) const NAME: u32 = 1;
    pub(in crate::encode) const HELP: u32 = 2;
    pub(in crate::encode) const TYPE: u32 = 3;
    pub(in crate::encode) const METRIC: u32 = 4;
    pub(in crate::encode) const UNIT: u32 = 5;
}
pub(super) mod metric {
    pub(in crate::encode) const LABEL: u32 = 1;
    pub(in crate::encode) const GAUGE: u32 = 2;
    pub(in crate::encode) const COUNTER: u32 = 3;
    pub(in crate::encode) const HISTOGRAM: u32 = 7;
}
pub(super) mod label {
    pub(in crate::encode) const NAME: u32 = 1;
    pub(in crate::encode) const VALUE: u32 = 2;
}
pub(super) mod counter {
    pub(in crate::encode) const CREATED: u32 = 3;
}
/// The value of a `Gauge` or a `Counter`.
pub(super) const VALUE: u32 = 1;
pub(super) mod histogram {
    pub(in crate::encode) const COUNT: u32 = 1;
    pub(in crate::encode) const SUM: u32 = 2;
    pub(in crate::encode) const BUCKET: u32 = 3;
    pub(in crate::encode) const SCHEMA: u32 = 5;
    pub(in crate::encode) const ZERO_THRESHOLD: u32 = 6;
    pub(in crate::encode) const ZERO_COUNT: u32 = 7;
    pub(in crate::encode) const POSITIVE_SPAN: u32 = 12;
    pub(in crate::encode) const POSITIVE_DELTA: u32 = 13;
    pub(in crate::encode) const CREATED: u32 = 15;
    pub(in crate::encode) const EXEMPLARS: u32 = 16;
}
pub(super) mod bucket {
    pub(in crate::encode) const CUMULATIVE_COUNT: u32 = 1;
    pub(in crate::encode) const UPPER_BOUND: u32 = 2;
    pub(in crate::encode) const EXEMPLAR: u32 = 3;
}
pub(super) mod exemplar {
    pub(in crate::encode) const LABEL: u32 = 1;
    pub(in crate::encode) const VALUE: u32 = 2;
    pub(in crate::encode) const TIMESTAMP: u32 = 3;
}
/// `google.protobuf.Timestamp`.
pub(super) mod timestamp {
    pub(in crate::encode) const SECONDS: u32 = 1;
    pub(in crate::encode) const NANOS: u32 = 2;
}
pub(super) mod span {
    pub(in crate::encode) const OFFSET: u32 = 1;
    pub(in crate::encode) const LENGTH: u32 = 2;
}
