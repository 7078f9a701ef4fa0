# The way out for machines without public addresses.
resource "google_compute_router" "router" {
  for_each = local.regions

  project = var.project_id
  network = google_compute_network.vpc.id
  region  = each.key
  name    = "${var.name}-${each.key}"
}

# Addresses that a partner can put on an allow-list.
resource "google_compute_address" "nat" {
  for_each = {
    for pair in setproduct(local.regions, range(var.nat.fixed_addresses)) :
    "${pair[0]}-${pair[1]}" => pair[0]
  }

  project = var.project_id
  region  = each.value
  name    = "${var.name}-nat-${each.key}"
}

resource "google_compute_router_nat" "nat" {
  for_each = local.regions

  project                            = var.project_id
  region                             = each.key
  router                             = google_compute_router.router[each.key].name
  name                               = "${var.name}-${each.key}"
  source_subnetwork_ip_ranges_to_nat = "ALL_SUBNETWORKS_ALL_IP_RANGES"

  nat_ip_allocate_option = var.nat.fixed_addresses == 0 ? "AUTO_ONLY" : "MANUAL_ONLY"
  nat_ips = var.nat.fixed_addresses == 0 ? null : [
    for key, address in google_compute_address.nat : address.self_link if address.region == each.key
  ]

  # Many connections to one destination need more ports than the minimum.
  # Dynamic allocation excludes endpoint-independent mapping.
  enable_dynamic_port_allocation      = true
  enable_endpoint_independent_mapping = false
  min_ports_per_vm                    = var.nat.min_ports_per_vm
  max_ports_per_vm                    = var.nat.max_ports_per_vm

  log_config {
    enable = true
    filter = var.nat.log
  }
}
