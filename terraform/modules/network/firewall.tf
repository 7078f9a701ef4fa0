locals {
  # https://cloud.google.com/load-balancing/docs/firewall-rules
  health_check_ranges = ["35.191.0.0/16", "130.211.0.0/22"]
  # https://cloud.google.com/iap/docs/using-tcp-forwarding
  iap_ranges = ["35.235.240.0/20"]
}

# Google denies what nothing allows, but says nothing about it. This says it.
resource "google_compute_firewall" "deny_ingress" {
  project       = var.project_id
  network       = google_compute_network.vpc.id
  name          = "${var.name}-deny-ingress"
  description   = "Denies and logs whatever no rule allows."
  direction     = "INGRESS"
  priority      = 65534
  source_ranges = ["0.0.0.0/0"]

  deny {
    protocol = "all"
  }
  log_config {
    metadata = "EXCLUDE_ALL_METADATA"
  }
}

# GKE opens the ports of its own load balancers; this is for health checks of
# container-native load balancing where that is turned off, and costs nothing else.
resource "google_compute_firewall" "health_checks" {
  project       = var.project_id
  network       = google_compute_network.vpc.id
  name          = "${var.name}-health-checks"
  description   = "Google's load balancers and their health checks, to pods."
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = local.health_check_ranges

  allow {
    protocol = "tcp"
    ports    = var.load_balancer_ports
  }
}

# A control plane has its internal address in its nodes' subnet. Closed, an APIService fails
# its discovery, HPAs read <unknown>, and namespaces do not end.
resource "google_compute_firewall" "control_planes" {
  project       = var.project_id
  network       = google_compute_network.vpc.id
  name          = "${var.name}-control-planes"
  description   = "Control planes, to webhooks and metrics adapters."
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = [for subnet in var.subnets : subnet.cidr]

  allow {
    protocol = "tcp"
    ports    = var.control_plane_ports
  }
}

resource "google_compute_firewall" "proxies" {
  count = length(var.proxy_only_subnets) == 0 ? 0 : 1

  project       = var.project_id
  network       = google_compute_network.vpc.id
  name          = "${var.name}-proxies"
  description   = "Regional load balancers, to pods."
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = values(var.proxy_only_subnets)

  allow {
    protocol = "tcp"
    ports    = var.load_balancer_ports
  }
}

resource "google_compute_firewall" "iap_ssh" {
  count = length(var.iap_ssh_tags) == 0 ? 0 : 1

  project       = var.project_id
  network       = google_compute_network.vpc.id
  name          = "${var.name}-iap-ssh"
  description   = "SSH through Identity-Aware Proxy, to tagged machines."
  direction     = "INGRESS"
  priority      = 1000
  source_ranges = local.iap_ranges
  target_tags   = var.iap_ssh_tags

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
  log_config {
    metadata = "INCLUDE_ALL_METADATA"
  }
}
