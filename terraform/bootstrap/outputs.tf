output "workload_identity_provider" {
  description = "What google-github-actions/auth calls `workload_identity_provider`."
  value       = "projects/${var.project.number}/locations/global/workloadIdentityPools/${google_iam_workload_identity_pool.github.workload_identity_pool_id}/providers/${google_iam_workload_identity_pool_provider.github.workload_identity_pool_provider_id}"
}

output "principal_sets" {
  description = "What each environment's jobs are to IAM, for grants at a repository or an account."
  value       = local.principal_sets
}

output "state_bucket" {
  description = "Bucket of the environments' states."
  value       = google_storage_bucket.state.name
}

output "backends" {
  description = "What each environment's `terraform init -backend-config` gets."
  value = {
    for name, environment in merge(local.writers, local.readers) :
    name => { bucket = google_storage_bucket.state.name, prefix = environment.state_prefix }
  }
}
