//! Where Alertmanager's notifications end.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::cluster::http::serve;
use crate::serve::Served;

/// Notifications, as they came in.
pub(crate) struct Inbox {
    served: Served,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Inbox {
    /// Takes what is sent.
    pub(crate) fn open() -> Self {
        let got = Arc::new(Mutex::new(Vec::new()));
        let filled = got.clone();
        let served = serve(move |path, body| {
            let mut sent: Value = serde_json::from_str(body).expect("JSON");
            sent["to"] = path.into();
            filled.lock().expect("no panic").push(sent);
            String::new()
        });
        Self { served, got }
    }

    /// The generated configuration, with addresses in the place of those that only
    /// who uses it can know, for every namespace. A group that has changed is told at
    /// once: of what it says nothing is other.
    pub(crate) fn reads(&self, config: &str) -> String {
        let address = self.served.address();
        let mut config = config.to_owned();
        for (generated, own) in [
            ("http://page-receiver.invalid/", format!("http://{address}/page")),
            ("http://ticket-receiver.invalid/", format!("http://{address}/ticket")),
            ("namespace=\"RELEASE-NAMESPACE\"", "namespace=~\".+\"".to_owned()),
            ("group_interval: \"5m\"", "group_interval: \"5s\"".to_owned()),
        ] {
            assert!(config.contains(generated), "{generated}: {config}");
            config = config.replace(generated, &own);
        }
        config
    }

    /// The alerts of one SLO that a page said to be `firing` or `resolved`, once per
    /// page.
    pub(crate) fn pages(&self, slo: &str, status: &str) -> Vec<Value> {
        let got = self.got.lock().expect("no panic");
        let pages = got.iter().filter(|sent| sent["to"] == "/page");
        let alerts = pages.flat_map(|sent| sent["alerts"].as_array().expect("alerts"));
        let ours = |alert: &&Value| alert["labels"]["slo"] == slo && alert["status"] == status;
        alerts.filter(ours).cloned().collect()
    }
}
