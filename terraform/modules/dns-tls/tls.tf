# A record that proves to Google that the name is ours, before anything is served:
# the certificate is there when the load balancer is.
resource "google_certificate_manager_dns_authorization" "hostname" {
  for_each = local.keys

  project     = var.project_id
  name        = "${var.name}-${each.value}"
  description = "Proves that ${each.key} is ours."
  domain      = each.key
  type        = "FIXED_RECORD"
  labels      = var.labels
}

resource "google_dns_record_set" "authorization" {
  for_each = local.keys

  project      = var.project_id
  managed_zone = local.zone_name
  name         = google_certificate_manager_dns_authorization.hostname[each.key].dns_resource_record[0].name
  type         = google_certificate_manager_dns_authorization.hostname[each.key].dns_resource_record[0].type
  ttl          = var.ttl
  rrdatas      = [google_certificate_manager_dns_authorization.hostname[each.key].dns_resource_record[0].data]
}

resource "google_certificate_manager_certificate" "hostname" {
  for_each = local.keys

  project     = var.project_id
  name        = "${var.name}-${each.value}"
  description = "For ${each.key}; Google issues and renews it."
  labels      = var.labels

  managed {
    domains            = [each.key]
    dns_authorizations = [google_certificate_manager_dns_authorization.hostname[each.key].id]
  }
}

resource "google_certificate_manager_certificate_map" "map" {
  project     = var.project_id
  name        = var.name
  description = "Certificates of ${join(", ", var.hostnames)}."
  labels      = var.labels
}

resource "google_certificate_manager_certificate_map_entry" "hostname" {
  for_each = local.keys

  project      = var.project_id
  name         = "${var.name}-${each.value}"
  description  = "For ${each.key}."
  map          = google_certificate_manager_certificate_map.map.name
  hostname     = each.key
  certificates = [google_certificate_manager_certificate.hostname[each.key].id]
  labels       = var.labels
}

# For Ingress (FrontendConfig) and Gateway (GCPGatewayPolicy) to name.
resource "google_compute_ssl_policy" "policy" {
  project         = var.project_id
  name            = var.name
  description     = "TLS 1.2 and 1.3 with modern ciphers."
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}
