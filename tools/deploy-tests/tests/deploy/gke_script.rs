//! `tools/gke/gke.sh up`, `status` and `down` with stand-ins for Google, GitHub and the cluster.

use std::process::Command;

use crate::gke::{Gke, UP};
use crate::setup::{cluster, setup};

#[test]
#[ignore = "needs jq and terraform; cargo xtask test --only deploy"]
fn an_empty_project_gets_everything_in_order() {
    let gke = Gke::empty();
    let ended = gke.up(&[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let order = [
        "terraform -chdir=BOOT apply",
        "terraform -chdir=BOOT init -input=false -migrate-state -force-copy -backend-config=bucket=demo-project-state -backend-config=prefix=bootstrap",
        "terraform -chdir=DEV apply",
        "gh api --method PUT repos/owner/name/environments/dev",
        "setup --profile autopilot --app-namespace demo",
    ];
    let tree = gke.all.path("tree/terraform").display().to_string();
    let calls: Vec<_> = gke
        .changes()
        .iter()
        .map(|call| {
            call.replace(&format!("{tree}/bootstrap"), "BOOT")
                .replace(&format!("{tree}/environments/dev"), "DEV")
        })
        .collect();
    let mut found = order.iter().map(|start| calls.iter().position(|call| call.starts_with(start)));
    let places: Vec<_> =
        found.by_ref().map(|place| place.unwrap_or_else(|| panic!("{calls:#?}"))).collect();
    assert!(places.is_sorted(), "{calls:#?}");
    let setup = &gke.all.calls("setup")[0];
    assert!(
        setup.contains("--deployer principal://dev") && setup.contains("--values-for loki="),
        "{setup}"
    );
    let variables = gke.all.calls("gh variable set").join("\n");
    assert!(variables.contains("IMAGE_REPOSITORY --repo owner/name --env dev --body europe-west1-docker.pkg.dev/demo-project/demo-dev/demo-app"), "{variables}");
    assert!(
        variables.contains("TFVARS --repo owner/name --env dev --body project  ="),
        "{variables}"
    );
    assert!(ended.said.contains("  ns-1.example."), "{}", ended.said);
    let tfvars = gke.all.read("tree/terraform/environments/dev/terraform.tfvars");
    assert!(tfvars.contains("apply   = \"principalSet://dev\""), "{tfvars}");
    let file = gke.all.path("tree/terraform/environments/dev/terraform.tfvars");
    let read = Command::new("terraform").args(["fmt", "-check", "-diff"]).arg(file).output();
    assert!(read.as_ref().is_ok_and(|read| read.status.success()), "{read:?}");
}

/// The receivers arrive at the real `setup_cluster.sh`, and their secrets in the cluster.
#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn receivers_with_secrets_reach_the_stack() {
    let gke = Gke::empty();
    let receiver = |name: &str, kind: &str, secret: &str| {
        format!("{kind}:{}", gke.all.write(name, &format!("{secret}\n")))
    };
    let page = receiver("page", "pagerduty", "p4ge");
    let ticket = receiver("ticket", "slack", "https://hooks.slack.com/services/t1cket");
    let heartbeat = receiver("heartbeat", "webhook", "https://hooks.example.com/b3at");
    let args = ["--page", &page, "--ticket", &ticket, "--heartbeat", &heartbeat];
    let args = [UP, &args].concat();
    let ended = gke.run(&args, &[("PAGE_URL", ""), ("TICKET_URL", "")]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(!gke.all.read("calls").contains("p4ge"), "a secret is in no argument");
    let call = &gke.all.calls("setup")[0];
    // The files of Terraform's values end with gke.sh.
    let values = call.split(' ').position(|word| word == "--values-for").expect("given");
    let mut words: Vec<_> = call.split(' ').collect();
    words.drain(values..values + 2);
    let cluster = cluster();
    let ended = setup(&cluster, &words[1..], &[]);
    assert_eq!(ended.code, 0, "{call}: {}", ended.said);
    for (name, secret) in [("slo-page", "p4ge"), ("slo-ticket", "t1cket"), ("heartbeat", "b3at")] {
        let written = cluster.read(&format!("secret.{name}"));
        assert!(written.ends_with(secret), "{name}: {written:?}");
    }
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn running_it_again_applies_nothing() {
    let gke = Gke::installed();
    let ended = gke.up(&[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(
        !gke.changes().iter().any(|call| call.contains(" apply ") || call.contains("migrate")),
        "{:#?}",
        gke.changes()
    );
    assert!(ended.said.contains("bootstrap: there, nothing to change"), "{}", ended.said);
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn a_run_that_was_interrupted_is_finished_by_the_next() {
    for broken in ["apply bootstrap", "apply dev"] {
        let gke = Gke::empty();
        let ended = gke.up(&[("BROKEN", broken)]);
        assert_eq!(ended.code, 1, "{}", ended.said);
        assert!(ended.said.contains("not applied to the end; mend"), "{}", ended.said);
        assert!(gke.all.calls("setup").is_empty());
        let ended = gke.up(&[]);
        assert_eq!((ended.code, gke.all.calls("setup").len()), (0, 1), "{}", ended.said);
    }
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn a_second_project_begins_with_a_state_of_its_own() {
    let gke = Gke::installed();
    // Nothing of the second project is there.
    for file in ["bucket", "bootstrap.state", "local.state", "dev.state", "releases.json"] {
        std::fs::remove_file(gke.all.path(file)).expect("was there");
    }
    let ended = gke.up(&[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(
        gke.changes().iter().any(|call| call.contains("-migrate-state")),
        "{:#?}",
        gke.changes()
    );
    // And a state that another project left half does not become this one's.
    std::fs::remove_file(gke.all.path("bootstrap.state")).expect("was there");
    std::fs::remove_file(gke.all.path("dev.state")).expect("was there");
    std::fs::remove_file(gke.all.path("calls")).expect("was there");
    gke.all.write(
        "tree/terraform/bootstrap/terraform.tfstate",
        r#"{"resources": [{"instances": [{"attributes": {"project": "other-project"}}]}]}"#,
    );
    let ended = gke.up(&[]);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("is of project other-project, whose bootstrap"), "{}", ended.said);
    assert_eq!(gke.changes(), Vec::<String>::new());
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn a_dry_run_changes_nothing() {
    // The options of `up`, without its answer.
    let args = |command| [&[command, "--dry-run"], &UP[1..UP.len() - 1]].concat();
    let gke = Gke::empty();
    let ended = gke.run(&args("up"), &[("PAGE_URL", "")]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert_eq!(gke.changes(), Vec::<String>::new());
    assert_eq!(ended.said.matches("would run:").count(), 5, "{}", ended.said);
    // Both folders are planned, and the stack is rendered, before a bucket or a cluster is there.
    let plans = gke.all.calls("terraform");
    for folder in ["bootstrap", "environments/dev"] {
        let planned = format!("/plan/terraform/{folder} plan ");
        assert!(plans.iter().any(|call| call.contains(&planned)), "{folder}: {plans:#?}");
    }
    let setup = gke.all.calls("setup");
    assert_eq!(setup.len(), 1);
    assert!(
        setup[0].starts_with("setup --profile autopilot --app-namespace demo")
            && setup[0].contains("--dry-run"),
        "{setup:?}"
    );
    assert!(!gke.all.path("tree/terraform/environments/dev/terraform.tfvars").exists());
    let gke = Gke::installed();
    for command in ["up", "verify", "down"] {
        let ended = gke.run(&args(command), &[]);
        assert_eq!(ended.code, 0, "{command}: {}", ended.said);
        assert_eq!(gke.changes(), Vec::<String>::new(), "{command}");
    }
    assert!(gke.all.path("dev.state").exists());
}

/// What is other than it should be, a variable of the stand-ins, the exit code, the sentence.
type Case<'a> = (&'a dyn Fn(&Gke), (&'a str, &'a str), i32, &'a str);

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn what_does_not_fit_is_one_sentence_and_changes_nothing() {
    let pending = |gke: &Gke| {
        gke.all.write("pending.json", r#"[{"name": "loki", "namespace": "observability", "status": "pending-upgrade", "revision": "3"}]"#);
    };
    let nothing = |_: &Gke| {};
    let other = |gke: &Gke| {
        gke.all.write(
            "tree/terraform/environments/dev/terraform.tfvars",
            "project = { id = \"other-project\" }\n",
        );
    };
    let elsewhere = |gke: &Gke| {
        let state = gke
            .all
            .read("dev.state")
            .replace("\"project\": \"demo-project\"", "\"project\": \"other-project\"");
        gke.all.write("dev.state", &state);
    };
    let gmp = |gke: &Gke| {
        gke.all.write("releases.json", r#"[{"name": "gmp-frontend", "namespace": "observability", "status": "deployed", "revision": "1"}]"#);
    };
    let cases: &[Case<'_>] = &[
        (&pending, ("", ""), 1, "release loki in observability is pending-upgrade"),
        (
            &nothing,
            ("AUTOPILOT", "False"),
            1,
            "profile autopilot does not fit cluster demo-dev, which is standard",
        ),
        (&gmp, ("", ""), 1, "where the stack of another profile is (gmp)"),
        (&nothing, ("OWNER", "99"), 1, "bucket demo-project-state belongs to project number 99"),
        (&nothing, ("BROKEN", "project"), 1, "project demo-project cannot be read"),
        (&nothing, ("STATE", "DELETE_REQUESTED"), 1, "project demo-project is DELETE_REQUESTED"),
        (&nothing, ("BILLING", "False"), 1, "project demo-project has no billing account"),
        (&nothing, ("HEARTBEAT_URL", "example.com"), 2, "HEARTBEAT_URL has an address that"),
        (
            &nothing,
            ("PAGE_URL", ""),
            2,
            "--page or --ticket is missing, and PAGE_URL or TICKET_URL too",
        ),
        (&other, ("", ""), 2, "names 'other-project'"),
        (&elsewhere, ("", ""), 1, "is of project other-project"),
    ];
    for (prepare, variable, code, sentence) in cases {
        let gke = Gke::installed();
        prepare(&gke);
        let env: Vec<_> = [*variable].into_iter().filter(|(name, _)| !name.is_empty()).collect();
        let ended = gke.up(&env);
        assert_eq!(ended.code, *code, "{sentence}: {}", ended.said);
        assert!(
            ended.said.contains(sentence) && ended.said.trim().lines().count() == 1,
            "{sentence}: {}",
            ended.said
        );
        assert_eq!(gke.changes(), Vec::<String>::new(), "{sentence}");
    }
}

#[test]
fn a_mistake_on_the_command_line_asks_nobody() {
    let id = ["--project", "demo-project"];
    let cases: &[(&[&str], &str)] = &[
        (&[], "the command is missing"),
        (&["fly"], "fly is no command"),
        (&["up"], "--project is ''"),
        (&["up", "--project"], "--project has no value"),
        (&["status", "--project", "x"], "--project is 'x'"),
        (&["status", id[0], id[1], "--fast"], "--fast is no option"),
        (&["status", id[0], id[1], "--environment", "../dev"], "--environment is ../dev"),
        (&["status", id[0], id[1], "--timeout", "soon"], "--timeout is soon"),
        (
            &["up", id[0], id[1], "--repository", "a/b", "--heartbeat", "sms:x"],
            "--heartbeat is not KIND:FILE",
        ),
        (
            &["up", id[0], id[1], "--repository", "a/b", "--page", "slack:/none/s3cr3t"],
            "--page and PAGE_URL name the same receiver",
        ),
        (
            &["up", id[0], id[1], "--repository", "a/b", "--heartbeat", "slack:/none/s3cr3t"],
            "--heartbeat names a file that cannot be read",
        ),
        (&["up", id[0], id[1], "--repository", "name"], "--repository is 'name'"),
        (&["up", id[0], id[1], "--repository", "a/b"], "terraform.tfvars is missing"),
        (
            &[
                "up",
                id[0],
                id[1],
                "--repository",
                "a/b",
                "--hostname",
                "a.example.org",
                "--zone",
                "example.com",
            ],
            "--hostname is a.example.org, but --zone is example.com",
        ),
    ];
    for (args, sentence) in cases {
        let gke = Gke::empty();
        let ended = gke.run(args, &[]);
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.said);
        assert!(
            ended.said.contains(sentence) && ended.said.lines().count() == 1,
            "{args:?}: {}",
            ended.said
        );
        assert!(gke.all.calls("").is_empty(), "{args:?}");
    }
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn status_says_what_is_missing() {
    let args = ["status", "--project", "demo-project", "--repository", "owner/name"];
    let gke = Gke::empty();
    let ended = gke.run(&args, &[]);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("bootstrap      not there; run up"), "{}", ended.said);
    let gke = Gke::installed();
    let ended = gke.run(&args, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    assert!(ended.said.contains("demo-app       deployed, revision 1"), "{}", ended.said);
    assert_eq!(gke.changes(), Vec::<String>::new());
    let failed = gke.all.read("releases.json").replacen("deployed", "failed", 1);
    gke.all.write("releases.json", &failed);
    let ended = gke.run(&args, &[]);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("kube-prometheus-stack failed, revision 1"), "{}", ended.said);
}

const DOWN: &[&str] = &["down", "--project", "demo-project", "--yes"];

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn down_removes_the_stack_before_the_cluster_and_finds_nothing_left() {
    let gke = Gke::installed();
    let ended = gke.run(DOWN, &[]);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let changes = gke.changes();
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert!(changes[0].contains("--teardown --volumes"), "{changes:#?}");
    assert!(changes[1].contains("destroy -input=false -auto-approve"), "{changes:#?}");
    assert!(ended.said.contains("nothing is left"), "{}", ended.said);
    let ended = gke.run(DOWN, &[]);
    assert_eq!(ended.code, 0, "again: {}", ended.said);
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn what_is_left_is_named() {
    for (kind, entry, sentence) in [
        ("disks", "pvc-1", "disks pvc-1"),
        ("firewall-rules", "gke-x", "firewall rules gke-x"),
        ("record-sets", "demo.dev.example.com.", "records in zone-1 demo.dev.example.com."),
    ] {
        let gke = Gke::installed();
        gke.all.write(&format!("left/{kind}"), &format!("{entry}\n"));
        if kind == "record-sets" {
            gke.all.write("left/managed-zones", "zone-1\n");
        }
        let ended = gke.run(DOWN, &[]);
        assert_eq!(ended.code, 1, "{}", ended.said);
        assert!(ended.said.contains(&format!("1 left ({sentence})")), "{}", ended.said);
    }
    let gke = Gke::installed();
    let ended = gke.run(DOWN, &[("BROKEN", "disks")]);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("1 left (disks, which cannot be listed)"), "{}", ended.said);
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn a_protected_environment_is_refused_before_anything_is_removed() {
    let gke = Gke::installed();
    let state = gke
        .all
        .read("dev.state")
        .replace("\"deletion_protection\": false", "\"deletion_protection\": true");
    gke.all.write("dev.state", &state);
    let ended = gke.run(DOWN, &[]);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(
        ended.said.contains("dev is protected (google_container_cluster.cluster)"),
        "{}",
        ended.said
    );
    assert_eq!(gke.changes(), Vec::<String>::new());
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn destroying_is_confirmed_by_the_name_of_the_project() {
    let gke = Gke::installed();
    let ended = gke.run(&["down", "--project", "demo-project"], &[]);
    assert_eq!(ended.code, 1, "{}", ended.said);
    assert!(ended.said.contains("not confirmed"), "{}", ended.said);
    assert_eq!(gke.changes(), Vec::<String>::new());
}
