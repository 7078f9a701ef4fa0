resource "google_compute_network" "vpc" {
  project                 = var.project_id
  name                    = var.name
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"

  lifecycle {
    precondition {
      condition     = length(local.overlaps) == 0
      error_message = "Ranges must not overlap, but these do: ${join("; ", local.overlaps)}. Move one of each pair."
    }
  }
}

resource "google_compute_subnetwork" "subnet" {
  #checkov:skip=CKV_GCP_76:Private Google Access for IPv6 has no meaning in an IPv4 subnet.
  for_each = var.subnets

  project                  = var.project_id
  network                  = google_compute_network.vpc.id
  region                   = each.value.region
  name                     = each.key
  ip_cidr_range            = each.value.cidr
  stack_type               = "IPV4_ONLY"
  private_ip_google_access = true

  # Without it, a range that is taken out here stays there.
  send_secondary_ip_range_if_empty = true

  dynamic "secondary_ip_range" {
    for_each = each.value.secondary_ranges
    content {
      range_name    = secondary_ip_range.key
      ip_cidr_range = secondary_ip_range.value
    }
  }

  log_config {
    aggregation_interval = each.value.flow_logs.interval
    flow_sampling        = each.value.flow_logs.sampling
    metadata             = each.value.flow_logs.metadata
  }
}

# Regional load balancers put their proxies here. No machine has an address in it,
# so flow logs and Private Google Access do not exist for it.
resource "google_compute_subnetwork" "proxy_only" {
  #checkov:skip=CKV_GCP_26:A proxy-only subnet has no flow logs.
  #checkov:skip=CKV_GCP_74:A proxy-only subnet has no Private Google Access.
  #checkov:skip=CKV_GCP_76:A proxy-only subnet has no Private Google Access.
  for_each = var.proxy_only_subnets

  project       = var.project_id
  network       = google_compute_network.vpc.id
  region        = each.key
  name          = "${var.name}-proxy-only-${each.key}"
  ip_cidr_range = each.value
  purpose       = "REGIONAL_MANAGED_PROXY"
  role          = "ACTIVE"
}
