locals {
  subjects = "principal://iam.googleapis.com/projects/${var.project.number}/locations/global/workloadIdentityPools/${var.project.id}.svc.id.goog/subject/ns"
  stack    = "${local.subjects}/${var.namespace}/sa"

  # https://cloud.google.com/iam/docs/understanding-roles
  roles = {
    read = {
      metrics = "roles/monitoring.viewer"
      logs    = "roles/logging.viewer"
      traces  = "roles/cloudtrace.user"
    }
    write = {
      metrics = "roles/monitoring.metricWriter"
      logs    = "roles/logging.logWriter"
      traces  = "roles/cloudtrace.agent"
    }
  }

  grants = merge(flatten([
    for verb, accounts in { read = var.readers, write = var.writers } : [
      for account, signals in accounts : {
        for signal in signals : "${account} ${verb}s ${signal}" => { account = account, role = local.roles[verb][signal] }
      }
    ]
  ])...)
}

resource "google_project_iam_member" "signal" {
  for_each = local.grants

  project = var.project.id
  role    = each.value.role
  member  = "${local.stack}/${each.value.account}"

  depends_on = [var.wait_for]
}

resource "google_storage_bucket" "store" {
  #checkov:skip=CKV_GCP_62:Access to telemetry is in Cloud Audit Logs, which need no second bucket.
  #checkov:skip=CKV_GCP_78:Chunks are written once; versions of what the stack deletes would be kept and paid for.
  for_each = var.stores

  project                     = var.project.id
  name                        = each.value.bucket
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection
  labels                      = var.labels

  # The stack deletes what it no longer needs, for good.
  soft_delete_policy {
    retention_duration_seconds = 0
  }

  lifecycle_rule {
    condition {
      age = each.value.days
    }
    action {
      type = "Delete"
    }
  }

  lifecycle_rule {
    condition {
      age = 1
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
}

resource "google_storage_bucket_iam_member" "store" {
  for_each = var.stores

  bucket = google_storage_bucket.store[each.key].name
  role   = "roles/storage.objectUser"
  member = "${local.stack}/${each.key}"

  depends_on = [var.wait_for]
}

# KEDA's scaler for Pub/Sub asks Cloud Monitoring how deep a subscription is.
# https://cloud.google.com/kubernetes-engine/docs/tutorials/scale-to-zero-using-keda
resource "google_project_iam_member" "queue_reader" {
  for_each = var.queue_readers

  project = var.project.id
  role    = "roles/monitoring.viewer"
  member  = "${local.subjects}/${each.value}/sa/${each.key}"

  depends_on = [var.wait_for]
}

# On the project, whose zones are this environment's: granting a role on one zone takes a
# right (dns.managedZones.setIamPolicy) that only owners have.
resource "google_project_iam_member" "dns_writer" {
  count = var.dns_writer == null ? 0 : 1

  project = var.project.id
  role    = var.dns_writer.role
  member  = "${local.subjects}/${var.dns_writer.namespace}/sa/${var.dns_writer.service_account}"

  depends_on = [var.wait_for]
}
