locals {
  karpenter_member = var.karpenter == null ? null : "principal://iam.googleapis.com/projects/${var.karpenter.project_number}/locations/global/workloadIdentityPools/${var.project_id}.svc.id.goog/subject/ns/${var.karpenter.namespace}/sa/${var.karpenter.service_account}"
}

# Karpenter's own guide grants compute.admin, container.admin and to act as every
# account of the project. It makes machines, reads and changes node pools, and has to
# act as the nodes' account: that is what it gets.
resource "google_project_iam_custom_role" "karpenter" {
  count = var.karpenter == null ? 0 : 1

  project     = var.project_id
  role_id     = "karpenter.${replace(var.name, "-", "_")}"
  title       = "Karpenter of ${var.name}"
  description = "Reads the cluster and changes its node pools."
  permissions = [
    "container.clusters.get",
    "container.clusters.list",
    "container.clusters.update",
    "container.operations.get",
    "container.operations.list",
  ]
}

resource "google_project_iam_member" "karpenter" {
  for_each = var.karpenter == null ? {} : {
    machines = "roles/compute.instanceAdmin.v1"
    pools    = google_project_iam_custom_role.karpenter[0].name
  }

  project = var.project_id
  role    = each.value
  member  = local.karpenter_member

  # The pool that it is a member of exists from the first cluster on.
  depends_on = [google_container_cluster.cluster]
}

resource "google_service_account_iam_member" "karpenter" {
  count = var.karpenter == null ? 0 : 1

  service_account_id = "projects/${var.project_id}/serviceAccounts/${local.nodes_account}"
  role               = "roles/iam.serviceAccountUser"
  member             = local.karpenter_member

  # The pool that it is a member of exists from the first cluster on.
  depends_on = [google_container_cluster.cluster]
}
