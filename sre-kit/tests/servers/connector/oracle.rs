//! Checks the fake with Google's own connector.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{HOUR, Rig};

/// Runs the connector. Returns what it printed, or its error.
async fn connect(rig: &Rig, ip: &str, login_token: String) -> Result<String, String> {
    let asked = json!({
        "endpoint": rig.cloud.endpoint,
        "instance": "project:europe-west1:main",
        "user": "shop@project.iam",
        "database": "shop",
        "api_token": rig.cloud.shared.api_tokens.issue(HOUR),
        "login_token": login_token,
        "ip": ip,
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/connector/oracle.py");
    let run = tokio::task::spawn_blocking(move || {
        let mut child = Command::new("cloud-sql-python")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("cloud-sql-python runs");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(asked.to_string().as_bytes()).expect("written");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    });
    let output = run.await.expect("no panic");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs postgres and initdb and cloud-sql-python; cargo xtask test --only servers"]
async fn googles_own_connector_takes_the_fake_for_cloud_sql() {
    let rig = Rig::new().await;
    for ip in ["PRIVATE", "PUBLIC", "PSC"] {
        let token = rig.tokens.issue(HOUR);
        let user = connect(&rig, ip, token).await;
        assert_eq!(user.as_deref(), Ok("shop@project.iam"), "{ip}");
    }
    let asked = rig.cloud.state().asked.clone();
    assert!(asked.iter().any(|path| path.ends_with("/connectSettings")), "{asked:?}");
    assert!(asked.iter().any(|path| path.ends_with(":generateEphemeralCert")), "{asked:?}");
    // And it refuses what Google's refuses: a token that is not good.
    let refused = connect(&rig, "PRIVATE", "nobody's".to_owned()).await.expect_err("no login");
    assert!(refused.contains("28000") || refused.contains("authentication"), "{refused}");
}
