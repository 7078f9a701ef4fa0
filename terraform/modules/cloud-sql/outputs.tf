locals {
  host = var.access.psc == null ? google_sql_database_instance.instance.private_ip_address : google_compute_address.endpoint[0].address
}

output "id" {
  description = "The instance, as the provider names it."
  value       = google_sql_database_instance.instance.id
}

output "self_link" {
  description = "Address of the instance in Google's API."
  value       = google_sql_database_instance.instance.self_link
}

output "instance" {
  description = "Name of the instance."
  value       = google_sql_database_instance.instance.name
}

output "connection_name" {
  description = "`PROJECT:REGION:INSTANCE`, for connectors."
  value       = google_sql_database_instance.instance.connection_name
}

output "host" {
  description = "Private address of the instance."
  value       = local.host
}

output "port" {
  description = "Port of PostgreSQL at that address."
  value       = 5432
}

output "database" {
  description = "Name of the database."
  value       = google_sql_database.database.name
}

output "users" {
  description = "Names to log in with, by the keys of `users`."
  value       = { for key, user in google_sql_user.user : key => user.name }
}

output "server_ca" {
  description = "Certificates of the CAs that sign the server's, as PEM. Two while they are being rotated."

  # The provider hides it among secrets, but a CA's certificate is none.
  value = nonsensitive(join("\n", [for ca in google_sql_database_instance.instance.server_ca_cert : trimspace(ca.cert)]))
}

output "server_name" {
  description = "Name in the server's certificate: its DNS name with the shared CA; empty with the instance's own, where it is PROJECT:INSTANCE."
  value       = var.server_ca == "shared" ? trimsuffix(google_sql_database_instance.instance.dns_name, ".") : ""
}

output "ip_type" {
  description = "What a connector calls the way in: `psc` or `private`."
  value       = var.access.psc == null ? "private" : "psc"
}

output "max_connections" {
  description = "Connections the instance grants in all."
  value       = var.max_connections
}
