# Peering with Google's services. Its trap: Google keeps the far side busy for up to
# four days after the last Cloud SQL instance is deleted and refuses to delete the
# connection for so long, so that `terraform destroy` fails and leaves the network.
# ABANDON forgets the connection; the peering itself goes with the network.
# https://github.com/hashicorp/terraform-provider-google/issues/16275
resource "google_compute_global_address" "private_service_access" {
  count = var.private_service_access == null ? 0 : 1

  project       = var.project_id
  network       = google_compute_network.vpc.id
  name          = "${var.name}-private-service-access"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = split("/", var.private_service_access.cidr)[0]
  prefix_length = tonumber(split("/", var.private_service_access.cidr)[1])
}

resource "google_service_networking_connection" "private_service_access" {
  count = var.private_service_access == null ? 0 : 1

  network                 = google_compute_network.vpc.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.private_service_access[0].name]
  deletion_policy         = var.private_service_access.abandon_on_destroy ? "ABANDON" : "DELETE"

  # An abandoned connection is still there when the same network is made again.
  update_on_creation_fail = true
}
