//! The admin listener among the parts that it shows.

use std::net::SocketAddr;

use crate::ConfigError;
use crate::admin::{Admin, AdminBuilder, Page, RunningAdmin};
use crate::health::Health;
use crate::metrics::{BuildInfo, Registry};
use crate::slo::Budgets;

/// The variable that sets the address of the admin listener.
const ADMIN: &str = "SRE_KIT_ADMIN";

pub(super) enum AdminState {
    Off,
    Ready(Box<Admin>),
    Running(RunningAdmin),
}

impl AdminState {
    /// Starts the listener unless it runs. Returns its address, if there is one.
    pub(super) async fn start(&mut self) -> Result<Option<SocketAddr>, ConfigError> {
        if let Self::Ready(_) = self
            && let Self::Ready(admin) = std::mem::replace(self, Self::Off)
        {
            *self = Self::Running(admin.start().await?);
        }
        Ok(match self {
            Self::Running(admin) => admin.local_addr(),
            Self::Off | Self::Ready(_) => None,
        })
    }
}

pub(super) fn with_vars(
    admin: Option<AdminBuilder>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Option<AdminBuilder>, ConfigError> {
    match admin {
        Some(admin) if lookup(ADMIN).is_none_or(|value| value.trim() != "off") => {
            admin.with_vars(lookup).map(Some)
        }
        _ => Ok(None),
    }
}

pub(super) fn build(
    admin: AdminBuilder,
    build: BuildInfo,
    health: &Health,
    budgets: &Budgets,
    registry: &Registry,
) -> Result<AdminState, ConfigError> {
    #[cfg(feature = "console")]
    let admin = admin.console(
        &crate::admin::Console::builder()
            .build_info(&build)
            .health(health)
            .budgets(budgets)
            .build(registry),
    );
    #[cfg(not(feature = "console"))]
    let _ = health;
    let admin = admin.build_info(build).page(slo_page(budgets)).build(registry)?;
    Ok(AdminState::Ready(Box::new(admin)))
}

fn slo_page(budgets: &Budgets) -> Page {
    let (json, text) = (budgets.clone(), budgets.clone());
    Page::text_or_json(
        "/slo",
        "Error budgets and burn rates of this process.",
        move || json.report().to_json().to_string(),
        move || text.report().to_string(),
    )
}
