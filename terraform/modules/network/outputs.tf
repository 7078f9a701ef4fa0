output "id" {
  description = "The network, as `projects/PROJECT/global/networks/NAME`."
  value       = google_compute_network.vpc.id
}

output "name" {
  description = "Name of the network."
  value       = google_compute_network.vpc.name
}

output "subnets" {
  description = "Subnets by name: id, region, range, secondary ranges by name."
  value = {
    for name, subnet in google_compute_subnetwork.subnet : name => {
      id               = subnet.id
      region           = subnet.region
      cidr             = subnet.ip_cidr_range
      secondary_ranges = var.subnets[name].secondary_ranges
    }
  }
}

output "nat_addresses" {
  description = "Fixed addresses that requests to the internet come from, by region; empty lists where Google picks them."
  value = {
    for region in local.regions : region => [
      for address in google_compute_address.nat : address.address if address.region == region
    ]
  }
}

output "private_service_access" {
  description = "Range and network of Private Service Access, or null. A database that takes its network from here is made after the peering and deleted before it."
  value = var.private_service_access == null ? null : {
    range   = google_compute_global_address.private_service_access[0].name
    network = google_service_networking_connection.private_service_access[0].network
  }
}

output "google_api_cidrs" {
  description = "Addresses of Google's APIs, for network policies; empty when public."
  value = {
    private    = ["199.36.153.8/30"]
    restricted = ["199.36.153.4/30"]
    public     = []
  }[var.google_apis]
}
