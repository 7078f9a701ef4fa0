locals {
  # Without managed collection GKE takes no metrics of kube-state, cAdvisor or the kubelet.
  metrics = coalesce(
    var.observability.metrics,
    var.observability.managed_collection ? ["SYSTEM_COMPONENTS", "POD", "DEPLOYMENT", "STATEFULSET", "HPA", "CADVISOR", "KUBELET"] : ["SYSTEM_COMPONENTS"],
  )
}

# Nodes of one's own: for what Autopilot does not run, such as Karpenter, privileged
# agents or machine types it has no class for.
resource "google_container_cluster" "cluster" {
  #checkov:skip=CKV_GCP_12:Dataplane V2 enforces network policies (datapath_provider); the addon would be a second one.
  #checkov:skip=CKV_GCP_21:Labels are the caller's (labels); each environment gives some.
  #checkov:skip=CKV_GCP_66:A choice (binary_authorization), since the policy that it enforces is the project's.
  project             = var.project_id
  location            = var.region
  name                = var.name
  network             = var.network.network
  subnetwork          = var.network.subnet
  deletion_protection = var.deletion_protection
  resource_labels     = var.labels

  # The first pool cannot be changed in place: it is made, and removed for ours.
  remove_default_node_pool = true
  initial_node_count       = 1
  node_config {
    service_account = local.nodes_account
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  # What Autopilot turns on by itself.
  datapath_provider           = "ADVANCED_DATAPATH"
  enable_intranode_visibility = true
  enable_shielded_nodes       = true
  workload_identity_config {
    workload_pool = "${var.project_id}.svc.id.goog"
  }
  dns_config {
    cluster_dns       = "CLOUD_DNS"
    cluster_dns_scope = "CLUSTER_SCOPE"
  }
  vertical_pod_autoscaling {
    enabled = true
  }
  addons_config {
    dns_cache_config {
      enabled = true
    }
    http_load_balancing {
      disabled = false
    }
    horizontal_pod_autoscaling {
      disabled = false
    }
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = var.network.pods_range
    services_secondary_range_name = var.network.services_range
  }

  release_channel {
    channel = var.release_channel
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = !try(var.control_plane.ip.public, false)
  }

  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = var.control_plane.dns_external
    }
    ip_endpoints_config {
      enabled = var.control_plane.ip != null
    }
  }

  dynamic "master_authorized_networks_config" {
    for_each = var.control_plane.ip[*]
    content {
      gcp_public_cidrs_access_enabled      = false
      private_endpoint_enforcement_enabled = true

      dynamic "cidr_blocks" {
        for_each = master_authorized_networks_config.value.authorized_networks
        content {
          display_name = cidr_blocks.key
          cidr_block   = cidr_blocks.value
        }
      }
    }
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  # Requests without credentials see health endpoints and nothing else, and no
  # binding can give everyone rights.
  anonymous_authentication_config {
    mode = "LIMITED"
  }
  rbac_binding_config {
    enable_insecure_binding_system_authenticated   = false
    enable_insecure_binding_system_unauthenticated = false
  }

  dynamic "authenticator_groups_config" {
    for_each = var.security_group[*]
    content {
      security_group = authenticator_groups_config.value
    }
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  binary_authorization {
    evaluation_mode = var.binary_authorization ? "PROJECT_SINGLETON_POLICY_ENFORCE" : "DISABLED"
  }

  dynamic "database_encryption" {
    for_each = var.secrets_key[*]
    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
  }

  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  logging_config {
    enable_components = var.observability.logs
  }

  monitoring_config {
    enable_components = local.metrics

    managed_prometheus {
      enabled = var.observability.managed_collection

      dynamic "auto_monitoring_config" {
        for_each = var.observability.managed_collection ? [var.observability.auto_monitoring] : []
        content {
          scope = auto_monitoring_config.value
        }
      }
    }
  }

  cost_management_config {
    enabled = true
  }

  maintenance_policy {
    recurring_window {
      start_time = var.maintenance.start
      end_time   = var.maintenance.end
      recurrence = var.maintenance.recurrence
    }

    dynamic "maintenance_exclusion" {
      for_each = var.maintenance.exclusions
      content {
        exclusion_name = maintenance_exclusion.key
        start_time     = maintenance_exclusion.value.start
        end_time       = maintenance_exclusion.value.end

        exclusion_options {
          scope = maintenance_exclusion.value.scope
        }
      }
    }
  }

  cluster_autoscaling {
    enabled                       = var.auto_provisioning != null
    autoscaling_profile           = try(var.auto_provisioning.profile, "BALANCED")
    default_compute_class_enabled = contains(keys(var.compute_classes), "default")

    dynamic "resource_limits" {
      for_each = var.auto_provisioning == null ? {} : {
        cpu    = var.auto_provisioning.max_cpu
        memory = var.auto_provisioning.max_memory_gb
      }
      content {
        resource_type = resource_limits.key
        minimum       = 0
        maximum       = resource_limits.value
      }
    }

    dynamic "auto_provisioning_defaults" {
      for_each = var.auto_provisioning[*]
      content {
        service_account = local.nodes_account
        oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
        image_type      = "COS_CONTAINERD"
        disk_type       = var.system_pool.disk_type
        disk_size       = var.system_pool.disk_gb

        management {
          auto_repair  = true
          auto_upgrade = true
        }
        shielded_instance_config {
          enable_secure_boot          = true
          enable_integrity_monitoring = true
        }
        upgrade_settings {
          strategy        = "SURGE"
          max_surge       = 1
          max_unavailable = 0
        }
      }
    }
  }

  node_pool_auto_config {
    dynamic "network_tags" {
      for_each = length(var.network_tags) == 0 ? [] : [var.network_tags]
      content {
        tags = network_tags.value
      }
    }
    node_kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }

  node_pool_defaults {
    node_config_defaults {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }

  lifecycle {
    # It describes the pool that was removed.
    ignore_changes = [node_config, initial_node_count]
  }

  # Rights first: nodes without them start and then cannot say that they did.
  depends_on = [google_project_iam_member.nodes, google_service_account_iam_member.node_account_users]
}

resource "google_container_node_pool" "system" {
  project  = var.project_id
  location = var.region
  cluster  = google_container_cluster.cluster.name
  name     = "system"

  autoscaling {
    total_min_node_count = var.system_pool.min_nodes
    total_max_node_count = var.system_pool.max_nodes
    location_policy      = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = 1
    max_unavailable = 0
  }

  network_config {
    enable_private_nodes = true
  }

  node_config {
    machine_type    = var.system_pool.machine_type
    image_type      = "COS_CONTAINERD"
    disk_type       = var.system_pool.disk_type
    disk_size_gb    = var.system_pool.disk_gb
    service_account = local.nodes_account
    # Rights come from the account's roles; scopes only ever take away.
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    tags            = var.network_tags
    resource_labels = var.labels
    metadata        = { disable-legacy-endpoints = "true" }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    # Pods get their own identity's token, never the node's.
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }

  lifecycle {
    # The autoscaler's.
    ignore_changes = [initial_node_count]
  }
}
