//! The steps of terraform.yml.

use super::run;
use crate::stand_in::StandIns;

#[test]
fn terraform_plans_without_a_lock_and_applies_with_one() {
    let env = [
        ("DIR", "env"),
        ("STATE", "-backend-config=bucket=states -backend-config=prefix=environments/dev"),
        ("TFVARS", "region = \"europe-west1\""),
    ];
    for (name, last) in [
        ("Plan", "terraform -chdir=env show -no-color tfplan"),
        ("Apply", "terraform -chdir=env apply -auto-approve -lock-timeout=5m"),
    ] {
        let all =
            StandIns::new(&[("terraform", "case $* in *plan*) exit \"${FAILS:-0}\" ;; esac")]);
        all.write("env/main.tf", "");
        let ended = run(&all, "terraform.yml", name, &env);
        assert_eq!(ended.code, 0, "{}", ended.said);
        assert_eq!(all.read("env/terraform.tfvars"), "region = \"europe-west1\"\n");
        let calls = all.calls("terraform");
        assert!(calls[0].ends_with("-backend-config=prefix=environments/dev"), "{calls:?}");
        assert_eq!(calls.last().map(String::as_str), Some(last));
    }
    let all = StandIns::new(&[("terraform", "case $* in *'plan -lock'*) exit 1 ;; esac")]);
    all.write("env/main.tf", "");
    assert_eq!(
        run(&all, "terraform.yml", "Plan", &env).code,
        1,
        "a plan that fails fails the step"
    );
}
