mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name  = "projects/demo-project/serviceAccounts/demo-nodes@demo-project.iam.gserviceaccount.com"
      email = "demo-nodes@demo-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project_id = "demo-project"
  region     = "europe-west1"
  name       = "demo"
  network = {
    network = "projects/demo-project/global/networks/demo"
    subnet  = "projects/demo-project/regions/europe-west1/subnetworks/nodes"
  }
}

run "nodes_are_private_and_the_control_plane_is_reached_by_name" {
  command = plan

  assert {
    condition     = google_container_cluster.cluster.private_cluster_config[0].enable_private_nodes && google_container_cluster.cluster.private_cluster_config[0].enable_private_endpoint
    error_message = "a node or the control plane has a public address"
  }
  assert {
    condition     = google_container_cluster.cluster.control_plane_endpoints_config[0].ip_endpoints_config[0].enabled == false && google_container_cluster.cluster.control_plane_endpoints_config[0].dns_endpoint_config[0].allow_external_traffic
    error_message = "the control plane is reached otherwise than by its DNS name"
  }
  assert {
    condition     = length(google_container_cluster.cluster.master_authorized_networks_config) == 0
    error_message = "networks are authorized that were not named"
  }
}

run "the_dns_name_can_be_kept_inside" {
  command = plan
  variables {
    control_plane = { dns_external = false }
  }

  assert {
    condition     = google_container_cluster.cluster.control_plane_endpoints_config[0].dns_endpoint_config[0].allow_external_traffic == false
    error_message = "the control plane can be reached from outside Google"
  }
}

run "an_address_is_for_authorized_networks_only" {
  command = plan
  variables {
    control_plane = { ip = { authorized_networks = { office = "203.0.113.0/24" }, public = true } }
  }

  assert {
    condition     = google_container_cluster.cluster.control_plane_endpoints_config[0].ip_endpoints_config[0].enabled && google_container_cluster.cluster.private_cluster_config[0].enable_private_endpoint == false
    error_message = "the address is not reached from the internet although that was asked for"
  }
  assert {
    condition     = { for block in google_container_cluster.cluster.master_authorized_networks_config[0].cidr_blocks : block.display_name => block.cidr_block } == { office = "203.0.113.0/24" } && google_container_cluster.cluster.master_authorized_networks_config[0].gcp_public_cidrs_access_enabled == false
    error_message = "others than the office reach it"
  }
}

run "an_address_is_private_unless_it_is_asked_to_be_public" {
  command = plan
  variables {
    control_plane = { ip = { authorized_networks = { bastion = "10.0.0.0/20" } } }
  }

  assert {
    condition     = google_container_cluster.cluster.private_cluster_config[0].enable_private_endpoint
    error_message = "the control plane is on the internet"
  }
}

run "nodes_have_an_account_that_may_write_logs_and_metrics_and_nothing_else" {
  command = apply

  assert {
    condition     = google_service_account.nodes[0].account_id == "demo-nodes"
    error_message = "the account has another name"
  }
  assert {
    condition     = "${google_project_iam_member.nodes.role} ${google_project_iam_member.nodes.member}" == "roles/container.defaultNodeServiceAccount serviceAccount:${google_service_account.nodes[0].email}"
    error_message = "the nodes may do something else"
  }
  assert {
    condition     = google_container_cluster.cluster.cluster_autoscaling[0].auto_provisioning_defaults[0].service_account == google_service_account.nodes[0].email && output.node_account_email == google_service_account.nodes[0].email
    error_message = "nodes run as the project's default account, which may edit everything"
  }
}

run "who_applies_acts_as_the_nodes_account_and_no_other" {
  command = apply
  variables {
    node_account_users = { pipeline = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.job/42-dev" }
  }

  assert {
    condition = [for grant in google_service_account_iam_member.node_account_users : "${grant.service_account_id} ${grant.role} ${reverse(split("/", grant.member))[0]}"] == [
      "${google_service_account.nodes[0].name} roles/iam.serviceAccountUser 42-dev"
    ]
    error_message = "somebody else acts as the nodes, or as another account"
  }
}

run "nodes_can_have_an_account_that_is_there" {
  command = plan
  variables {
    create_nodes_account = false
    node_account_users   = { pipeline = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.job/42-dev" }
  }

  assert {
    condition     = length(google_service_account.nodes) == 0
    error_message = "an account is made that is there already"
  }
  assert {
    condition     = google_project_iam_member.nodes.member == "serviceAccount:demo-nodes@demo-project.iam.gserviceaccount.com" && output.node_account_email == "demo-nodes@demo-project.iam.gserviceaccount.com"
    error_message = "the nodes run as another account"
  }
  assert {
    condition     = google_service_account_iam_member.node_account_users["pipeline"].service_account_id == "projects/demo-project/serviceAccounts/demo-nodes@demo-project.iam.gserviceaccount.com"
    error_message = "the pipeline acts as another account"
  }
}

run "refuses_everybody_as_nodes" {
  command = plan
  variables {
    node_account_users = { all = "allAuthenticatedUsers" }
  }
  expect_failures = [var.node_account_users]
}

run "gateways_work" {
  command = plan

  assert {
    condition     = google_container_cluster.cluster.gateway_api_config[0].channel == "CHANNEL_STANDARD"
    error_message = "the Gateway API is off"
  }
}

run "no_old_way_in_is_left" {
  command = plan

  assert {
    condition = (
      google_container_cluster.cluster.master_auth[0].client_certificate_config[0].issue_client_certificate == false
      && google_container_cluster.cluster.anonymous_authentication_config[0].mode == "LIMITED"
      && google_container_cluster.cluster.rbac_binding_config[0].enable_insecure_binding_system_authenticated == false
      && google_container_cluster.cluster.rbac_binding_config[0].enable_insecure_binding_system_unauthenticated == false
      && google_container_cluster.cluster.node_pool_auto_config[0].node_kubelet_config[0].insecure_kubelet_readonly_port_enabled == "FALSE"
    )
    error_message = "a client certificate, anonymous rights or the kubelet's open port"
  }
}

# GKE refuses it: an Autopilot cluster always has managed collection.
run "refuses_to_turn_managed_collection_off" {
  command = plan
  variables {
    observability = { managed_collection = false }
  }
  expect_failures = [var.observability]
}

run "managed_collection_is_on_and_scrapes_nothing_unasked" {
  command = plan

  assert {
    condition     = google_container_cluster.cluster.monitoring_config[0].managed_prometheus[0].enabled && google_container_cluster.cluster.monitoring_config[0].managed_prometheus[0].auto_monitoring_config[0].scope == "NONE"
    error_message = "managed collection is off, or scrapes by itself"
  }
}

run "images_are_checked_where_that_is_wanted" {
  command = plan
  variables {
    binary_authorization = true
  }

  assert {
    condition     = google_container_cluster.cluster.binary_authorization[0].evaluation_mode == "PROJECT_SINGLETON_POLICY_ENFORCE"
    error_message = "the switch does nothing"
  }
}

run "images_are_not_checked_unasked" {
  command = plan

  assert {
    condition     = google_container_cluster.cluster.binary_authorization[0].evaluation_mode == "DISABLED"
    error_message = "a policy applies that was not asked for"
  }
}

run "a_cluster_is_protected_against_deletion_by_default" {
  command = plan

  assert {
    condition     = google_container_cluster.cluster.deletion_protection
    error_message = "terraform destroy deletes it"
  }
}

run "maintenance_happens_at_weekends_and_not_in_an_exclusion" {
  command = plan
  variables {
    maintenance = { exclusions = { holidays = { start = "2026-12-20T00:00:00Z", end = "2027-01-04T00:00:00Z", scope = "NO_UPGRADES" } } }
  }

  assert {
    condition     = google_container_cluster.cluster.maintenance_policy[0].recurring_window[0].recurrence == "FREQ=WEEKLY;BYDAY=SA,SU"
    error_message = "maintenance happens on working days"
  }
  assert {
    condition     = one(google_container_cluster.cluster.maintenance_policy[0].maintenance_exclusion).exclusion_name == "holidays" && one(google_container_cluster.cluster.maintenance_policy[0].maintenance_exclusion).exclusion_options[0].scope == "NO_UPGRADES"
    error_message = "the exclusion is not made"
  }
}

run "secrets_are_encrypted_with_a_key_and_groups_are_read_where_given" {
  command = plan
  variables {
    secrets_key    = "projects/keys/locations/europe-west1/keyRings/demo/cryptoKeys/gke"
    security_group = "gke-security-groups@example.com"
    network_tags   = ["demo-nodes"]
  }

  assert {
    condition     = google_container_cluster.cluster.database_encryption[0].state == "ENCRYPTED" && google_container_cluster.cluster.database_encryption[0].key_name == "projects/keys/locations/europe-west1/keyRings/demo/cryptoKeys/gke"
    error_message = "Secrets are not encrypted with the key"
  }
  assert {
    condition     = google_container_cluster.cluster.authenticator_groups_config[0].security_group == "gke-security-groups@example.com"
    error_message = "groups are not read"
  }
  assert {
    condition     = google_container_cluster.cluster.node_pool_auto_config[0].network_tags[0].tags == tolist(["demo-nodes"])
    error_message = "nodes have no tags"
  }
}

run "identities_of_pods_are_in_the_projects_pool" {
  command = plan

  assert {
    condition     = output.workload_pool == "demo-project.svc.id.goog"
    error_message = "rights would be granted to another pool"
  }
}

run "refuses_a_zone" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "refuses_a_name_too_long_for_the_nodes_account" {
  command = plan
  variables {
    name = "a-cluster-with-a-long-name"
  }
  expect_failures = [var.name]
}

run "refuses_a_project_number" {
  command = plan
  variables {
    project_id = "123456789012"
  }
  expect_failures = [var.project_id]
}

run "refuses_a_control_plane_open_to_all" {
  command = plan
  variables {
    control_plane = { ip = { authorized_networks = { all = "0.0.0.0/0" }, public = true } }
  }
  expect_failures = [var.control_plane]
}

run "refuses_a_channel_that_does_not_exist" {
  command = plan
  variables {
    release_channel = "NIGHTLY"
  }
  expect_failures = [var.release_channel]
}

run "refuses_to_be_blind_to_the_cluster_itself" {
  command = plan
  variables {
    observability = { logs = ["WORKLOADS"] }
  }
  expect_failures = [var.observability]
}

run "refuses_scraping_by_what_is_off" {
  command = plan
  variables {
    observability = { managed_collection = false, auto_monitoring = "ALL" }
  }
  expect_failures = [var.observability]
}

run "refuses_a_window_too_short_for_an_upgrade" {
  command = plan
  variables {
    maintenance = { end = "2026-01-03T02:00:00Z" }
  }
  expect_failures = [var.maintenance]
}

run "refuses_an_exclusion_that_ends_before_it_begins" {
  command = plan
  variables {
    maintenance = { exclusions = { holidays = { start = "2027-01-04T00:00:00Z", end = "2026-12-20T00:00:00Z" } } }
  }
  expect_failures = [var.maintenance]
}

run "refuses_a_group_that_gke_does_not_read" {
  command = plan
  variables {
    security_group = "admins@example.com"
  }
  expect_failures = [var.security_group]
}

run "refuses_a_key_that_is_no_key" {
  command = plan
  variables {
    secrets_key = "my-key"
  }
  expect_failures = [var.secrets_key]
}

run "google_runs_the_nodes" {
  command = plan

  assert {
    condition     = google_container_cluster.cluster.enable_autopilot
    error_message = "the cluster is not Autopilot"
  }
}

run "a_provider_of_kubernetes_is_fed_by_name" {
  assert {
    condition     = output.provider.host == "https://${output.dns_endpoint}" && output.ip_endpoint == null
    error_message = "a provider would call another address than the control plane's DNS name"
  }
}

run "a_provider_of_kubernetes_is_fed_by_address_where_there_is_one" {
  variables {
    control_plane = { ip = { authorized_networks = { office = "203.0.113.0/24" } } }
  }

  assert {
    condition     = output.ip_endpoint.host == "https://${google_container_cluster.cluster.endpoint}" && output.ip_endpoint.cluster_ca_certificate == google_container_cluster.cluster.master_auth[0].cluster_ca_certificate
    error_message = "a provider would not know the address, or whom to believe"
  }
}

run "refuses_a_label_with_capitals" {
  command = plan
  variables {
    labels = { Team = "sre" }
  }
  expect_failures = [var.labels]
}

run "refuses_a_subnet_by_its_name" {
  command = plan
  variables {
    network = { network = "demo", subnet = "nodes" }
  }
  expect_failures = [var.network]
}

run "refuses_a_subnet_of_another_region" {
  command = plan
  variables {
    network = { network = "projects/demo-project/global/networks/demo", subnet = "projects/demo-project/regions/us-east1/subnetworks/nodes" }
  }
  expect_failures = [var.network]
}

run "refuses_one_range_for_pods_and_services" {
  command = plan
  variables {
    network = { network = "projects/demo-project/global/networks/demo", subnet = "projects/demo-project/regions/europe-west1/subnetworks/nodes", pods_range = "all", services_range = "all" }
  }
  expect_failures = [var.network]
}

run "refuses_a_tag_with_capitals" {
  command = plan
  variables {
    network_tags = ["Nodes"]
  }
  expect_failures = [var.network_tags]
}
