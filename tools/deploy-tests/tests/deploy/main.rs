//! Tests of charts, Terraform, image and workflows with the programs that read them, linked
//! into one binary. Each file is a module.

mod access;
mod accounts;
mod apply_order;
mod chart;
mod github_script;
mod gke_page;
mod gke_script;
mod gke_verify;
mod gmp;
mod image;
mod pull;
mod reach;
mod schema;
mod seams;
mod setup_options;
mod setup_receivers;
mod template_delivery;
mod terraform_docs;
mod terraform_modules;
mod terraform_twins;
mod workflow_builds;
mod workflow_steps;
mod workflows;

#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/contract/mod.rs"]
mod contract;
#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/deploy.rs"]
mod deploy;
#[path = "../support/image/docker.rs"]
mod docker;
#[path = "../support/gke.rs"]
mod gke;
#[path = "../support/image/sandbox.rs"]
mod sandbox;
#[path = "../support/serve.rs"]
mod serve;
#[path = "../support/setup.rs"]
mod setup;
#[path = "../support/stand_in.rs"]
mod stand_in;
#[path = "../support/template.rs"]
mod template;
#[allow(dead_code, reason = "each tier uses its part")]
#[path = "../support/terraform/mod.rs"]
mod terraform;
