locals {
  # https://cloud.google.com/vpc/docs/configure-private-google-access#domain-options
  google_apis_addresses = {
    private    = ["199.36.153.8", "199.36.153.9", "199.36.153.10", "199.36.153.11"]
    restricted = ["199.36.153.4", "199.36.153.5", "199.36.153.6", "199.36.153.7"]
  }
  # Domains of everything that pods and nodes ask of Google.
  google_domains = var.google_apis == "public" ? {} : {
    googleapis = "googleapis.com."
    pkg-dev    = "pkg.dev."
    gcr        = "gcr.io."
  }
}

resource "google_dns_managed_zone" "google_apis" {
  #checkov:skip=CKV_GCP_16:DNSSEC is for public zones; this one is private.
  for_each = local.google_domains

  project     = var.project_id
  name        = "${var.name}-${each.key}"
  dns_name    = each.value
  description = "Sends ${each.value} to the ${var.google_apis} addresses of Google's APIs."
  visibility  = "private"

  private_visibility_config {
    networks {
      network_url = google_compute_network.vpc.id
    }
  }
}

# The addresses are at the zone's own name for domains that are not googleapis.com,
# and at private.googleapis.com or restricted.googleapis.com for that one.
resource "google_dns_record_set" "google_apis_addresses" {
  for_each = local.google_domains

  project      = var.project_id
  managed_zone = google_dns_managed_zone.google_apis[each.key].name
  name         = each.key == "googleapis" ? "${var.google_apis}.${each.value}" : each.value
  type         = "A"
  ttl          = 300
  rrdatas      = local.google_apis_addresses[var.google_apis]
}

resource "google_dns_record_set" "google_apis_names" {
  for_each = local.google_domains

  project      = var.project_id
  managed_zone = google_dns_managed_zone.google_apis[each.key].name
  name         = "*.${each.value}"
  type         = "CNAME"
  ttl          = 300
  rrdatas      = [google_dns_record_set.google_apis_addresses[each.key].name]
}
