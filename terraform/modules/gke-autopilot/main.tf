# Google runs the nodes: one pays for pods, and cannot get node security wrong.
resource "google_container_cluster" "cluster" {
  #checkov:skip=CKV_GCP_12:Autopilot always enforces network policies, by Dataplane V2.
  #checkov:skip=CKV_GCP_21:Labels are the caller's (labels); each environment gives some.
  #checkov:skip=CKV_GCP_61:Autopilot always has intranode visibility, by Dataplane V2.
  #checkov:skip=CKV_GCP_66:A choice (binary_authorization), since the policy that it enforces is the project's.
  #checkov:skip=CKV_GCP_69:Autopilot always has the metadata server of GKE.
  project             = var.project_id
  location            = var.region
  name                = var.name
  network             = var.network.network
  subnetwork          = var.network.subnet
  enable_autopilot    = true
  deletion_protection = var.deletion_protection
  resource_labels     = var.labels

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
    enable_components = var.observability.metrics

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

  # The account of every node that Autopilot makes.
  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = local.nodes_account
      oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
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

  # Rights first: nodes without them start and then cannot say that they did.
  depends_on = [google_project_iam_member.nodes, google_service_account_iam_member.node_account_users]
}
