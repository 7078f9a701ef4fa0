mock_provider "google" {}

variables {
  project_id = "demo-project"
  name       = "demo"
  subnets = {
    nodes = {
      region           = "europe-west1"
      cidr             = "10.0.0.0/20"
      secondary_ranges = { pods = "10.4.0.0/14", services = "10.8.0.0/20" }
    }
  }
}

run "a_network_has_no_subnet_that_was_not_asked_for" {
  command = plan

  assert {
    condition     = google_compute_network.vpc.auto_create_subnetworks == false
    error_message = "auto mode makes a subnet in every region"
  }
  assert {
    condition     = keys(google_compute_subnetwork.subnet) == ["nodes"] && length(google_compute_subnetwork.proxy_only) == 0
    error_message = "other subnets than the one that was asked for"
  }
}

run "subnets_are_private_logged_and_have_their_secondary_ranges" {
  command = plan

  assert {
    condition     = google_compute_subnetwork.subnet["nodes"].private_ip_google_access
    error_message = "Google's APIs cannot be reached without public addresses"
  }
  assert {
    condition     = google_compute_subnetwork.subnet["nodes"].log_config[0].flow_sampling == 0.1
    error_message = "flows are not logged"
  }
  assert {
    condition = { for range in google_compute_subnetwork.subnet["nodes"].secondary_ip_range : range.range_name => range.ip_cidr_range } == {
      pods = "10.4.0.0/14", services = "10.8.0.0/20"
    }
    error_message = "secondary ranges are not those that were asked for"
  }
}

run "each_region_has_one_way_out" {
  command = plan
  variables {
    subnets = {
      one   = { region = "europe-west1", cidr = "10.0.0.0/20" }
      two   = { region = "europe-west1", cidr = "10.0.16.0/20" }
      three = { region = "us-central1", cidr = "10.0.32.0/20" }
    }
  }

  assert {
    condition     = keys(google_compute_router_nat.nat) == ["europe-west1", "us-central1"]
    error_message = "not one NAT per region"
  }
  assert {
    condition = alltrue([for nat in google_compute_router_nat.nat :
      nat.nat_ip_allocate_option == "AUTO_ONLY" && nat.enable_dynamic_port_allocation && !nat.enable_endpoint_independent_mapping && nat.log_config[0].filter == "ERRORS_ONLY"
    ])
    error_message = "a NAT has other settings"
  }
  assert {
    condition     = length(google_compute_address.nat) == 0
    error_message = "addresses that was not asked for cost money"
  }
}

run "fixed_addresses_are_used_by_the_nat_of_their_region" {
  command = apply
  variables {
    nat = { fixed_addresses = 2 }
    subnets = {
      one = { region = "europe-west1", cidr = "10.0.0.0/20" }
      two = { region = "us-central1", cidr = "10.0.32.0/20" }
    }
  }

  assert {
    condition     = google_compute_router_nat.nat["us-central1"].nat_ip_allocate_option == "MANUAL_ONLY"
    error_message = "fixed addresses are not used"
  }
  assert {
    condition = google_compute_router_nat.nat["us-central1"].nat_ips == toset([
      google_compute_address.nat["us-central1-0"].self_link, google_compute_address.nat["us-central1-1"].self_link
    ])
    error_message = "the NAT of us-central1 uses other addresses than its region's"
  }
  assert {
    condition     = { for region, addresses in output.nat_addresses : region => length(addresses) } == { europe-west1 = 2, us-central1 = 2 }
    error_message = "the output does not say which addresses"
  }
}

run "private_service_access_is_not_made_unasked" {
  command = plan

  assert {
    condition     = length(google_service_networking_connection.private_service_access) == 0 && output.private_service_access == null
    error_message = "a peering that was not asked for"
  }
}

run "a_peering_is_abandoned_when_destroyed_because_google_refuses_to_delete_it" {
  command = plan
  variables {
    private_service_access = { cidr = "10.16.0.0/16" }
  }

  assert {
    condition     = google_service_networking_connection.private_service_access[0].deletion_policy == "ABANDON"
    error_message = "destroy would fail for days after the database was deleted"
  }
  assert {
    condition     = google_service_networking_connection.private_service_access[0].update_on_creation_fail
    error_message = "making the network again would fail on the abandoned peering"
  }
  assert {
    condition     = google_compute_global_address.private_service_access[0].address == "10.16.0.0" && google_compute_global_address.private_service_access[0].prefix_length == 16
    error_message = "the range is not the planned one"
  }
}

run "a_peering_is_deleted_where_that_is_wanted" {
  command = plan
  variables {
    private_service_access = { cidr = "10.16.0.0/16", abandon_on_destroy = false }
  }

  assert {
    condition     = google_service_networking_connection.private_service_access[0].deletion_policy == "DELETE"
    error_message = "the switch does nothing"
  }
}

run "regional_load_balancers_get_a_subnet_and_are_let_in" {
  command = plan
  variables {
    proxy_only_subnets = { europe-west1 = "10.0.64.0/23" }
  }

  assert {
    condition     = google_compute_subnetwork.proxy_only["europe-west1"].purpose == "REGIONAL_MANAGED_PROXY" && google_compute_subnetwork.proxy_only["europe-west1"].role == "ACTIVE"
    error_message = "the subnet is not for proxies"
  }
  assert {
    condition     = google_compute_firewall.proxies[0].source_ranges == toset(["10.0.64.0/23"])
    error_message = "the proxies are not let in"
  }
}

run "only_google_is_let_in_and_the_rest_is_denied_aloud" {
  command = plan

  assert {
    condition     = google_compute_firewall.deny_ingress.priority == 65534 && google_compute_firewall.deny_ingress.source_ranges == toset(["0.0.0.0/0"]) && length(google_compute_firewall.deny_ingress.log_config) == 1
    error_message = "what is denied is not logged"
  }
  assert {
    condition     = google_compute_firewall.health_checks.source_ranges == toset(["35.191.0.0/16", "130.211.0.0/22"])
    error_message = "others than Google's load balancers are let in"
  }
  assert {
    condition     = length(google_compute_firewall.iap_ssh) == 0 && length(google_compute_firewall.proxies) == 0
    error_message = "a way in that was not asked for"
  }
}

run "ssh_comes_through_the_proxy_and_to_tagged_machines_only" {
  command = plan
  variables {
    iap_ssh_tags = ["bastion"]
  }

  assert {
    condition     = google_compute_firewall.iap_ssh[0].source_ranges == toset(["35.235.240.0/20"]) && google_compute_firewall.iap_ssh[0].target_tags == toset(["bastion"])
    error_message = "SSH is open to others"
  }
}

run "google_apis_have_private_addresses" {
  command = plan

  assert {
    condition     = { for key, record in google_dns_record_set.google_apis_addresses : key => record.name } == { googleapis = "private.googleapis.com.", pkg-dev = "pkg.dev.", gcr = "gcr.io." }
    error_message = "a domain of Google's is left to public DNS"
  }
  assert {
    condition     = alltrue([for record in google_dns_record_set.google_apis_addresses : alltrue([for address in record.rrdatas : cidrhost("${address}/30", 0) == "199.36.153.8"])])
    error_message = "an address is outside 199.36.153.8/30"
  }
  assert {
    condition     = output.google_api_cidrs == ["199.36.153.8/30"]
    error_message = "network policies would name other addresses"
  }
}

run "google_apis_can_be_restricted" {
  command = plan
  variables {
    google_apis = "restricted"
  }

  assert {
    condition     = google_dns_record_set.google_apis_addresses["googleapis"].name == "restricted.googleapis.com." && output.google_api_cidrs == ["199.36.153.4/30"]
    error_message = "the restricted addresses are not used"
  }
}

run "google_apis_can_be_left_alone" {
  command = plan
  variables {
    google_apis = "public"
  }

  assert {
    condition     = length(google_dns_managed_zone.google_apis) == 0 && output.google_api_cidrs == []
    error_message = "zones are made that was not asked for"
  }
}

run "ranges_that_touch_do_not_overlap" {
  command = plan
  variables {
    subnets = {
      nodes = { region = "europe-west1", cidr = "10.0.0.0/24", secondary_ranges = { pods = "10.0.1.0/24", services = "10.0.2.0/23" } }
    }
    proxy_only_subnets     = { europe-west1 = "10.0.4.0/26" }
    private_service_access = { cidr = "10.0.5.0/24" }
  }
}

run "refuses_a_secondary_range_inside_another_subnet" {
  command = plan
  variables {
    subnets = {
      nodes = { region = "europe-west1", cidr = "10.0.0.0/20", secondary_ranges = { pods = "10.4.0.0/14" } }
      other = { region = "us-central1", cidr = "10.7.255.0/24" }
    }
  }
  expect_failures = [google_compute_network.vpc]
}

run "refuses_a_peering_range_that_holds_a_subnet" {
  command = plan
  variables {
    private_service_access = { cidr = "10.0.0.0/16" }
  }
  expect_failures = [google_compute_network.vpc]
}

run "refuses_a_proxy_only_subnet_inside_services" {
  command = plan
  variables {
    proxy_only_subnets = { europe-west1 = "10.8.0.0/26" }
  }
  expect_failures = [google_compute_network.vpc]
}

run "refuses_a_project_number" {
  command = plan
  variables {
    project_id = "123456789012"
  }
  expect_failures = [var.project_id]
}

run "refuses_a_name_with_capitals" {
  command = plan
  variables {
    name = "Demo"
  }
  expect_failures = [var.name]
}

run "refuses_a_network_without_subnets" {
  command = plan
  variables {
    subnets = {}
  }
  expect_failures = [var.subnets]
}

run "refuses_a_subnet_name_with_an_underscore" {
  command = plan
  variables {
    subnets = { my_nodes = { region = "europe-west1", cidr = "10.0.0.0/20" } }
  }
  expect_failures = [var.subnets]
}

run "refuses_a_range_that_does_not_begin_at_its_first_address" {
  command = plan
  variables {
    subnets = { nodes = { region = "europe-west1", cidr = "10.0.0.1/20" } }
  }
  expect_failures = [var.subnets]
}

run "refuses_more_than_all_flows" {
  command = plan
  variables {
    subnets = { nodes = { region = "europe-west1", cidr = "10.0.0.0/20", flow_logs = { sampling = 10 } } }
  }
  expect_failures = [var.subnets]
}

run "refuses_a_proxy_only_subnet_that_google_refuses" {
  command = plan
  variables {
    proxy_only_subnets = { europe-west1 = "10.0.64.0/27" }
  }
  expect_failures = [var.proxy_only_subnets]
}

run "refuses_a_peering_range_too_small_for_a_database" {
  command = plan
  variables {
    private_service_access = { cidr = "10.16.0.0/25" }
  }
  expect_failures = [var.private_service_access]
}

run "refuses_ports_that_are_no_power_of_two" {
  command = plan
  variables {
    nat = { min_ports_per_vm = 100 }
  }
  expect_failures = [var.nat]
}

run "refuses_a_log_that_does_not_exist" {
  command = plan
  variables {
    nat = { log = "NONE" }
  }
  expect_failures = [var.nat]
}

run "refuses_other_ways_to_google_apis" {
  command = plan
  variables {
    google_apis = "vpn"
  }
  expect_failures = [var.google_apis]
}

run "refuses_to_open_all_ports" {
  command = plan
  variables {
    load_balancer_ports = []
  }
  expect_failures = [var.load_balancer_ports]
}

run "control_planes_reach_webhooks_and_metrics_adapters" {
  command = plan

  assert {
    condition     = google_compute_firewall.control_planes.source_ranges == toset([for subnet in var.subnets : subnet.cidr])
    error_message = "others reach them, or the control plane does not"
  }
  assert {
    condition     = one(google_compute_firewall.control_planes.allow).ports == tolist(["6443", "9443"])
    error_message = "other ports are open"
  }
}

run "refuses_to_open_every_port_to_the_control_plane" {
  command = plan
  variables {
    control_plane_ports = []
  }
  expect_failures = [var.control_plane_ports]
}

run "refuses_a_zone_as_region" {
  command = plan
  variables {
    subnets = { nodes = { region = "europe-west1-b", cidr = "10.0.0.0/20" } }
  }
  expect_failures = [var.subnets]
}

run "refuses_a_secondary_range_with_capitals" {
  command = plan
  variables {
    subnets = { nodes = { region = "europe-west1", cidr = "10.0.0.0/20", secondary_ranges = { Pods = "10.4.0.0/14" } } }
  }
  expect_failures = [var.subnets]
}

run "refuses_an_interval_of_flow_logs_that_google_has_not" {
  command = plan
  variables {
    subnets = { nodes = { region = "europe-west1", cidr = "10.0.0.0/20", flow_logs = { interval = "1m" } } }
  }
  expect_failures = [var.subnets]
}

run "refuses_metadata_of_flow_logs_without_its_fields" {
  command = plan
  variables {
    subnets = { nodes = { region = "europe-west1", cidr = "10.0.0.0/20", flow_logs = { metadata = "CUSTOM_METADATA" } } }
  }
  expect_failures = [var.subnets]
}

run "refuses_a_proxy_only_subnet_of_a_zone" {
  command = plan
  variables {
    proxy_only_subnets = { europe-west1-b = "10.16.0.0/26" }
  }
  expect_failures = [var.proxy_only_subnets]
}

run "refuses_a_tag_with_capitals" {
  command = plan
  variables {
    iap_ssh_tags = ["Bastion"]
  }
  expect_failures = [var.iap_ssh_tags]
}
