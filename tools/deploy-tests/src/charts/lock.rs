//! The list of releases that `charts/observability/releases.lock` pins.

use anyhow::{Context, Result, bail};

/// One release: a chart at a version, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) chart: String,
    pub(crate) version: String,
    /// SHA-256 of the chart's archive, or none if it has not been pulled yet.
    pub(crate) digest: Option<String>,
    pub(crate) namespace: String,
    pub(crate) profiles: Vec<String>,
}

/// Reads the lock: a release a line, `#` begins a comment.
pub(crate) fn read(text: &str) -> Result<Vec<Release>> {
    let mut releases = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let release = parse(line).with_context(|| format!("line {}", number + 1))?;
        releases.push(release);
    }
    Ok(releases)
}

fn parse(line: &str) -> Result<Release> {
    let fields: Vec<_> = line.split_whitespace().collect();
    let [name, chart, version, digest, namespace, profiles] = fields.as_slice() else {
        bail!(
            "{} fields, and a release has six: name, chart, version, digest, namespace, profiles",
            fields.len()
        );
    };
    let digest = match *digest {
        "-" => None,
        digest if is_digest(digest) => Some(digest.to_owned()),
        digest => {
            bail!("{digest} is no digest; write sha256: and 64 digits, or - where it is not known")
        }
    };
    if !version.starts_with(|c: char| c.is_ascii_digit()) || version.contains(['*', '^', '~', 'x'])
    {
        bail!("{version} is no exact version; name one");
    }
    Ok(Release {
        name: (*name).to_owned(),
        chart: (*chart).to_owned(),
        version: (*version).to_owned(),
        digest,
        namespace: (*namespace).to_owned(),
        profiles: profiles.split(',').map(str::to_owned).collect(),
    })
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// Returns the lock with the digest of one release filled in, and everything else unchanged.
pub(crate) fn with_digest(text: &str, name: &str, digest: &str) -> String {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    for line in &mut lines {
        let mut words = line.split_whitespace();
        if words.next() == Some(name) && words.nth(2) == Some("-") {
            *line = line.replacen(" - ", &format!(" {digest} "), 1);
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{read, with_digest};

    const LOCK: &str = "# name chart\nkeda oci://r/keda 2.20.2 - keda standard,autopilot\n";

    #[test]
    fn a_release_is_a_line() {
        let [release] = read(LOCK).expect("valid").try_into().expect("one");
        assert_eq!((&*release.name, &*release.version), ("keda", "2.20.2"));
        assert_eq!(release.digest, None);
        assert_eq!(release.profiles, ["standard", "autopilot"]);
    }

    #[test]
    fn what_pins_nothing_is_refused() {
        for line in [
            "keda oci://r/keda 2.20.2 - keda",
            "keda oci://r/keda ^2 - keda a",
            "keda oci://r/keda 2.x - keda a",
            "keda oci://r/keda 2.20.2 sha256:12 keda a",
            "keda oci://r/keda 2.20.2 latest keda a",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_digest_is_filled_in_and_never_replaced() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let filled = with_digest(LOCK, "keda", &digest);
        assert_eq!(read(&filled).expect("valid")[0].digest.as_ref(), Some(&digest));
        assert_eq!(with_digest(&filled, "keda", "sha256:other"), filled);
        assert_eq!(with_digest(LOCK, "loki", &digest), LOCK);
    }
}
