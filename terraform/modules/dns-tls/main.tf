locals {
  zone_name = var.zone.create ? google_dns_managed_zone.zone[0].name : var.zone.name
  # A name of a name: demo.example.com is demo-example-com.
  keys = { for hostname in var.hostnames : hostname => replace(hostname, ".", "-") }
  # What is destroyed with this module, and what outlives it.
  deletion_policy = var.deletion_protection ? "PREVENT" : "DELETE"
}

resource "google_dns_managed_zone" "zone" {
  count = var.zone.create ? 1 : 0

  project         = var.project_id
  name            = coalesce(var.zone.name, replace(var.zone.domain, ".", "-"))
  dns_name        = "${var.zone.domain}."
  description     = "Public names below ${var.zone.domain}."
  visibility      = "public"
  labels          = var.labels
  deletion_policy = local.deletion_policy
  # Records of others, such as those that external-dns leaves, keep a zone from being deleted.
  force_destroy = !var.deletion_protection

  dnssec_config {
    state         = "on"
    non_existence = "nsec3"
  }

  cloud_logging_config {
    enable_logging = true
  }
}

# Google's CA and no other may issue certificates for the zone.
resource "google_dns_record_set" "caa" {
  count = var.zone.create ? 1 : 0

  project      = var.project_id
  managed_zone = local.zone_name
  name         = "${var.zone.domain}."
  type         = "CAA"
  ttl          = var.ttl
  rrdatas      = ["0 issue \"pki.goog\"", "0 issuewild \"pki.goog\""]
}

resource "google_compute_global_address" "address" {
  project         = var.project_id
  name            = var.name
  description     = "Where ${join(", ", var.hostnames)} is served."
  address_type    = "EXTERNAL"
  ip_version      = "IPV4"
  labels          = var.labels
  deletion_policy = local.deletion_policy
}

resource "google_dns_record_set" "address" {
  for_each = var.records ? toset(var.hostnames) : []

  project      = var.project_id
  managed_zone = local.zone_name
  name         = "${each.key}."
  type         = "A"
  ttl          = var.ttl
  rrdatas      = [google_compute_global_address.address.address]
}
