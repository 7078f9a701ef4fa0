locals {
  nodes_account = var.create_nodes_account ? google_service_account.nodes[0].email : "${var.name}-nodes@${var.project_id}.iam.gserviceaccount.com"
}

# Nodes run as an account of their own: the default one may edit the whole project.
resource "google_service_account" "nodes" {
  count = var.create_nodes_account ? 1 : 0

  project      = var.project_id
  account_id   = "${var.name}-nodes"
  display_name = "Nodes of ${var.name}"
  description  = "Writes logs and metrics of nodes. Pods do not get its token."
}

# Logs, metrics and nothing else. Pulling images is granted where the images are.
resource "google_project_iam_member" "nodes" {
  project = var.project_id
  role    = "roles/container.defaultNodeServiceAccount"
  member  = "serviceAccount:${local.nodes_account}"
}

# A principal that makes a node decides what runs as its account: granted at this account, and
# not for all of the project.
resource "google_service_account_iam_member" "node_account_users" {
  for_each = var.node_account_users

  service_account_id = "projects/${var.project_id}/serviceAccounts/${local.nodes_account}"
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}

moved {
  from = google_service_account_iam_member.acting_as_nodes
  to   = google_service_account_iam_member.node_account_users
}
