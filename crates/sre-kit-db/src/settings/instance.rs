//! An instance of Cloud SQL, as its connectors name it.

use std::fmt;

/// `PROJECT:REGION:INSTANCE`. A project may have a domain of its own before it:
/// `example.com:project`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) project: String,
    pub(crate) region: String,
    pub(crate) name: String,
}

impl Instance {
    /// They become part of a path at the Admin API, so nothing else is let through.
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

    /// The common name in a certificate of the instance's own CA.
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

/// Which of an instance's addresses is dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ip {
    /// Its address in a network that is peered (private services access).
    #[default]
    Private,
    /// Its address on the internet.
    Public,
    /// The DNS name of its endpoint (Private Service Connect).
    Psc,
}

impl Ip {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Private, Self::Public, Self::Psc].into_iter().find(|ip| ip.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Public => "public",
            Self::Psc => "psc",
        }
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
