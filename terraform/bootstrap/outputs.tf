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

output "deployers" {
  description = "Users that the API server of a cluster sees where an environment's jobs deploy, for charts/setup_cluster.sh --deployer."
  value       = { for name in keys(local.deployers) : name => "principal://iam.googleapis.com/${local.pool}/subject/${var.github.repository_id}-${name}" }
}

output "github" {
  description = "Environments of the repository at GitHub, with the refs and the variables of each, for github.sh. TFVARS and IMAGE_REPOSITORY come from elsewhere."
  value = {
    for name, environment in var.environments : name => {
      refs = environment.refs
      variables = merge(
        { GCP_WORKLOAD_IDENTITY_PROVIDER = "projects/${var.project.number}/locations/global/workloadIdentityPools/${google_iam_workload_identity_pool.github.workload_identity_pool_id}/providers/${google_iam_workload_identity_pool_provider.github.workload_identity_pool_provider_id}" },
        environment.terraform == "none" ? {} : { STATE_BUCKET = google_storage_bucket.state.name },
      )
    }
  }
}
