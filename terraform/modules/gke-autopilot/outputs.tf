output "id" {
  description = "The cluster, as `projects/PROJECT/locations/REGION/clusters/NAME`."
  value       = google_container_cluster.cluster.id
}

output "name" {
  description = "Name of the cluster."
  value       = google_container_cluster.cluster.name
}

output "location" {
  description = "Region of the cluster."
  value       = google_container_cluster.cluster.location
}

output "dns_endpoint" {
  description = "DNS name of the control plane, which IAM guards."
  value       = google_container_cluster.cluster.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint
}

output "workload_pool" {
  description = "Pool that the identities of the cluster's pods are in."
  # Not read from the cluster, so that it is known when the rest is planned.
  value = "${var.project_id}.svc.id.goog"
}

output "node_service_account" {
  description = "Account of the nodes: whoever holds images grants it reading."
  value       = google_service_account.nodes.email
}

output "credentials_command" {
  description = "What gives kubectl access."
  value       = "gcloud container clusters get-credentials ${google_container_cluster.cluster.name} --project ${var.project_id} --location ${google_container_cluster.cluster.location} --dns-endpoint"
}
