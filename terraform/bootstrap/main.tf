# Made once by a person who owns the project; everything after it is made by a
# pipeline that has less.
resource "google_project_service" "service" {
  for_each = var.services

  project            = var.project.id
  service            = each.key
  disable_on_destroy = false
}

resource "google_storage_bucket" "state" {
  #checkov:skip=CKV_GCP_62:Who reads and writes state is in Cloud Audit Logs, turned on below.
  project                     = var.project.id
  name                        = var.state.bucket
  location                    = var.state.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  deletion_policy             = "PREVENT"

  versioning {
    enabled = true
  }

  soft_delete_policy {
    retention_duration_seconds = 30 * 24 * 3600
  }

  # Both must hold: many versions of a busy day are kept, and few of a quiet year.
  lifecycle_rule {
    condition {
      num_newer_versions         = var.state.keep_versions
      days_since_noncurrent_time = var.state.keep_days
      with_state                 = "ARCHIVED"
    }
    action {
      type = "Delete"
    }
  }

  dynamic "encryption" {
    for_each = var.state.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.service]
}

# Tokens that were exchanged, and every look at state.
resource "google_project_iam_audit_config" "audit" {
  for_each = toset(["iam.googleapis.com", "sts.googleapis.com", "storage.googleapis.com"])

  project = var.project.id
  service = each.key

  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }

  depends_on = [google_project_service.service]
}

# Google's own accounts are editors in many projects. Nothing here runs as one of them, so they
# lose that: a machine that is made by hand would have it.
resource "google_project_default_service_accounts" "deprivileged" {
  project        = var.project.id
  action         = "DEPRIVILEGE"
  restore_policy = "NONE"

  depends_on = [google_project_service.service]
}
