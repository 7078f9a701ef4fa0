//! The secret that a client of the loopback port shows in its first message.
//!
//! sqlx can send no secret beside the password, which the server asks for. It does send options of
//! the session, so the secret is one of them. The bridge removes it: the server never sees it.

use crate::secret::Secret;

/// The option that contains the secret.
pub(crate) const OPTION: &str = "sre_kit.bridge_secret";

/// Returns the startup message without the option, or `None` if the option is missing or wrong.
pub(super) fn verify(startup: &[u8], secret: &Secret) -> Option<Vec<u8>> {
    let (head, parameters) = startup.split_at_checked(8)?;
    let mut message = head.to_vec();
    let mut fields = parameters.split(|byte| *byte == 0);
    let mut shown = false;
    while let Some(name) = fields.next().filter(|name| !name.is_empty()) {
        let value = fields.next()?;
        let mut value = std::str::from_utf8(value).ok()?.to_owned();
        if name == b"options" {
            shown |= take(&mut value, secret);
        }
        for field in [name, value.as_bytes()] {
            message.extend_from_slice(field);
            message.push(0);
        }
    }
    message.push(0);
    let length = u32::try_from(message.len()).ok()?;
    message[..4].copy_from_slice(&length.to_be_bytes());
    shown.then_some(message)
}

/// Removes the option from `options` and returns whether its value was the secret.
fn take(options: &mut String, secret: &Secret) -> bool {
    let option = format!("-c {OPTION}=");
    let Some(start) = options.find(&option) else { return false };
    let value = start + option.len();
    let end = options[value..].find(' ').map_or(options.len(), |length| value + length);
    let right = equal(&options.as_bytes()[value..end], secret.expose().as_bytes());
    // The blank after it goes too; at the end of the options one more does no harm.
    options.replace_range(start..(end + 1).min(options.len()), "");
    right
}

/// Compares in a time that depends on the lengths only.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::{OPTION, verify};
    use crate::secret::Secret;

    fn startup(options: Option<&str>) -> Vec<u8> {
        let mut body = b"\0\x03\0\0user\0shop\0".to_vec();
        if let Some(options) = options {
            body.extend_from_slice(format!("options\0{options}\0").as_bytes());
        }
        body.push(0);
        let length = u32::try_from(body.len() + 4).expect("short").to_be_bytes();
        [length.as_slice(), &body].concat()
    }

    #[test]
    fn the_secret_lets_in_and_is_removed() {
        let secret = Secret::from("5ec7e7");
        for (given, left) in [
            (format!("-c {OPTION}=5ec7e7 -c a=1"), "-c a=1"),
            (format!("-c a=1 -c {OPTION}=5ec7e7 -c b=\\ 2"), "-c a=1 -c b=\\ 2"),
            (format!("-c a=1 -c {OPTION}=5ec7e7"), "-c a=1 "),
        ] {
            let verified = verify(&startup(Some(&given)), &secret).expect("let in");
            assert_eq!(verified, startup(Some(left)), "{given}");
        }
    }

    #[test]
    fn without_the_secret_nobody_is_let_in() {
        let secret = Secret::from("5ec7e7");
        for options in [
            None,
            Some(String::new()),
            Some("-c a=5ec7e7".to_owned()),
            Some(format!("-c {OPTION}=")),
            Some(format!("-c {OPTION}=5ec7e")),
            Some(format!("-c {OPTION}=5ec7e77")),
            Some(format!("-c {OPTION}=5ec7e8 -c {OPTION}=5ec7e7")),
        ] {
            let refused = verify(&startup(options.as_deref()), &secret).is_none();
            assert!(refused, "{options:?}");
        }
        for cut in 0..startup(Some("-c a=1")).len() {
            assert!(verify(&startup(Some("-c a=1"))[..cut], &secret).is_none(), "{cut}");
        }
    }
}
