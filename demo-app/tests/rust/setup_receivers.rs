//! The receivers that `charts/setup_cluster.sh` installs are those that the generator renders.

use std::fs;
use std::path::Path;

use sre_kit::slo::render::{Options, Receiver, render};
use sre_kit::slo::{Objective, Severity, Slo, Slos};

/// Renders one receiver as the script's template: the script replaces the words in capitals.
fn template(receiver: Receiver) -> String {
    let objective = Objective::percent(99.0).expect("an objective");
    let slos = Slos::new("shop", [Slo::ratio("a", objective)]).expect("valid");
    let options = Options::new().receiver(Severity::Page, receiver);
    let rendered = render(&slos, &options).expect("renders");
    let config = rendered.get("alertmanager/alertmanager.yaml").expect("generated");
    let (_, receivers) = config.split_once("  - name: RECEIVER\n").expect("the receiver");
    let (ours, _) = receivers.split_once("  - name: ").expect("the receiver after it");
    format!("  - name: RECEIVER\n{ours}")
}

#[test]
fn the_script_installs_the_receivers_of_the_generator() {
    let file = "/etc/alertmanager/secrets/alert-receivers/RECEIVER";
    let email = Receiver::email("RECEIVER", "TO@x", "FROM@x", "SMARTHOST:1").login("USER", file);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/setup/receivers");
    for (kind, receiver) in [
        ("webhook", Receiver::webhook_file("RECEIVER", file)),
        ("slack", Receiver::slack("RECEIVER", file, "CHANNEL")),
        ("pagerduty", Receiver::pager_duty("RECEIVER", file)),
        ("opsgenie", Receiver::opsgenie("RECEIVER", file)),
        ("email", email),
    ] {
        let text = template(receiver);
        let text = text
            .replace("TO@x", "TO")
            .replace("FROM@x", "FROM")
            .replace("SMARTHOST:1", "SMARTHOST");
        // Slack's incoming webhooks know their channel.
        let text = text.replace("        channel: CHANNEL\n", "");
        let path = dir.join(format!("{kind}.yaml"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &text).expect("writes");
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            known,
            text,
            "{} is stale: UPDATE_GOLDEN=1 cargo test -p demo-app --test rust setup_receivers",
            path.display()
        );
    }
}
