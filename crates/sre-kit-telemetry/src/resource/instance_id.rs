//! The UUID of a service instance.
//!
//! Source: <https://opentelemetry.io/docs/specs/semconv/resource/service/>

use super::sha1::sha1;

/// The namespace that the conventions define for `service.instance.id`:
/// `4d63009a-8d0f-11ee-aad7-4c796ed8e320`.
const NAMESPACE: u128 = 0x4d63_009a_8d0f_11ee_aad7_4c79_6ed8_e320;

/// Returns a random UUID (version 4).
pub(super) fn random() -> String {
    uuid(fastrand::u128(..), 4)
}

/// Returns the UUID (version 5) of something that has a name already, so that it stays the same
/// when the process restarts.
pub(super) fn of_name(name: &str) -> String {
    let digest = sha1(&[&NAMESPACE.to_be_bytes(), name.as_bytes()].concat());
    let first = digest.into_iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(byte));
    uuid(first, 5)
}

/// Returns the text of a UUID with its version and variant set.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc9562#section-4>
fn uuid(bits: u128, version: u128) -> String {
    let bits = bits & !(0xf << 76) | version << 76;
    let bits = bits & !(0x3 << 62) | 0x2 << 62;
    let text = format!("{bits:032x}");
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::{of_name, random};

    #[test]
    fn a_named_id_is_the_one_that_other_implementations_compute() {
        // python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("4d63009a-8d0f-11ee-aad7-4c796ed8e320"), "shop.web-1.app"))'
        assert_eq!(of_name("shop.web-1.app"), "0026f191-92e3-5cd5-953f-4085e994c416");
        assert_ne!(of_name("shop.web-1.app"), of_name("shop.web-1.proxy"));
    }

    #[test]
    fn a_random_id_has_the_version_and_the_variant() {
        let (one, other) = (random(), random());
        assert_ne!(one, other);
        for id in [one, other] {
            assert_eq!((id.len(), &id[8..9], &id[14..15]), (36, "-", "4"), "{id}");
            assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{id}");
        }
    }
}
