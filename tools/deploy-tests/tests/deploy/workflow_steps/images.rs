//! The steps that push, sign, verify and release images.

use std::fs;

use serde_yaml_ng::Value;

use super::{run, workflow};
use crate::deploy::root;
use crate::stand_in::StandIns;

/// The chart of a release names the image of that release by its digest.
#[test]
fn a_released_chart_names_an_image_that_is_there() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let all = StandIns::new(&[
        ("docker", &format!("echo {digest}")),
        ("cosign", ""),
        (
            "helm",
            "case $1 in package) mkdir -p out; touch out/demo-app-1.2.3.tgz ;; push) echo Digest: sha256:1 ;; esac",
        ),
    ]);
    let env = [
        ("REPOSITORY", "r.example.com/demo-app"),
        ("VERSION", "v1.2.3"),
        ("GITHUB_SHA", "0123"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "Sre-Kit/sre-kit"),
        ("GITHUB_REPOSITORY_OWNER", "Sre-Kit"),
    ];
    let ended = run(&all, "release.yml", "Verify and copy", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let calls = all.calls("cosign");
    assert!(
        calls[0].starts_with(&format!("cosign verify r.example.com/demo-app@{digest}")),
        "{calls:?}"
    );
    assert_eq!(
        calls[1],
        format!("cosign copy r.example.com/demo-app@{digest} ghcr.io/sre-kit/demo-app:1.2.3")
    );
    let output = all.read("github.output");
    assert!(output.contains("repository=ghcr.io/sre-kit/demo-app") && output.contains(&digest));

    let values = fs::read_to_string(root().join("charts/demo-app/values.yaml")).expect("text");
    all.write("charts/demo-app/values.yaml", &values);
    let env = [
        ("VERSION", "v1.2.3"),
        ("IMAGE", "ghcr.io/sre-kit/demo-app"),
        ("DIGEST", digest.as_str()),
        ("GITHUB_REPOSITORY", "Sre-Kit/sre-kit"),
    ];
    let ended = run(&all, "release.yml", "Push and sign", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let values: Value =
        serde_yaml_ng::from_str(&all.read("charts/demo-app/values.yaml")).expect("YAML");
    assert_eq!(values["image"]["repository"], "ghcr.io/sre-kit/demo-app");
    assert_eq!(values["image"]["digest"], digest.as_str());
    assert!(all.calls("helm package")[0].contains("--version 1.2.3"));
}

#[test]
fn both_images_are_pushed_as_built_and_the_index_is_signed() {
    let digest = format!("sha256:{}", "c".repeat(64));
    let docker = format!("case $* in *inspect*) echo {digest} ;; esac");
    let all = StandIns::new(&[("skopeo", ""), ("docker", &docker), ("cosign", "")]);
    for (arch, digit) in [("amd64", "a"), ("arm64", "b")] {
        all.write(&format!("image-{arch}/digest"), &format!("sha256:{}", digit.repeat(64)));
    }
    let env = [("REPOSITORY", "r.example.com/demo-app"), ("GITHUB_SHA", "0123")];
    let ended = run(&all, "image.yml", "Push both images and their index", &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let copied = all.calls("skopeo copy --preserve-digests oci-archive:image-");
    assert_eq!(copied.len(), 2);
    let made = all.calls("docker buildx imagetools create").concat();
    for digit in ["a", "b"] {
        assert!(
            made.contains(&format!("r.example.com/demo-app@sha256:{}", digit.repeat(64))),
            "{made}"
        );
    }
    let output = all.read("github.output");
    assert!(output.contains(&format!("\ndigest={digest}\n")), "{output}");

    let image = format!("r.example.com/demo-app@{digest}");
    let step = "Sign the index and both images";
    assert_eq!(run(&all, "image.yml", step, &[("IMAGE", &image)]).code, 0);
    assert_eq!(all.calls("cosign"), [format!("cosign sign --yes --recursive {image}")]);

    for file in ["image.yml", "deploy.yml"] {
        let env = [("REPOSITORY", "europe-west1-docker.pkg.dev/demo/demo/demo-app")];
        assert_eq!(run(&all, file, "Find the registry's host", &env).code, 0);
        assert!(all.read("github.output").contains("host=europe-west1-docker.pkg.dev\n"));
    }
}

#[test]
#[ignore = "needs jq; cargo xtask test --only deploy"]
fn an_image_is_verified_by_who_signed_it_and_where_it_was_built() {
    let all = StandIns::new(&[
        ("cosign", "[ -z \"${UNSIGNED:-}\" ] && echo '[{\"critical\": {}}]'"),
        ("gh", "cat \"$PROVENANCE\""),
    ]);
    // As gh prints what sigstore says of the certificate.
    let provenance = |commit: &str| {
        let text = format!(
            r#"[{{"verificationResult": {{"signature": {{"certificate": {{"sourceRepositoryDigest": "{commit}"}}}}}}}}]"#
        );
        all.write("gh.json", &text)
    };
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let gh = provenance(commit);
    let name = "Verify signature and provenance";
    let env = [
        ("IMAGE", "r.example.com/demo-app@sha256:0"),
        ("GH_TOKEN", "none"),
        ("GITHUB_REPOSITORY", "owner/name"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("PROVENANCE", gh.as_str()),
    ];
    let ended = run(&all, "deploy.yml", name, &env);
    assert_eq!(ended.code, 0, "{}", ended.said);
    let signer = "owner/name/.github/workflows/image.yml";
    let call = all.calls("cosign verify").concat();
    assert!(call.contains(&format!("https://github.com/{signer}@refs/heads/main")), "{call}");
    let call = all.calls("gh attestation verify").concat();
    assert!(call.contains(&format!("--signer-workflow {signer}")), "{call}");
    assert_eq!(all.read("github.output"), format!("commit={commit}\n"));
    let unsigned = [&env[..], &[("UNSIGNED", "1")]].concat();
    assert_ne!(run(&all, "deploy.yml", name, &unsigned).code, 0);
    for wrong in ["", "main", "0123"] {
        provenance(wrong);
        let ended = run(&all, "deploy.yml", name, &env);
        assert_eq!(ended.code, 1, "{}", ended.said);
        assert!(ended.said.contains("the provenance names"), "{}", ended.said);
    }

    // What is rolled out has the chart of that commit.
    let workflow = workflow("deploy.yml");
    let checkout = &workflow["jobs"]["rollout"]["steps"][0]["with"]["ref"];
    assert_eq!(checkout.as_str(), Some("${{ needs.verify.outputs.commit }}"));
    let output = &workflow["jobs"]["verify"]["outputs"]["commit"];
    assert_eq!(output.as_str(), Some("${{ steps.provenance.outputs.commit }}"));
}

#[test]
fn what_is_no_digest_is_refused() {
    for (digest, code) in
        [("latest", 1), ("sha256:abc", 1), (&*format!("sha256:{}", "0".repeat(64)), 0)]
    {
        let all = StandIns::new(&[]);
        let ended =
            run(&all, "deploy.yml", "Reject anything that is not a digest", &[("DIGEST", digest)]);
        assert_eq!(ended.code, code, "{digest}: {}", ended.said);
    }
}
