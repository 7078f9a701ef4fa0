//! The UUID of a service instance.
//!
//! Source: <https://opentelemetry.io/docs/specs/semconv/resource/service/>

use uuid::{Builder, Uuid};

/// The namespace that the conventions define for `service.instance.id`.
const NAMESPACE: Uuid = uuid::uuid!("4d63009a-8d0f-11ee-aad7-4c796ed8e320");

/// Returns a random UUID (version 4).
pub(super) fn random() -> String {
    Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid().to_string()
}

/// Returns the UUID (version 5) of something that has a name already, so that it stays the same
/// when the process restarts.
pub(super) fn of_name(name: &str) -> String {
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
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
