//! Terraform providers, where Terraform looks for one without asking a registry.
//!
//! Terraform finds a provider in a directory that is laid out by its address,
//! version and platform, when a command line configuration names that directory
//! as a `filesystem_mirror`
//! (<https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation>).

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Location, go, partial};
use crate::Provider;
use crate::cache::Cache;

/// The mirror's directory, in a variable for tests that make a configuration of
/// their own; `TF_CLI_CONFIG_FILE` is for all others.
const MIRROR: &str = "SRE_KIT_TERRAFORM_MIRROR";

/// Returns where a provider is. All share one mirror, so that one configuration has all.
pub(super) fn location(cache: &Cache, provider: &Provider) -> Location {
    let mirror = mirror(cache);
    let env = vec![
        (MIRROR.to_owned(), mirror.display().to_string()),
        ("TF_CLI_CONFIG_FILE".to_owned(), config(cache).display().to_string()),
    ];
    let dir = format!("{}/{}/{OS}_{}", provider.address, provider.version, go_arch(ARCH));
    let name = provider.address.rsplit('/').next().unwrap_or(provider.address);
    // x5 is the version of the protocol between the two.
    let file = format!("terraform-provider-{name}_v{}_x5", provider.version);
    Location { file: mirror.join(dir).join(file), dir: None, env }
}

fn mirror(cache: &Cache) -> PathBuf {
    cache.dir("terraform", "mirror")
}

fn config(cache: &Cache) -> PathBuf {
    cache.dir("terraform", "mirror.tfrc")
}

fn go_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn config_text(mirror: &Path) -> String {
    format!(
        "# Providers come from this directory and from nowhere else.\n\
         disable_checkpoint = true\n\
         provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        mirror.display()
    )
}

/// Builds a provider into the mirror.
pub(super) fn build(cache: &Cache, provider: &Provider, file: &Path) -> Result<()> {
    let config = config(cache);
    let unfinished = partial(&config);
    fs::write(&unfinished, config_text(&mirror(cache)))
        .with_context(|| format!("writing {}", unfinished.display()))?;
    fs::rename(&unfinished, &config)?;
    // Beside the mirror: whatever is in it counts as a provider.
    let built = cache.dir("terraform", "mirror-building").join("provider");
    go::install(provider.module, provider.module_version, &built)?;
    let dir = file.parent().context("a provider is in a directory")?;
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    Ok(fs::rename(built, file)?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MIRROR, config_text, go_arch, location};
    use crate::{Cache, Source, by_name};

    #[test]
    fn a_provider_is_where_terraform_looks_for_it() {
        let tool = by_name("terraform-provider-google").expect("in the catalogue");
        let Source::Provider(google) = &tool.source else { panic!("a provider") };
        let location = location(&Cache::at(Path::new("/c")), google);
        let file = location.file.strip_prefix("/c/terraform-mirror").expect("in the mirror");
        let platform = format!("linux_{}", go_arch(std::env::consts::ARCH));
        assert_eq!(
            file,
            Path::new("registry.terraform.io/hashicorp/google/8.0.0")
                .join(platform)
                .join("terraform-provider-google_v8.0.0_x5")
        );
        assert!(location.env.contains(&(MIRROR.to_owned(), "/c/terraform-mirror".to_owned())));
        assert_eq!(location.dir, None);
    }

    #[test]
    fn terraform_asks_nobody_else() {
        let text = config_text(Path::new("/c/m"));
        assert!(text.contains("filesystem_mirror {\n    path = \"/c/m\""), "{text}");
        assert!(!text.contains("direct {"), "{text}");
    }
}
