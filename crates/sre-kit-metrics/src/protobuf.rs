//! Prometheus protobuf: `io.prometheus.client.MetricFamily`, each after its length.
//!
//! Messages are written straight into bytes. Building prost's structures first
//! would allocate per bucket, and hold the whole scrape once more.

use prost::encoding::{
    WireType, double, encode_key, encode_varint, int32, int64, sint32, sint64, uint32, uint64,
};

use super::buckets::Buckets;
use super::exemplars::{Exemplar, Exemplars};
use super::labels::pairs;
use super::native::Native;
use super::text::unit;
use super::visit::{Desc, Kind, Visitor};

/// Zero buckets that are cheaper to write than a new span.
const SPAN_GAP: usize = 2;

/// Field numbers of `metrics.proto`, version 0.6 of the client model.
mod field {
    pub(super) mod family {
        pub(crate) const NAME: u32 = 1;
        pub(crate) const HELP: u32 = 2;
        pub(crate) const TYPE: u32 = 3;
        pub(crate) const METRIC: u32 = 4;
        pub(crate) const UNIT: u32 = 5;
    }
    pub(super) mod metric {
        pub(crate) const LABEL: u32 = 1;
        pub(crate) const GAUGE: u32 = 2;
        pub(crate) const COUNTER: u32 = 3;
        pub(crate) const HISTOGRAM: u32 = 7;
    }
    pub(super) mod label {
        pub(crate) const NAME: u32 = 1;
        pub(crate) const VALUE: u32 = 2;
    }
    /// The same in `Gauge` and `Counter`.
    pub(super) const VALUE: u32 = 1;
    pub(super) mod histogram {
        pub(crate) const COUNT: u32 = 1;
        pub(crate) const SUM: u32 = 2;
        pub(crate) const BUCKET: u32 = 3;
        pub(crate) const SCHEMA: u32 = 5;
        pub(crate) const ZERO_THRESHOLD: u32 = 6;
        pub(crate) const ZERO_COUNT: u32 = 7;
        pub(crate) const POSITIVE_SPAN: u32 = 12;
        pub(crate) const POSITIVE_DELTA: u32 = 13;
        pub(crate) const EXEMPLARS: u32 = 16;
    }
    pub(super) mod bucket {
        pub(crate) const CUMULATIVE_COUNT: u32 = 1;
        pub(crate) const UPPER_BOUND: u32 = 2;
        pub(crate) const EXEMPLAR: u32 = 3;
    }
    pub(super) mod exemplar {
        pub(crate) const LABEL: u32 = 1;
        pub(crate) const VALUE: u32 = 2;
        pub(crate) const TIMESTAMP: u32 = 3;
    }
    /// `google.protobuf.Timestamp`.
    pub(super) mod timestamp {
        pub(crate) const SECONDS: u32 = 1;
        pub(crate) const NANOS: u32 = 2;
    }
    pub(super) mod span {
        pub(crate) const OFFSET: u32 = 1;
        pub(crate) const LENGTH: u32 = 2;
    }
}

/// Writes families into bytes. A message is written after its length, so each is
/// put together in a buffer of its own, used again for the next one.
pub(crate) struct ProtobufEncoder<'a> {
    out: &'a mut Vec<u8>,
    kind: Kind,
    family: Vec<u8>,
    metric: Vec<u8>,
    part: Vec<u8>,
    small: Vec<u8>,
    deltas: Vec<i64>,
}

impl<'a> ProtobufEncoder<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            kind: Kind::Gauge,
            family: Vec::new(),
            metric: Vec::new(),
            part: Vec::new(),
            small: Vec::new(),
            deltas: Vec::new(),
        }
    }

    /// Writes the last family.
    pub(crate) fn finish(&mut self) {
        if !self.family.is_empty() {
            encode_varint(self.family.len() as u64, self.out);
            self.out.append(&mut self.family);
        }
    }

    /// Puts `self.part` under the labels into the family.
    fn metric(&mut self, labels: &str, field: u32) {
        self.metric.clear();
        for (name, value) in pairs(labels) {
            self.small.clear();
            bytes(field::label::NAME, name.as_bytes(), &mut self.small);
            bytes(field::label::VALUE, value.as_bytes(), &mut self.small);
            bytes(field::metric::LABEL, &self.small, &mut self.metric);
        }
        bytes(field, &self.part, &mut self.metric);
        bytes(field::family::METRIC, &self.metric, &mut self.family);
    }

    fn native(&mut self, native: &Native, cells: &[u64]) {
        let Some((zero, counts)) = cells.split_first() else { return };
        sint32::encode(field::histogram::SCHEMA, &native.schema(), &mut self.part);
        let threshold = native.zero_threshold();
        double::encode(field::histogram::ZERO_THRESHOLD, &threshold, &mut self.part);
        uint64::encode(field::histogram::ZERO_COUNT, zero, &mut self.part);
        self.deltas.clear();
        let (mut before, mut next) = (0_i64, 0);
        // A span is a run of buckets whose gaps are short.
        while let Some(skip) = counts[next..].iter().position(|&count| count > 0) {
            let start = next + skip;
            let mut end = start + 1;
            while let Some(gap) =
                counts[end..].iter().take(SPAN_GAP + 1).position(|&count| count > 0)
            {
                end += gap + 1;
            }
            // The first offset is a bucket's number, later ones count from the span before.
            let offset = if next == 0 {
                native.number(start + 1)
            } else {
                i32::try_from(start - next).unwrap_or(0)
            };
            self.small.clear();
            sint32::encode(field::span::OFFSET, &offset, &mut self.small);
            let length = u32::try_from(end - start).unwrap_or(0);
            uint32::encode(field::span::LENGTH, &length, &mut self.small);
            bytes(field::histogram::POSITIVE_SPAN, &self.small, &mut self.part);
            for &count in &counts[start..end] {
                let count = count.cast_signed();
                self.deltas.push(count.wrapping_sub(before));
                before = count;
            }
            next = end;
        }
        sint64::encode_packed(field::histogram::POSITIVE_DELTA, &self.deltas, &mut self.part);
    }
}

impl Visitor for ProtobufEncoder<'_> {
    fn family(&mut self, desc: &Desc) {
        self.finish();
        self.kind = desc.kind;
        bytes(field::family::NAME, desc.name.as_bytes(), &mut self.family);
        bytes(field::family::HELP, desc.help.as_bytes(), &mut self.family);
        let kind = match desc.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        };
        encode_key(field::family::TYPE, WireType::Varint, &mut self.family);
        encode_varint(kind, &mut self.family);
        if let Some(unit) = unit(&desc.name) {
            bytes(field::family::UNIT, unit.as_bytes(), &mut self.family);
        }
    }

    fn integer(&mut self, labels: &str, value: u64) {
        self.float(labels, value as f64);
    }

    fn float(&mut self, labels: &str, value: f64) {
        self.part.clear();
        double::encode(field::VALUE, &value, &mut self.part);
        let field = match self.kind {
            Kind::Counter => field::metric::COUNTER,
            Kind::Gauge | Kind::Histogram => field::metric::GAUGE,
        };
        self.metric(labels, field);
    }

    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        row: &[u64],
        exemplars: Option<&Exemplars>,
    ) {
        let counts = buckets.bounds().len() + 1;
        let total = row[..counts].iter().fold(0_u64, |sum, &count| sum.wrapping_add(count));
        self.part.clear();
        uint64::encode(field::histogram::COUNT, &total, &mut self.part);
        let sum = buckets.scale().value(row[counts]);
        double::encode(field::histogram::SUM, &sum, &mut self.part);
        let mut cumulative = 0_u64;
        let bounds = buckets.bounds().iter().map(|&bound| buckets.scale().value(bound));
        for (bucket, bound) in bounds.chain([f64::INFINITY]).enumerate() {
            cumulative = cumulative.wrapping_add(row[bucket]);
            let exemplar = exemplars.and_then(|all| all.get(bucket));
            // +Inf only for its exemplar: the scraper adds it from the count.
            if bound.is_infinite() && exemplar.is_none() {
                continue;
            }
            self.small.clear();
            uint64::encode(field::bucket::CUMULATIVE_COUNT, &cumulative, &mut self.small);
            double::encode(field::bucket::UPPER_BOUND, &bound, &mut self.small);
            if let Some(exemplar) = exemplar {
                let message = exemplar_message(buckets, &exemplar);
                bytes(field::bucket::EXEMPLAR, &message, &mut self.small);
            }
            bytes(field::histogram::BUCKET, &self.small, &mut self.part);
        }
        if let Some(native) = buckets.native() {
            self.native(native, &row[counts + 1..]);
            // A scraper that takes the native part looks for them here.
            for exemplar in (0..counts).filter_map(|bucket| exemplars?.get(bucket)) {
                let message = exemplar_message(buckets, &exemplar);
                bytes(field::histogram::EXEMPLARS, &message, &mut self.part);
            }
        }
        self.metric(labels, field::metric::HISTOGRAM);
    }
}

/// `Exemplar`. There are few, so each has buffers of its own.
fn exemplar_message(buckets: &Buckets, exemplar: &Exemplar) -> Vec<u8> {
    let Exemplar { link, value, at } = exemplar;
    let mut message = Vec::with_capacity(112);
    for (name, id) in [
        ("trace_id", format!("{:032x}", link.trace_id)),
        ("span_id", format!("{:016x}", link.span_id)),
    ] {
        let mut label = Vec::with_capacity(48);
        bytes(field::label::NAME, name.as_bytes(), &mut label);
        bytes(field::label::VALUE, id.as_bytes(), &mut label);
        bytes(field::exemplar::LABEL, &label, &mut message);
    }
    double::encode(field::exemplar::VALUE, &buckets.scale().value(*value), &mut message);
    let mut timestamp = Vec::with_capacity(12);
    int64::encode(field::timestamp::SECONDS, &at.as_secs().cast_signed(), &mut timestamp);
    int32::encode(field::timestamp::NANOS, &at.subsec_nanos().cast_signed(), &mut timestamp);
    bytes(field::exemplar::TIMESTAMP, &timestamp, &mut message);
    message
}

/// A field of bytes: text or a message.
fn bytes(field: u32, value: &[u8], out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(value.len() as u64, out);
    out.extend_from_slice(value);
}
