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

output "provider" {
  description = "What a `kubernetes` or `helm` provider needs beside a token: `host` is the DNS name of the control plane, whose certificate is of a public authority, so that it takes no `cluster_ca_certificate`."
  value       = { host = "https://${google_container_cluster.cluster.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint}" }
}

output "ip_endpoint" {
  description = "Address of the control plane and the authority of its certificate, as base64, for clients that come by `control_plane.ip`; null where it has none."
  value = var.control_plane.ip == null ? null : {
    host                   = "https://${google_container_cluster.cluster.endpoint}"
    cluster_ca_certificate = google_container_cluster.cluster.master_auth[0].cluster_ca_certificate
  }
}

output "workload_pool" {
  description = "Pool that the identities of the cluster's pods are in."
  # Not read from the cluster, so that it is known when the rest is planned.
  value = "${var.project_id}.svc.id.goog"
}

output "node_account_email" {
  description = "Service account of the nodes. Grant it the right to read images at the repository that holds them."
  value       = local.nodes_account
}

output "credentials_command" {
  description = "What gives kubectl access."
  value       = "gcloud container clusters get-credentials ${google_container_cluster.cluster.name} --project ${var.project_id} --location ${google_container_cluster.cluster.location} --dns-endpoint"
}

output "compute_class_manifests" {
  description = "ComputeClasses by name, as YAML for `kubectl apply -f -`."
  value = {
    for name, class in var.compute_classes : name => yamlencode({
      apiVersion = "cloud.google.com/v1"
      kind       = "ComputeClass"
      metadata   = { name = name }
      spec = {
        priorities = [
          for priority in class.priorities : {
            for key, value in {
              machineFamily = priority.machine_family
              machineType   = priority.machine_type
              spot          = priority.spot
              minCores      = priority.min_cores
            } : key => value if value != null
          }
        ]
        nodePoolAutoCreation = { enabled = true }
        activeMigration      = { optimizeRulePriority = class.move_back }
        whenUnsatisfiable    = class.when_unsatisfiable
        autoscalingPolicy    = { consolidationDelayMinutes = 5 }
      }
    })
  }
}
