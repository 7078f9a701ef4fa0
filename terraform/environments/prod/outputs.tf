output "helm_values" {
  description = "Values of charts/demo-app, but for the image's digest."
  value       = module.platform.helm_values
}

output "base_url" {
  description = "Where the service is reached from outside."
  value       = module.platform.base_url
}

output "profile" {
  description = "Profile of charts/setup_cluster.sh that fits."
  value       = module.platform.profile
}

output "prometheus" {
  description = "Namespace and Service that the pipeline's gate asks."
  value       = module.platform.prometheus
}

output "stack_values" {
  description = "Values of the stack's releases, as JSON by release, for charts/setup_cluster.sh --values-for."
  value       = module.platform.stack_values
}

output "namespace" {
  description = "Namespace that the release belongs in."
  value       = module.platform.namespace
}

output "cluster" {
  description = "Name and region of the cluster, and what gives kubectl access."
  value       = module.platform.cluster
}

output "registry" {
  description = "Where images are pushed."
  value       = module.platform.registry
}

output "address" {
  description = "The address that is served from."
  value       = module.platform.address
}

output "name_servers" {
  description = "Servers to delegate the zone to, at the domain's registrar."
  value       = module.platform.name_servers
}

output "buckets" {
  description = "Buckets of logs and traces, by the account that writes them."
  value       = module.platform.buckets
}

output "nat_addresses" {
  description = "Fixed addresses that requests to the internet come from, for others' allow-lists."
  value       = module.platform.nat_addresses
}
