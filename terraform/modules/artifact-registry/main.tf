resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:A key of one's own is a choice (kms_key); Google encrypts with its own otherwise.
  project                = var.project_id
  location               = var.location
  repository_id          = var.name
  description            = "Images that are deployed by digest."
  format                 = "DOCKER"
  kms_key_name           = var.kms_key
  labels                 = var.labels
  cleanup_policy_dry_run = var.cleanup.dry_run
  deletion_policy        = var.deletion_protection ? "PREVENT" : "DELETE"

  # A tag that was pushed means the same for ever.
  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "${var.cleanup.untagged_days * 24 * 3600}s"
    }
  }

  cleanup_policies {
    id     = "old"
    action = "DELETE"
    condition {
      tag_state  = "TAGGED"
      older_than = "${var.cleanup.tagged_days * 24 * 3600}s"
    }
  }

  # Keeping wins over deleting.
  cleanup_policies {
    id     = "newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = var.cleanup.keep_newest
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "reader" {
  for_each = var.readers

  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.reader"
  member     = each.value
}

# Writers add images; they can delete none, and no tag can be moved.
resource "google_artifact_registry_repository_iam_member" "writer" {
  for_each = var.writers

  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = each.value
}
