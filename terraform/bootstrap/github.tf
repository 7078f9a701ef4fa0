# A workflow's own token is exchanged for one of Google's: no key exists anywhere, and
# no account is impersonated.
resource "google_iam_workload_identity_pool" "github" {
  project                   = var.project.id
  workload_identity_pool_id = "github"
  display_name              = "GitHub"
  description               = "Workflows of one repository."

  depends_on = [google_project_service.service]
}

locals {
  # An environment is only worth what its refs are worth: both have to fit.
  conditions = [
    for name, environment in var.environments : format(
      "(assertion.environment == '%s' && (%s))",
      name,
      join(" || ", [
        for ref in environment.refs :
        endswith(ref, "*") ? "assertion.ref.startsWith('${trimsuffix(ref, "*")}')" : "assertion.ref == '${ref}'"
      ])
    )
  ]

  pool = "projects/${var.project.number}/locations/global/workloadIdentityPools/${google_iam_workload_identity_pool.github.workload_identity_pool_id}"

  principal_sets = {
    for name in keys(var.environments) :
    name => "principalSet://iam.googleapis.com/${local.pool}/attribute.job/${var.github.repository_id}-${name}"
  }
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:It looks for assertion.sub, where the repository is a name; ours is its number, its environments and their refs.
  project                            = var.project.id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  display_name                       = "GitHub Actions"
  description                        = "Jobs of the repository that run in an environment, from that environment's refs."

  # The job is the repository and the environment. A job without environment has no
  # such claim, and so gets no token. The subject is the same, not GitHub's: that has names,
  # which change hands, and the API server of a cluster knows the job by it.
  attribute_mapping = {
    "google.subject" = "assertion.repository_id + '-' + assertion.environment"
    "attribute.job"  = "assertion.repository_id + '-' + assertion.environment"
  }

  attribute_condition = join(" && ", [
    "assertion.repository_id == '${var.github.repository_id}'",
    "assertion.repository_owner_id == '${var.github.owner_id}'",
    "assertion.event_name != 'pull_request_target'",
    "(${join(" || ", local.conditions)})",
  ])

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}
