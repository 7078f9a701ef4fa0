locals {
  pool = "projects/${var.project.number}/locations/global/workloadIdentityPools/${var.project.id}.svc.id.goog"

  # What a Kubernetes account is to IAM. No key, no impersonation, nothing to rotate.
  principals = {
    for name, workload in var.workloads :
    name => "principal://iam.googleapis.com/${local.pool}/subject/ns/${coalesce(workload.namespace, var.namespace)}/sa/${name}"
  }

  # Google accounts by workload: made here, or there by the same name.
  emails = merge(
    { for name, account in google_service_account.account : name => account.email },
    {
      for name, workload in var.workloads : name => "${name}@${var.project.id}.iam.gserviceaccount.com"
      if workload.google_account && !var.create_accounts
    },
  )

  # Whom rights are granted to.
  members = merge(local.principals, {
    for name, email in local.emails : name => "serviceAccount:${email}"
  })

  grants = merge([
    for name, workload in var.workloads : {
      for role in workload.roles : "${name} ${role}" => { name = name, role = role }
    }
  ]...)
}

resource "google_service_account" "account" {
  for_each = { for name, workload in var.workloads : name => workload if workload.google_account && var.create_accounts }

  project      = var.project.id
  account_id   = each.key
  display_name = each.key
  description  = each.value.description
}

resource "google_service_account_iam_member" "impersonation" {
  for_each = local.emails

  service_account_id = "projects/${var.project.id}/serviceAccounts/${each.value}"
  role               = "roles/iam.workloadIdentityUser"
  member             = local.principals[each.key]

  depends_on = [var.wait_for]
}

resource "google_project_iam_member" "role" {
  for_each = local.grants

  project = var.project.id
  role    = each.value.role
  member  = local.members[each.value.name]

  depends_on = [var.wait_for]
}
