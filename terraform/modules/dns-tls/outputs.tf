output "name_servers" {
  description = "Servers to delegate the domain to at its registrar; empty if the zone was there already."
  value       = try(google_dns_managed_zone.zone[0].name_servers, [])
}

output "zone" {
  description = "Name of the zone."
  value       = local.zone_name
}

output "address" {
  description = "The address that is served from."
  value       = google_compute_global_address.address.address
}

output "address_name" {
  description = "Name of the address, for a Gateway or an Ingress."
  value       = google_compute_global_address.address.name
}

output "certificate_map" {
  description = "Name of the certificate map, for a Gateway."
  value       = google_certificate_manager_certificate_map.map.name
}

output "ssl_policy" {
  description = "Name of the TLS policy, for a Gateway or an Ingress."
  value       = google_compute_ssl_policy.policy.name
}

output "hostnames" {
  description = "Names that are served."
  value       = var.hostnames
}
