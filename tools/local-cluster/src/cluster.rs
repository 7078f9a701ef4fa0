//! The cluster of this machine: what is started in which order, and taken down again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use shell::Cmd;

use crate::layout::{Layout, NODE, PAUSE_IMAGE};
use crate::process::{Started, until};
use crate::{components, containers, load, machine, network, pki, process};

/// What runs in the cluster by itself: its name, its program, its manifest.
const ADDONS: &[(&str, &str)] = &[
    ("coredns", include_str!("../addons/coredns.yaml")),
    ("metrics-server", include_str!("../addons/metrics-server.yaml")),
];

/// All components, in the order in which `status` shows them.
const COMPONENTS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "containerd",
    "kubelet",
    "kube-proxy",
];

/// The cluster of this machine.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    layout: Layout,
    /// Where its programs are.
    path: Vec<PathBuf>,
    /// What it is made of; a cluster of something else is not this one.
    made_of: String,
}

impl Cluster {
    /// The cluster, whose programs are in `path` and have these versions.
    pub(crate) fn new(path: Vec<PathBuf>, made_of: String) -> Self {
        Self { layout: Layout::of_this_machine(), path, made_of }
    }

    /// Starts it, unless it is there. One that is there in part, as after a
    /// crash, is taken down first.
    pub(crate) fn up(&self) -> Result<()> {
        machine::check()?;
        let _lock = self.lock()?;
        if self.is_whole() {
            println!("the cluster is up already");
            self.say_how_to_use_it();
            return Ok(());
        }
        self.remove()?;
        let began = Instant::now();
        println!("starting a cluster; its logs are in {}", self.layout.logs().display());
        if let Err(err) = self.start() {
            // Its logs stay.
            let _ = self.remove();
            return Err(err);
        }
        println!("the cluster is up, {:.1} s", began.elapsed().as_secs_f64());
        self.say_how_to_use_it();
        Ok(())
    }

    fn start(&self) -> Result<()> {
        let layout = &self.layout;
        let _ = fs::remove_dir_all(layout.logs());
        for dir in [layout.logs(), layout.state(), layout.of("pids").into()] {
            fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        }
        network::up().context("making the node's network; the kernel may lack veth")?;
        machine::check_network()?;
        pki::make(layout)?;

        let mut running = vec![
            self.component(&components::containerd(layout))?,
            self.component(&components::etcd(layout))?,
            self.component(&components::apiserver(layout))?,
        ];
        until("containerd", layout, &mut running, || {
            Cmd::new("ctr").args(["--address", &layout.containerd(), "version"]).read().ok()
        })?;
        self.load_program("busybox", PAUSE_IMAGE, &["/busybox", "sleep", "2147483647"])?;
        self.load_program("busybox", "localhost/busybox:1", &["/busybox"])?;
        until("API", layout, &mut running, || {
            self.kubectl(["get", "--raw", "/readyz"]).read().ok()
        })?;
        for component in [
            components::controller_manager(layout),
            components::scheduler(layout),
            components::kubelet(layout),
            components::proxy(layout),
        ] {
            running.push(self.component(&component)?);
        }
        until("node", layout, &mut running, || {
            let ready = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
            let status = self.kubectl(["get", "node", NODE, "-o", ready]).read().ok()?;
            (status == "True").then_some(())
        })?;
        self.addons(&mut running)?;
        Ok(fs::write(layout.of("made-of"), &self.made_of)?)
    }

    fn addons(&self, running: &mut [Started]) -> Result<()> {
        for (name, manifest) in ADDONS {
            self.load_program(name, &format!("localhost/{name}:1"), &[])?;
            let file = self.layout.of(&format!("{name}.yaml"));
            fs::write(&file, manifest)?;
            self.kubectl(["apply", "--server-side", "-f", &file]).read()?;
        }
        for (name, _) in ADDONS {
            let deployment = format!("deployment/{name}");
            let ready = "jsonpath={.status.availableReplicas}";
            until(name, &self.layout, running, || {
                let get = ["-n", "kube-system", "get", &deployment, "-o", ready];
                (self.kubectl(get).read().ok()? == "1").then_some(())
            })
            .map_err(|err| self.with_what_it_says(&deployment, &err))?;
        }
        until("metrics API", &self.layout, running, || {
            self.kubectl(["get", "--raw", "/apis/metrics.k8s.io/v1beta1"]).read().ok()
        })?;
        Ok(())
    }

    fn with_what_it_says(&self, deployment: &str, err: &anyhow::Error) -> anyhow::Error {
        let logs = self.kubectl(["-n", "kube-system", "logs", deployment, "--tail=20"]).read();
        anyhow::anyhow!("{err:#}\n{deployment}: {}", logs.unwrap_or_else(|err| err.to_string()))
    }

    /// Takes it down, whatever is left of it, and keeps its logs.
    pub(crate) fn down(&self) -> Result<()> {
        if !toolbox::is_root() {
            bail!("a cluster belongs to root; run this as root");
        }
        let _lock = self.lock()?;
        let was_there = network::is_up() || self.layout.state().exists();
        self.remove()?;
        println!(
            "{}",
            if was_there { "the cluster is gone; its logs stay" } else { "there is no cluster" }
        );
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        let state = self.layout.state();
        // What would start a container again goes first.
        let pid_of = |name: &str| {
            let text = fs::read_to_string(self.layout.of(&format!("pids/{name}"))).ok()?;
            text.parse::<u32>().ok()
        };
        let starters: Vec<_> =
            ["kubelet", "kube-proxy"].iter().filter_map(|name| pid_of(name)).collect();
        process::stop(Duration::from_secs(2), || {
            let inside = network::processes();
            starters.iter().copied().filter(|pid| inside.contains(pid)).collect()
        })?;
        if network::is_up() || state.exists() {
            containers::kill()?;
        }
        // Everything in the namespace is the cluster's, recorded or not.
        process::stop(Duration::from_secs(5), network::processes)?;
        containers::unmount(&state);
        containers::remove_groups();
        network::down();
        if state.exists() {
            fs::remove_dir_all(&state).with_context(|| {
                format!("removing {}; something may still be mounted there", state.display())
            })?;
        }
        Ok(())
    }

    /// Prints what runs; whether all of it does.
    pub(crate) fn status(&self) -> Result<bool> {
        if !network::is_up() {
            println!("there is no cluster; cargo xtask cluster up starts one");
            return Ok(false);
        }
        let processes = network::processes();
        for name in COMPONENTS {
            let runs = process::runs(&self.layout, name, &processes);
            println!("{name:24} {}", if runs { "runs" } else { "DOES NOT RUN" });
        }
        if self.is_whole() {
            self.say_how_to_use_it();
            println!();
            self.kubectl(["get", "nodes,pods", "--all-namespaces"]).must_run()?;
            return Ok(true);
        }
        println!(
            "it is not whole; cargo xtask cluster up starts it again, and its logs are in {}",
            self.layout.logs().display()
        );
        Ok(false)
    }

    /// Every component runs, is what it should be, and the API answers.
    fn is_whole(&self) -> bool {
        let made_of = fs::read_to_string(self.layout.of("made-of")).unwrap_or_default();
        let processes = network::processes();
        made_of == self.made_of
            && COMPONENTS.iter().all(|name| process::runs(&self.layout, name, &processes))
            && self.kubectl(["get", "--raw", "/readyz"]).read().is_ok()
    }

    fn say_how_to_use_it(&self) {
        let setting = Cmd::new("export")
            .path_first(&self.path)
            .env("KUBECONFIG", self.layout.kubeconfig())
            .assignments();
        println!("to use it:\n    export {setting}");
    }

    /// Puts an image into it, see [`load::image`].
    pub(crate) fn load_image(
        &self,
        name: Option<&str>,
        config: Option<&Value>,
        file: &Path,
    ) -> Result<()> {
        if !self.is_whole() {
            bail!("there is no cluster to load it into; run cargo xtask cluster up first");
        }
        load::image(&self.layout, name, config, file)
    }

    fn load_program(&self, program: &str, name: &str, entrypoint: &[&str]) -> Result<()> {
        load::program(&self.layout, &self.path, program, name, entrypoint)
    }

    fn component(&self, component: &components::Component) -> Result<Started> {
        process::start(&self.layout, component, &self.path)
    }

    fn kubectl<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Cmd {
        Cmd::new("kubectl")
            .args(["--kubeconfig".to_owned(), self.layout.kubeconfig()])
            .arg("--request-timeout=5s")
            .args(args)
            .path_first(&self.path)
    }

    /// Two runs at a time would start one half each.
    fn lock(&self) -> Result<File> {
        let path = self.layout.lock();
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        }
        let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        if file.try_lock().is_err() {
            println!("another run starts or stops the cluster; waiting for it");
            file.lock()?;
        }
        Ok(file)
    }
}
