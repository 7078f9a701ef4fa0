//! `docs/gke.md`: every block is parsed, compared with what is there, and run in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::deploy::root;
use crate::gke::Gke;
use crate::workflow_steps::workflow;

fn page() -> String {
    fs::read_to_string(root().join("docs/gke.md")).expect("the page")
}

/// The shell blocks, with the lines that go on joined.
fn blocks() -> Vec<String> {
    let page = page();
    let parts = page.split("```sh\n").skip(1);
    parts.map(|part| part.split("```").next().expect("an end").replace("\\\n", " ")).collect()
}

/// The commands of the blocks that call a script of ours, with its path.
fn script_calls() -> Vec<(String, String)> {
    let script = Regex::new(r"(?:tools|charts|terraform)/[a-z_/]+\.sh").expect("a pattern");
    let blocks = blocks();
    let lines = blocks.iter().flat_map(|block| block.lines());
    lines
        .filter_map(|line| Some((script.find(line)?.as_str().to_owned(), line.to_owned())))
        .collect()
}

#[test]
fn every_block_is_shell() {
    let blocks = blocks();
    assert!(blocks.len() >= 15, "{}", blocks.len());
    for block in blocks {
        let parsed = Command::new("bash").args(["-n", "-c", &block]).output().expect("bash runs");
        assert!(parsed.status.success(), "{block}: {parsed:?}");
    }
}

#[test]
fn every_script_has_the_options_that_are_given_to_it() {
    let option = Regex::new(r"--[a-z-]+").expect("a pattern");
    let calls = script_calls();
    assert!(calls.len() >= 6, "{calls:?}");
    for (script, line) in calls {
        let help = Command::new(root().join(&script)).arg("--help").output().expect("it runs");
        assert!(help.status.success(), "{script}: {help:?}");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let known: BTreeSet<_> = option.find_iter(&help).map(|found| found.as_str()).collect();
        for given in option.find_iter(&line) {
            assert!(known.contains(given.as_str()), "{script} has no {}: {line}", given.as_str());
        }
    }
}

/// Names that a folder of Terraform declares.
fn declared(folder: &str, kind: &str) -> BTreeSet<String> {
    let name = Regex::new(&format!("(?m)^{kind} \"([a-z_]+)\"")).expect("a pattern");
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "tf") {
            let text = fs::read_to_string(path).expect("text");
            names.extend(name.captures_iter(&text).map(|found| found[1].to_owned()));
        }
    }
    names
}

#[test]
fn every_output_and_folder_of_terraform_is_there() {
    let call =
        Regex::new(r"terraform -chdir=(\S+) output -(?:raw|json) ([a-z_]+)").expect("a pattern");
    let blocks = blocks().join("\n");
    let calls: Vec<_> = call.captures_iter(&blocks).collect();
    assert!(calls.len() >= 3);
    for found in calls {
        let outputs = declared(&found[1], "output");
        assert!(outputs.contains(&found[2]), "{} has no output {}", &found[1], &found[2]);
    }
    // What the page and the tool name beside blocks.
    let bootstrap = declared("terraform/bootstrap", "output");
    for name in ["deployers", "github", "principal_sets"] {
        assert!(bootstrap.contains(name), "{name}");
    }
    for environment in ["dev", "prod"] {
        let folder = format!("terraform/environments/{environment}");
        let outputs = declared(&folder, "output");
        for name in [
            "base_url",
            "cluster",
            "helm_values",
            "namespace",
            "name_servers",
            "profile",
            "registry",
            "stack_values",
        ] {
            assert!(outputs.contains(name), "{environment}: {name}");
        }
        let written = ["project", "region", "hostname", "zone", "pipeline"].map(str::to_owned);
        assert_eq!(declared(&folder, "variable"), written.into(), "what gke.sh writes");
    }
}

#[test]
fn every_workflow_takes_the_inputs_that_are_given_to_it() {
    let call = Regex::new(r"gh workflow run (\S+)(.*)").expect("a pattern");
    let field = Regex::new(r"-f ([a-z]+)=(\S+)").expect("a pattern");
    let blocks = blocks().join("\n");
    let calls: Vec<_> = call.captures_iter(&blocks).collect();
    assert!(calls.len() >= 2);
    for found in calls {
        let file = workflow(&found[1]);
        let on = &file["on"]["workflow_dispatch"];
        for given in field.captures_iter(&found[2]) {
            let input = &on["inputs"][&given[1]];
            assert!(!input.is_null(), "{} has no input {}", &found[1], &given[1]);
            if let Some(options) = input["options"].as_sequence() {
                assert!(
                    options.iter().any(|option| option == &given[2]),
                    "{}: {}",
                    &found[1],
                    &given[2]
                );
            }
        }
        let needed = on["inputs"].as_mapping().into_iter().flatten();
        for (name, input) in needed.filter(|(_, input)| input["required"] == true) {
            let name = name.as_str().expect("text");
            assert!(
                found[2].contains(&format!("-f {name}=")),
                "{} needs {name}: {input:?}",
                &found[1]
            );
        }
        // Without it gh refuses to start the workflow at all.
        let triggers = file["on"].as_mapping().expect("triggers");
        assert!(
            triggers.contains_key("workflow_dispatch"),
            "{} cannot be started by hand",
            &found[1]
        );
    }
}

#[test]
fn what_the_page_names_in_kubernetes_is_in_the_charts() {
    let values: serde_yaml_ng::Value = serde_yaml_ng::from_str(
        &fs::read_to_string(root().join("charts/demo-app/values.yaml")).expect("values"),
    )
    .expect("YAML");
    assert!(values["migration"]["enabled"].is_bool() && values["allowFaults"].is_bool());
    let contracts =
        fs::read_to_string(root().join("charts/observability/contracts.yaml")).expect("facts");
    for service in [
        "kube-prometheus-stack-grafana",
        "kube-prometheus-stack-alertmanager",
        "loki-gateway",
        "tempo",
    ] {
        assert!(contracts.contains(&format!("observability/{service}:")), "{service}");
    }
    let firewall =
        fs::read_to_string(root().join("terraform/modules/network/firewall.tf")).expect("rules");
    for rule in ["health-checks", "control-planes"] {
        assert!(page().contains(&format!("demo-dev-{rule}")) && firewall.contains(rule), "{rule}");
    }
}

/// Symptoms that Google, Kubernetes or PostgreSQL word.
const OF_OTHERS: &[&str] = &[
    "PROVISIONING",
    "curl",
    "alreadyExists",
    "no data",
    "Forbidden",
    "permission denied for table",
    "<unknown>",
    "permission denied",
    "not healthy",
    "gmp",
    "terraform destroy",
];

/// A reader looks for the sentence on the screen.
#[test]
fn a_symptom_of_the_table_is_a_sentence_of_the_scripts() {
    let mut said = String::new();
    for folder in ["tools/gke", "charts/setup", "terraform/bootstrap"] {
        for entry in fs::read_dir(root().join(folder)).expect("scripts") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "sh") {
                said += &fs::read_to_string(&path).expect("text");
            }
        }
    }
    let page = page();
    let (_, table) = page.split_once("## When it fails").expect("a table");
    let (table, _) = table.split_once("\n## ").expect("it ends");
    let span = Regex::new("`([^`]+)`").expect("a pattern");
    let mut found = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let symptom = row.split('|').nth(1).expect("a column");
        for words in span.captures_iter(symptom).map(|span| span[1].to_owned()) {
            if OF_OTHERS.contains(&words.as_str()) {
                continue;
            }
            // What the script fills in is an ellipsis or a name.
            let words = words.replace("branch main", "…");
            for part in words.split('…').map(str::trim).filter(|part| part.len() > 1) {
                let part = part.trim_end_matches("pending-upgrade").trim_end_matches(": no").trim();
                assert!(said.contains(part), "no script says {part:?}: {row}");
                found += 1;
            }
        }
    }
    assert!(found > 8, "{found} sentences");
}

/// Runs all blocks of the page as one script, as a reader types them one after another.
#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn the_page_runs_from_the_first_block_to_the_last() {
    let gke = Gke::empty();
    gke.all.program("git", "");
    gke.all.program("dig", "echo ns-1.example.");
    let source = fs::read_to_string(root().join("demo-app/src/app/mod.rs")).expect("the routes");
    gke.all.write("tree/demo-app/src/app/mod.rs", &source);
    for folder in ["charts", "terraform/environments"] {
        // Prod is only looked at: its folder and the lock have to be there.
        let to = gke.all.path("tree").join(folder);
        let from =
            if folder == "charts" { "charts/observability" } else { "terraform/environments/prod" };
        let copied = Command::new("cp").arg("-r").arg(root().join(from)).arg(to).status();
        assert!(copied.expect("cp runs").success());
    }
    let installed = gke.all.write("installed.json", &Gke::releases());
    let blocks = blocks();
    let typed = blocks.iter().flat_map(|block| block.lines()).map(|line| match line {
        // GitHub has deployed by then. What verify asks is another test's.
        line if line.contains("gke.sh verify") => {
            format!("cp {installed} \"$DIR/releases.json\"\n{line} --dry-run")
        }
        // Nothing is deployed yet.
        line if line.contains("gke.sh status") => format!("{line} && exit 8 || [ $? = 1 ]"),
        // A reader looks before that.
        "kill %1" => "for _ in $(seq 200); do grep -q port-forward \"$CALLS\" && break; \
                      sleep 0.05; done\nkill %1"
            .to_owned(),
        // gke.sh asks for the project's id before it changes anything.
        line if line.starts_with("tools/gke") => {
            format!("{line} < <(yes \"$PROJECT\" 2>/dev/null)")
        }
        line => line.to_owned(),
    });
    let start = ["set -euo pipefail", "cd \"$DIR/tree\""].map(str::to_owned);
    let script = start.into_iter().chain(typed).collect::<Vec<_>>().join("\n");
    let script = script.replace("demo-dev-project", "demo-project");
    let file = gke.all.write("page.sh", &script);
    let env = [("SETUP_CLUSTER_PAUSE", "0.05"), ("VISITS", "2"), ("PAUSE", "0")];
    let ended = gke.all.run(Path::new("/bin/bash"), &[&file], &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let seen: BTreeMap<_, _> = [
        ("terraform", " apply "),
        ("gh workflow run", "load.yml"),
        ("git", "git push origin HEAD:main"),
        ("curl", "/error?status=503&rate=0.5"),
        ("terraform", " destroy "),
        ("dig", "dig +short NS dev.example.com"),
        ("kubectl", "port-forward service/kube-prometheus-stack-grafana 3000:80"),
    ]
    .into_iter()
    .map(|(program, part)| (part, gke.all.calls(program).iter().any(|call| call.contains(part))))
    .collect();
    assert!(seen.values().all(|called| *called), "{seen:?}: {}", ended.said);
    let routes = gke.all.read("tree/demo-app/src/app/mod.rs");
    assert!(routes.contains("\"/\" => error::fail(\"status=503&rate=0.5\"),"), "the bad image");
    assert!(!gke.all.path("dev.state").exists(), "destroyed at the end");
    assert!(ended.said.contains("nothing is left"), "{}", ended.said);
}
