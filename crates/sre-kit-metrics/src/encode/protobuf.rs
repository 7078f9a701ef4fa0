//! Prometheus protobuf: `io.prometheus.client.MetricFamily`, each after its length.
//!
//! Messages are written directly into bytes. Prost's structures would allocate per bucket and hold
//! the whole scrape a second time.

use prost::encoding::{WireType, double, encode_key, encode_varint, int32, int64, uint64};

use super::field::{self, bytes};
use super::native::NativeEncoder;
use super::text::unit;
use crate::buckets::Buckets;
use crate::exemplars::{Exemplar, Exemplars};
use crate::labels::pairs;
use crate::visit::{Desc, Kind, Visitor};

/// Appends families to bytes. A message is written after its length, so each is assembled in a
/// buffer, which is reused for the next one.
pub(super) struct ProtobufEncoder<'a> {
    out: &'a mut Vec<u8>,
    kind: Kind,
    created: Option<u32>,
    family: Vec<u8>,
    metric: Vec<u8>,
    value: Vec<u8>,
    field: Vec<u8>,
    native: NativeEncoder,
}

impl<'a> ProtobufEncoder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            kind: Kind::Gauge,
            created: None,
            family: Vec::new(),
            metric: Vec::new(),
            value: Vec::new(),
            field: Vec::new(),
            native: NativeEncoder::default(),
        }
    }

    /// Appends the last family.
    pub(super) fn finish(&mut self) {
        if !self.family.is_empty() {
            encode_varint(self.family.len() as u64, self.out);
            self.out.append(&mut self.family);
        }
    }

    /// Appends when the series began to `self.value`, if that is known.
    fn append_created(&mut self, field: u32) {
        if let Some(seconds) = self.created.take() {
            self.field.clear();
            int64::encode(field::timestamp::SECONDS, &i64::from(seconds), &mut self.field);
            bytes(field, &self.field, &mut self.value);
        }
    }

    /// Appends a metric with these labels and `self.value` to the family.
    fn metric(&mut self, labels: &str, field: u32) {
        self.metric.clear();
        for (name, value) in pairs(labels) {
            self.field.clear();
            bytes(field::label::NAME, name.as_bytes(), &mut self.field);
            bytes(field::label::VALUE, value.as_bytes(), &mut self.field);
            bytes(field::metric::LABEL, &self.field, &mut self.metric);
        }
        bytes(field, &self.value, &mut self.metric);
        bytes(field::family::METRIC, &self.metric, &mut self.family);
    }
}

impl Visitor for ProtobufEncoder<'_> {
    fn family(&mut self, desc: &Desc) {
        self.finish();
        self.kind = desc.kind;
        self.created = None;
        bytes(field::family::NAME, desc.name.as_bytes(), &mut self.family);
        bytes(field::family::HELP, desc.help.as_bytes(), &mut self.family);
        let kind = match desc.kind {
            Kind::Counter => 0,
            Kind::Gauge | Kind::UpDownCounter => 1,
            Kind::Histogram => 4,
        };
        encode_key(field::family::TYPE, WireType::Varint, &mut self.family);
        encode_varint(kind, &mut self.family);
        if let Some(unit) = unit(&desc.name) {
            bytes(field::family::UNIT, unit.as_bytes(), &mut self.family);
        }
    }

    fn created(&mut self, seconds: u32) {
        self.created = Some(seconds);
    }

    fn integer(&mut self, labels: &str, value: u64) {
        self.float(labels, value as f64);
    }

    fn float(&mut self, labels: &str, value: f64) {
        self.value.clear();
        double::encode(field::VALUE, &value, &mut self.value);
        let field = match self.kind {
            Kind::Counter => {
                self.append_created(field::counter::CREATED);
                field::metric::COUNTER
            }
            Kind::Gauge | Kind::UpDownCounter | Kind::Histogram => field::metric::GAUGE,
        };
        self.metric(labels, field);
    }

    fn histogram(
        &mut self,
        labels: &str,
        buckets: &Buckets,
        cells: &[u64],
        exemplars: Option<&Exemplars>,
    ) {
        let counts = buckets.bounds().len() + 1;
        let total = cells[..counts].iter().fold(0_u64, |sum, &count| sum.wrapping_add(count));
        self.value.clear();
        uint64::encode(field::histogram::COUNT, &total, &mut self.value);
        let sum = buckets.scale().value(cells[counts]);
        double::encode(field::histogram::SUM, &sum, &mut self.value);
        let mut cumulative = 0_u64;
        let bounds = buckets.bounds().iter().map(|&bound| buckets.scale().value(bound));
        for (bucket, bound) in bounds.chain([f64::INFINITY]).enumerate() {
            cumulative = cumulative.wrapping_add(cells[bucket]);
            let exemplar = exemplars.and_then(|all| all.get(bucket));
            // `+Inf` is written only for its exemplar: the scraper derives it from the count.
            if bound.is_infinite() && exemplar.is_none() {
                continue;
            }
            self.field.clear();
            uint64::encode(field::bucket::CUMULATIVE_COUNT, &cumulative, &mut self.field);
            double::encode(field::bucket::UPPER_BOUND, &bound, &mut self.field);
            if let Some(exemplar) = exemplar {
                let message = exemplar_message(buckets, &exemplar);
                bytes(field::bucket::EXEMPLAR, &message, &mut self.field);
            }
            bytes(field::histogram::BUCKET, &self.field, &mut self.value);
        }
        if let Some(native) = buckets.native() {
            self.native.append(native, &cells[counts + 1..], &mut self.value);
            // A scraper that reads the native buckets looks for the exemplars here.
            for exemplar in (0..counts).filter_map(|bucket| exemplars?.get(bucket)) {
                let message = exemplar_message(buckets, &exemplar);
                bytes(field::histogram::EXEMPLARS, &message, &mut self.value);
            }
        }
        self.append_created(field::histogram::CREATED);
        self.metric(labels, field::metric::HISTOGRAM);
    }
}

/// Returns an `Exemplar` message. There are few, so each gets new buffers.
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
