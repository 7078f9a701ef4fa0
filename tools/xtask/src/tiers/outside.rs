//! Tests that need something from outside Rust: a step per module of a test binary.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use shell::{Cmd, Workspace};

use crate::lint::outside::{self, OutsideTest};
use crate::steps::Step;

/// Returns the ignored tests of the binaries whose names end in `ending`, as steps.
///
/// What needs nothing but the tools that `is_there` is one step per binary: its tests wait for
/// servers, and more of them wait side by side.
pub(crate) fn steps(
    workspace: &Workspace,
    ending: &str,
    is_there: impl Fn(&str) -> bool,
) -> Result<Vec<Step>> {
    let mut tests = outside::find(workspace)?;
    tests.retain(|test| test.ending.as_deref() == Some(ending));
    if tests.is_empty() {
        let reason = format!("not there yet: no test in tests/{ending}/");
        return Ok(vec![Step::leave_out("tests", reason)]);
    }
    Ok(split(&tests, |need| ending != "cluster" && is_there(need)))
}

fn split(tests: &[OutsideTest], is_there: impl Fn(&str) -> bool) -> Vec<Step> {
    // What needs nothing writes a file when a person asks for it.
    let tests = tests.iter().filter(|test| !test.needs.is_empty()).cloned();
    let (together, apart): (Vec<_>, Vec<_>) =
        tests.partition(|test| test.needs.iter().all(|need| is_there(need)));
    let mut steps = merge(&together);
    steps.extend(group(&apart, &together));
    steps
}

/// Makes one step per binary.
fn merge(tests: &[OutsideTest]) -> Vec<Step> {
    let mut binaries: BTreeMap<&str, Vec<&OutsideTest>> = BTreeMap::new();
    for test in tests {
        binaries.entry(&test.target).or_default().push(test);
    }
    let step = |(target, tests): (&str, Vec<&OutsideTest>)| {
        let needs: BTreeSet<_> = tests.iter().flat_map(|test| &test.needs).collect();
        let paths: BTreeSet<_> = tests.iter().map(|test| test.path()).collect();
        let cmd = Cmd::cargo("test --no-fail-fast --all-features --test")
            .arg(target)
            .args(["--", "--ignored", "--exact"])
            .args(paths);
        Step::tests(target, cmd).needs(needs.into_iter().filter_map(|need| toolbox::by_name(need)))
    };
    binaries.into_iter().map(step).collect()
}

/// Returns the step in which shellcheck reads every shell script.
pub(crate) fn shell_scripts(workspace: &Workspace) -> Result<Step> {
    let mut scripts = workspace.files_with("sh")?;
    scripts.push(PathBuf::from(".ci/run"));
    let cmd = Cmd::new("shellcheck").args(scripts.iter().map(|path| path.display().to_string()));
    Ok(Step::run("shell scripts", cmd).needs(toolbox::by_name("shellcheck")))
}

/// A test binary, and a module at its top.
type Area<'a> = (&'a str, Option<&'a str>);

/// Makes one step per module and set of tools, so that a tool that is missing keeps no other test
/// from running.
///
/// `others` are tests of the same binaries that run elsewhere.
fn group(tests: &[OutsideTest], others: &[OutsideTest]) -> Vec<Step> {
    let mut areas: BTreeMap<Area<'_>, BTreeMap<Vec<&str>, Vec<String>>> = BTreeMap::new();
    for test in tests {
        let mut needs: Vec<_> = test.needs.iter().map(String::as_str).collect();
        needs.sort_unstable();
        let area = (test.target.as_str(), test.modules.first().map(String::as_str));
        areas.entry(area).or_default().entry(needs).or_default().push(test.path());
    }
    let mut steps = Vec::new();
    for ((target, module), groups) in areas {
        let area = module.unwrap_or(target);
        let elsewhere = others.iter().any(|test| {
            test.target == target && test.modules.first().map(String::as_str) == module
        });
        // Without a filter, a binary runs its modules' tests as well, and so does each other binary
        // of this name.
        let has_modules = module.is_none()
            && tests.iter().chain(others).any(|t| t.target == target && !t.modules.is_empty());
        let alone = groups.len() == 1 && !elsewhere && !has_modules;
        let all = groups.clone().into_keys();
        let common =
            all.reduce(|all, needs| all.into_iter().filter(|n| needs.contains(n)).collect());
        let common = common.unwrap_or_default();
        for (needs, paths) in groups {
            let mut cmd = Cmd::cargo("test --no-fail-fast --all-features --test")
                .arg(target)
                .args(["--", "--ignored"]);
            if tests.iter().any(|t| t.target == target && t.ending.as_deref() == Some("cluster")) {
                // One node of two cores: what one test does to it, another would feel.
                cmd = cmd.arg("--test-threads=1");
            }
            let mut name = area.to_owned();
            if alone {
                cmd = cmd.args(module.map(|module| format!("{module}::")));
            } else {
                cmd = cmd.arg("--exact").args(paths);
                let own: Vec<_> =
                    needs.iter().filter(|need| !common.contains(need)).copied().collect();
                // What only these need tells them apart.
                if !own.is_empty() {
                    name = format!("{area}, {}", own.join(" "));
                }
            }
            steps
                .push(Step::tests(name, cmd).needs(needs.into_iter().filter_map(toolbox::by_name)));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use shell::Workspace;

    use super::{shell_scripts, split};
    use crate::lint::outside::find_in;
    use crate::steps::{Action, Step};

    fn steps(files: &[(&str, &str)]) -> Vec<(String, String, Vec<&'static str>)> {
        let tests: Vec<_> = files
            .iter()
            .flat_map(|(path, text)| find_in(Path::new(path), text).expect("is Rust"))
            .collect();
        let read = |step: Step| {
            let Action::Run(run) = step.action else { panic!("{} runs nothing", step.name) };
            assert!(run.counted);
            let needs = run.needs.iter().map(|tool| tool.name).collect();
            (step.name, run.cmds[0].to_string(), needs)
        };
        split(&tests, |_| false).into_iter().map(read).collect()
    }

    #[test]
    fn shellcheck_reads_every_folder_of_scripts() {
        let workspace = Workspace::find().expect("the workspace");
        let step = shell_scripts(&workspace).expect("listed");
        let Action::Run(run) = &step.action else { panic!("runs shellcheck") };
        let command = run.cmds[0].to_string();
        for script in [
            "charts/setup_cluster.sh",
            "charts/setup/verify.sh",
            "tools/gke/gke.sh",
            "tools/gke/down.sh",
        ] {
            assert!(command.contains(script), "{script}: {command}");
        }
    }

    #[test]
    fn a_module_whose_tests_need_the_same_is_one_step() {
        let found = steps(&[
            (
                "sre-kit/tests/servers/drain/a.rs",
                "#[ignore = \"needs haproxy; x\"]\nfn a() {}\n#[ignore = \"needs haproxy; x\"]\nfn b() {}",
            ),
            ("examples/tests/drain_servers.rs", "#[ignore = \"needs haproxy; x\"]\nfn a() {}"),
        ]);
        let command = "cargo test --no-fail-fast --all-features --test";
        assert_eq!(
            found,
            [
                (
                    "drain_servers".to_owned(),
                    format!("{command} drain_servers -- --ignored"),
                    vec!["haproxy"]
                ),
                (
                    "drain".to_owned(),
                    format!("{command} servers -- --ignored drain::"),
                    vec!["haproxy"]
                ),
            ]
        );
    }

    #[test]
    fn what_has_its_tools_is_one_step_per_binary() {
        let text = |needs: &str| format!("#[ignore = \"needs {needs}; x\"]\nfn a() {{}}");
        let tests: Vec<_> = [("drain", "haproxy"), ("db", "postgres")]
            .into_iter()
            .flat_map(|(name, needs)| {
                let path = format!("kit/tests/servers/{name}.rs");
                find_in(Path::new(&path), &text(needs)).expect("is Rust")
            })
            .collect();
        let apart = split(&tests, |need| need == "haproxy");
        let Action::Run(run) = &apart[1].action else { panic!("runs tests") };
        assert!(run.cmds[0].to_string().ends_with("-- --ignored db::"), "{}", run.cmds[0]);
        let merged = split(&tests, |_| true);
        let [step] = merged.as_slice() else { panic!("{} steps", merged.len()) };
        let Action::Run(run) = &step.action else { panic!("runs tests") };
        assert!(
            run.cmds[0].to_string().ends_with("--test servers -- --ignored --exact db::a drain::a")
        );
        assert_eq!(
            run.needs.iter().map(|tool| tool.name).collect::<Vec<_>>(),
            ["haproxy", "postgres"]
        );
    }

    #[test]
    fn a_module_of_which_a_part_runs_elsewhere_runs_by_name() {
        let text = "#[ignore = \"needs promtool; x\"]\nfn a() {}\n\
                    #[ignore = \"needs promtool-3; x\"]\nfn b() {}\n\
                    #[ignore = \"writes a.yaml\"]\nfn c() {}";
        let tests = find_in(Path::new("kit/tests/servers/slo.rs"), text).expect("is Rust");
        let lines: Vec<_> = split(&tests, |need| need == "promtool")
            .into_iter()
            .map(|step| match step.action {
                Action::Run(run) => run.cmds[0].to_string(),
                _ => panic!("runs tests"),
            })
            .collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with("-- --ignored --exact slo::a"), "{lines:?}");
        assert!(lines[1].ends_with("-- --ignored --exact slo::b"), "{lines:?}");
    }

    #[test]
    fn tests_outside_of_modules_run_by_name_where_a_binary_of_that_name_has_modules() {
        let text = |needs: &str| format!("#[ignore = \"needs {needs}; x\"]\nfn a() {{}}");
        let found = steps(&[
            ("examples/tests/servers/main.rs", &text("haproxy")),
            ("sre-kit/tests/servers/slo.rs", &text("promtool")),
        ]);
        let lines: Vec<_> = found.iter().map(|(_, line, _)| line.as_str()).collect();
        assert!(lines[0].ends_with("--test servers -- --ignored --exact a"), "{lines:?}");
        assert!(lines[1].ends_with("--test servers -- --ignored slo::"), "{lines:?}");
    }

    #[test]
    fn tests_of_the_cluster_run_one_after_another() {
        let text = "#[ignore = \"needs cluster; x\"]\nfn a() {}";
        let found = steps(&[("tools/deploy-tests/tests/cluster/rollout.rs", text)]);
        let end = "--test cluster -- --ignored --test-threads=1 rollout::";
        assert!(found[0].1.ends_with(end), "{}", found[0].1);
        assert_eq!(found[0].2, ["cluster"]);
    }

    #[test]
    fn a_tool_that_only_some_tests_need_takes_no_other_test_with_it() {
        let found = steps(&[(
            "sre-kit/tests/servers/slo/rules.rs",
            "#[ignore = \"needs promtool; x\"]\nfn a() {}\n\
             #[ignore = \"needs promtool-3 and promtool; x\"]\nfn b() {}",
        )]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].0, "slo", "both need promtool");
        assert!(found[0].1.ends_with("-- --ignored --exact slo::rules::a"), "{}", found[0].1);
        assert_eq!(found[1].0, "slo, promtool-3");
        assert!(found[1].1.ends_with("-- --ignored --exact slo::rules::b"), "{}", found[1].1);
        assert_eq!(found[1].2, ["promtool", "promtool-3"]);
    }
}
