output "members" {
  description = "What to grant rights to, by workload: the Kubernetes account's principal, or the Google account it impersonates."
  value       = local.members
}

output "principals" {
  description = "The Kubernetes accounts' principals, by workload, impersonating or not."
  value       = local.principals
}

output "emails" {
  description = "Addresses of the Google accounts, by workload; those without one are missing."
  value       = local.emails
}

output "service_accounts" {
  description = "Name and annotations of the Kubernetes accounts, by workload, as a chart wants them. Annotations are only for those that impersonate."
  value = {
    for name, workload in var.workloads : name => {
      name        = name
      annotations = workload.google_account ? { "iam.gke.io/gcp-service-account" = local.emails[name] } : {}
    }
  }
}
