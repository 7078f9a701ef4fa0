# Private Service Connect: the instance is an address in your own subnet. Unlike
# peering it takes no range, is not transitive by accident, and is deleted at once.
resource "google_compute_address" "endpoint" {
  count = var.access.psc == null ? 0 : 1

  project      = var.project_id
  region       = var.region
  name         = "${var.name}-sql"
  description  = "Where ${var.name} answers."
  address_type = "INTERNAL"
  purpose      = "GCE_ENDPOINT"
  subnetwork   = var.access.psc.subnet
  address      = var.access.psc.address
}

resource "google_compute_forwarding_rule" "endpoint" {
  count = var.access.psc == null ? 0 : 1

  project               = var.project_id
  region                = var.region
  name                  = "${var.name}-sql"
  network               = var.access.psc.network
  ip_address            = google_compute_address.endpoint[0].id
  target                = google_sql_database_instance.instance.psc_service_attachment_link
  load_balancing_scheme = ""

  # The instance accepted the endpoint once and does not have to again.
  recreate_closed_psc = true
}

# Connectors find the endpoint by the instance's DNS name, and so do clients that
# verify its certificate by name. A zone of just that name needs no other's consent.
resource "google_dns_managed_zone" "endpoint" {
  #checkov:skip=CKV_GCP_16:DNSSEC is for public zones; this one is private.
  count = var.access.psc == null ? 0 : 1

  project     = var.project_id
  name        = "${var.name}-sql"
  dns_name    = google_sql_database_instance.instance.dns_name
  description = "Leads ${var.name}'s DNS name to its endpoint."
  visibility  = "private"

  private_visibility_config {
    networks {
      network_url = var.access.psc.network
    }
  }
}

resource "google_dns_record_set" "endpoint" {
  count = var.access.psc == null ? 0 : 1

  project      = var.project_id
  managed_zone = google_dns_managed_zone.endpoint[0].name
  name         = google_sql_database_instance.instance.dns_name
  type         = "A"
  ttl          = 300
  rrdatas      = [google_compute_address.endpoint[0].address]
}
