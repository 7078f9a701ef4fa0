//! Certificates, keys, and the files with the identity of each component.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use shell::Cmd;

use super::layout::{API, API_SERVICE, Layout, NODE, NODE_IP};

/// A client of the API: its file's name, its user, its group.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("admin", "sre-kit-admin", "system:masters"),
    ("controller-manager", "system:kube-controller-manager", ""),
    ("scheduler", "system:kube-scheduler", ""),
    ("proxy", "system:kube-proxy", ""),
    ("kubelet", "system:node:sre-kit", "system:nodes"),
    ("apiserver-to-kubelet", "kube-apiserver", "system:masters"),
];

/// Makes an authority, a certificate for the API and one for each client, and
/// the key that signs the tokens of service accounts.
pub(crate) fn make(layout: &Layout) -> Result<()> {
    let dir = layout.of("pki");
    fs::create_dir_all(&dir).with_context(|| format!("making {dir}"))?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700))?;
    authority(layout, "ca")?;
    // The API server vouches for users to aggregated APIs by an authority apart,
    // or any client certificate could vouch for anybody.
    authority(layout, "front-proxy-ca")?;
    signed(layout, "front-proxy", "front-proxy-ca", "/CN=front-proxy", "clientAuth", None)?;
    let names = format!(
        "IP:127.0.0.1,IP:{NODE_IP},IP:{API_SERVICE},DNS:localhost,DNS:kubernetes,\
         DNS:kubernetes.default,DNS:kubernetes.default.svc,\
         DNS:kubernetes.default.svc.cluster.local"
    );
    signed(layout, "apiserver", "ca", "/CN=kube-apiserver", "serverAuth", Some(&names))?;
    for (name, user, group) in CLIENTS {
        signed(layout, name, "ca", &subject(user, group), "clientAuth", None)?;
        fs::write(layout.kubeconfig_of(name), kubeconfig(layout, name))?;
    }
    key(&layout.key("service-accounts"))?;
    Cmd::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(layout.key("service-accounts"))
        .arg("-out")
        .arg(layout.cert("service-accounts"))
        .read()?;
    Ok(())
}

fn subject(user: &str, group: &str) -> String {
    if group.is_empty() { format!("/CN={user}") } else { format!("/O={group}/CN={user}") }
}

fn key(path: &str) -> Result<()> {
    let curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
    Cmd::new("openssl").args(["genpkey", "-algorithm", "EC", "-out", path]).args(curve).read()?;
    Ok(())
}

fn authority(layout: &Layout, name: &str) -> Result<()> {
    key(&layout.key(name))?;
    Cmd::new("openssl")
        .args(["req", "-x509", "-new", "-days", "3650", "-subj", &format!("/CN={name}")])
        .args(["-key".to_owned(), layout.key(name), "-out".to_owned(), layout.cert(name)])
        .args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"])
        .read()?;
    Ok(())
}

fn signed(
    layout: &Layout,
    name: &str,
    authority: &str,
    subject: &str,
    usage: &str,
    names: Option<&str>,
) -> Result<()> {
    key(&layout.key(name))?;
    let mut cmd = Cmd::new("openssl")
        .args(["req", "-x509", "-new", "-days", "3650", "-subj", subject])
        .args(["-key".to_owned(), layout.key(name), "-out".to_owned(), layout.cert(name)])
        .args([
            "-CA".to_owned(),
            layout.cert(authority),
            "-CAkey".to_owned(),
            layout.key(authority),
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-addext", "keyUsage=critical,digitalSignature"])
        .args(["-addext".to_owned(), format!("extendedKeyUsage={usage}")]);
    if let Some(names) = names {
        cmd = cmd.args(["-addext".to_owned(), format!("subjectAltName={names}")]);
    }
    cmd.read()?;
    Ok(())
}

fn kubeconfig(layout: &Layout, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
current-context: {NODE}
contexts: [{{name: {NODE}, context: {{cluster: {NODE}, user: {user}}}}}]
clusters: [{{name: {NODE}, cluster: {{server: \"{API}\", certificate-authority: {}}}}}]
users: [{{name: {user}, user: {{client-certificate: {}, client-key: {}}}}}]
",
        layout.cert("ca"),
        layout.cert(user),
        layout.key(user),
    )
}

#[cfg(test)]
mod tests {
    use super::{CLIENTS, subject};
    use crate::layout::NODE;

    #[test]
    fn the_node_is_who_the_node_authorizer_expects() {
        let (_, user, group) =
            CLIENTS.iter().find(|(name, ..)| *name == "kubelet").expect("is one");
        assert_eq!(subject(user, group), format!("/O=system:nodes/CN=system:node:{NODE}"));
        assert_eq!(subject("system:kube-proxy", ""), "/CN=system:kube-proxy");
    }
}
