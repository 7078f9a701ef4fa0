//! Each rule, broken once.

use super::{Effect, check};

fn pod(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop}}\nspec: {{{spec}, \
         containers: [{{name: c, resources: {{requests: {{cpu: 250m, memory: 256Mi}}}}}}]}}\n"
    )
}

fn container(fields: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec: {{template: {{spec: \
         {{containers: [{{name: c, resources: {{requests: {{cpu: 250m, memory: 256Mi}}}}, {fields}}}]}}}}}}\n"
    )
}

fn resources(fields: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: j}}\nspec: {{jobTemplate: {{spec: \
         {{template: {{spec: {{containers: [{{name: c, resources: {{{fields}}}}}]}}}}}}}}}}\n"
    )
}

#[track_caller]
fn finds(manifest: &str, effect: Effect, word: &str) {
    let (_, found) = check(manifest).expect("YAML");
    let [finding] = found.as_slice() else { panic!("one finding, not {found:?}, in {manifest}") };
    assert_eq!(finding.effect, effect, "{finding}");
    assert!(finding.to_string().contains(word), "{finding}");
}

#[track_caller]
fn passes(manifest: &str) {
    let (_, found) = check(manifest).expect("YAML");
    assert!(found.is_empty(), "{found:?} in {manifest}");
}

#[test]
fn what_reaches_into_the_node_is_refused() {
    for (spec, word) in [
        ("hostNetwork: true", "hostNetwork"),
        ("hostPID: true", "hostPID"),
        ("hostIPC: true", "hostIPC"),
        ("nodeName: n", "names its node"),
        ("securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]}", "somaxconn"),
        ("volumes: [{name: v, hostPath: {path: /proc}}]", "the node's /proc"),
        ("volumes: [{name: v, hostPath: {path: /var/logs}}]", "the node's /var/logs"),
        ("volumes: [{name: v, hostPath: {path: /var/log/../lib}}]", "/var/log/../lib"),
    ] {
        finds(&pod(spec), Effect::Refused, word);
    }
    passes(&pod("hostNetwork: false"));
}

#[test]
fn the_nodes_logs_may_be_read_and_not_written() {
    let mounted = |mount: &str| {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: d}}\nspec: {{template: {{spec: \
             {{volumes: [{{name: v, hostPath: {{path: /var/log/pods}}}}], containers: [{{name: c, \
             resources: {{requests: {{cpu: 250m, memory: 256Mi}}}}, volumeMounts: [{mount}]}}]}}}}}}\n"
        )
    };
    passes(&mounted("{name: v, mountPath: /var/log, readOnly: true}"));
    finds(&mounted("{name: v, mountPath: /var/log}"), Effect::Refused, "may write");
}

#[test]
fn a_container_that_wants_more_than_a_container_is_refused() {
    for (fields, word) in [
        ("securityContext: {privileged: true}", "privileged"),
        ("securityContext: {procMount: Unmasked}", "unmasked"),
        ("securityContext: {capabilities: {add: [SYS_ADMIN]}}", "SYS_ADMIN"),
        ("ports: [{containerPort: 80, hostPort: 8080}]", "port 8080"),
    ] {
        finds(&container(fields), Effect::Refused, word);
    }
    passes(&container("securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}"));
}

#[test]
fn googles_allowlists_admit_what_they_name() {
    let manifest = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d}\nspec: {template: \
        {metadata: {labels: {cloud.google.com/matching-allowlist: a-1}}, spec: {hostNetwork: true, \
        containers: [{name: c, resources: {requests: {cpu: 1, memory: 2Gi}}}]}}}\n";
    passes(manifest);
}

#[test]
fn requests_that_are_missing_or_out_of_proportion_are_changed() {
    for (fields, word) in [
        ("", "no cpu and no memory"),
        ("requests: {cpu: 1}", "no memory"),
        ("requests: {cpu: 250m, memory: 128Mi}", "0.50 GiB per CPU, and memory is raised"),
        ("requests: {cpu: 250m, memory: 2Gi}", "8.00 GiB per CPU, and CPU is raised"),
    ] {
        finds(&resources(fields), Effect::Changed, word);
    }
    passes(&resources("limits: {cpu: 1, memory: 6.5Gi}"));
    finds(
        &resources("requests: {cpu: 1, memory: 2Gi, ephemeral-storage: 11Gi}"),
        Effect::Refused,
        "ephemeral",
    );
}

#[test]
fn a_grace_period_that_a_node_does_not_live_to_see_is_told() {
    finds(&pod("terminationGracePeriodSeconds: 601"), Effect::Changed, "601 s");
    passes(&pod("terminationGracePeriodSeconds: 600"));
    let spot =
        "nodeSelector: {cloud.google.com/gke-spot: 'true'}, terminationGracePeriodSeconds: 60";
    finds(&pod(spot), Effect::Changed, "Spot");
}

#[test]
fn objects_where_or_as_google_does_not_want_them_are_refused() {
    for (manifest, effect, word) in [
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: kube-system}\n",
            Effect::Refused,
            "Service kube-system/s: refused: it is in kube-system",
        ),
        (
            "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {externalIPs: [192.0.2.1]}\n",
            Effect::Refused,
            "externalIPs",
        ),
        (
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {local: {path: /x}}\n",
            Effect::Refused,
            "node's disk",
        ),
        (
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\n\
             subjects: [{kind: Group, name: 'system:unauthenticated'}]\n",
            Effect::Refused,
            "system:unauthenticated",
        ),
        (
            "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\n\
             metadata: {name: w}\nwebhooks: [{name: h, rules: [{resources: [pods]}]}]\n",
            Effect::Changed,
            "webhook h",
        ),
    ] {
        finds(manifest, effect, word);
    }
}

/// prometheus-adapter and KEDA have it: without it their API is not aggregated.
#[test]
fn the_servers_of_aggregated_apis_may_read_their_authority_and_nothing_else() {
    let bound = |kind: &str, namespace: &str, role: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: b, namespace: \
             {namespace}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: \
             {role}}}\nsubjects: [{{kind: ServiceAccount, name: a, namespace: observability}}]\n"
        )
    };
    let reader = "extension-apiserver-authentication-reader";
    passes(&bound("RoleBinding", "kube-system", reader));
    finds(&bound("RoleBinding", "kube-system", "leader-election"), Effect::Refused, "kube-system");
    finds(&bound("RoleBinding", "gke-system", reader), Effect::Refused, "gke-system");
    finds(&bound("Role", "kube-system", reader), Effect::Refused, "kube-system");
}

#[test]
fn lists_are_opened_and_what_is_no_object_is_said() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: \
                {name: s, namespace: kube-system}}\n";
    finds(list, Effect::Refused, "kube-system");
    assert_eq!(check("---\n---\n# nothing\n").expect("YAML").0, 0);
    assert!(check("a: b").expect_err("no object").to_string().contains("helm template"));
    assert!(check("{").is_err());
}
