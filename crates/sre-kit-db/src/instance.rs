//! The name of a Cloud SQL instance.

use std::fmt;

/// The connection name of a Cloud SQL instance, `PROJECT:REGION:INSTANCE`. A project may be scoped
/// to a domain: `example.com:project`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) project: String,
    pub(crate) region: String,
    pub(crate) name: String,
}

impl Instance {
    /// Reads a name. The parts become part of a path of the Admin API, so only letters, digits and
    /// `-._` are accepted.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |part: &&str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        let mut parts = text.rsplitn(3, ':');
        let name = parts.next().filter(fits)?.to_owned();
        let region = parts.next().filter(fits)?.to_owned();
        let project = parts.next()?;
        let whole = project.split(':').count() <= 2 && project.split(':').all(|part| fits(&part));
        whole.then(|| Self { project: project.to_owned(), region, name })
    }

    /// Returns the common name that a per-instance CA writes into the server's certificate.
    #[cfg(any(test, feature = "iam"))]
    pub(crate) fn common_name(&self) -> String {
        format!("{}:{}", self.project, self.name)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.project, self.region, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::Instance;

    #[test]
    fn three_names_make_an_instance_and_a_project_may_have_a_domain() {
        for (text, project, common) in [
            ("shop:europe-west1:main", "shop", "shop:main"),
            ("example.com:shop:europe-west1:main", "example.com:shop", "example.com:shop:main"),
        ] {
            let found = Instance::parse(text).expect(text);
            assert_eq!((found.project.as_str(), found.common_name().as_str()), (project, common));
            assert_eq!((found.region.as_str(), found.name.as_str()), ("europe-west1", "main"));
            assert_eq!(found.to_string(), text);
        }
    }

    #[test]
    fn what_would_lead_elsewhere_at_the_api_is_no_instance() {
        for text in
            ["", "a", "a:b", "a::b", "a:b:", ":b:c", "a:b:..", "a:b:c/d", "a:b:c?d", "p:q:r:s:t"]
        {
            assert_eq!(Instance::parse(text), None, "{text}");
        }
    }
}
