# One environment: the modules put together, and what the chart has to know of them.
locals {
  psa     = var.database.access == "psa"
  cluster = one(concat(module.autopilot[*], module.standard[*]))
  subnet  = "${var.name}-${var.region}"
  gateway = var.entry.kind == "gateway"
  # What external-dns may do; the bootstrap makes the role.
  records_role = "projects/${var.project.id}/roles/recordWriter"
}

module "network" {
  source = "../network"

  project_id = var.project.id
  name       = var.name
  subnets = {
    (local.subnet) = {
      region           = var.region
      cidr             = var.ranges.nodes
      secondary_ranges = { pods = var.ranges.pods, services = var.ranges.services }
    }
  }
  proxy_only_subnets     = var.ranges.proxy_only == null ? {} : { (var.region) = var.ranges.proxy_only }
  private_service_access = local.psa ? { cidr = var.ranges.private_service_access } : null
  nat                    = { fixed_addresses = var.nat_addresses }
}

module "autopilot" {
  source = "../gke-autopilot"
  count  = var.cluster.kind == "autopilot" ? 1 : 0

  project_id = var.project.id
  region     = var.region
  name       = var.name
  network = {
    network = module.network.id
    subnet  = module.network.subnets[local.subnet].id
  }
  release_channel      = var.cluster.release_channel
  binary_authorization = var.cluster.binary_authorization
  security_group       = var.cluster.security_group
  secrets_key          = var.cluster.secrets_key
  observability        = { managed_collection = true } # GKE refuses an Autopilot cluster without.
  node_account_users   = { for key, member in { apply = var.pipeline.apply } : key => member if member != null }
  create_nodes_account = var.create_accounts
  deletion_protection  = var.deletion_protection
  labels               = var.labels
}

module "standard" {
  source = "../gke-standard"
  count  = var.cluster.kind == "standard" ? 1 : 0

  project_id = var.project.id
  region     = var.region
  name       = var.name
  network = {
    network = module.network.id
    subnet  = module.network.subnets[local.subnet].id
  }
  release_channel      = var.cluster.release_channel
  binary_authorization = var.cluster.binary_authorization
  security_group       = var.cluster.security_group
  secrets_key          = var.cluster.secrets_key
  observability        = { managed_collection = var.monitoring.flavor == "gmp" }
  node_account_users   = { for key, member in { apply = var.pipeline.apply } : key => member if member != null }
  create_nodes_account = var.create_accounts
  deletion_protection  = var.deletion_protection
  labels               = var.labels
}

# Cloud SQL logs in Google accounts only, so both impersonate one.
module "identities" {
  source = "../workload-identity"

  project         = var.project
  namespace       = var.workload.namespace
  create_accounts = var.create_accounts
  wait_for        = local.cluster.id
  workloads = {
    (var.workload.app)      = { google_account = true, description = "Serves requests." }
    (var.workload.migrator) = { google_account = true, description = "Changes tables." }
  }
}

module "database" {
  source = "../cloud-sql"

  project_id = var.project.id
  region     = var.region
  name       = var.name
  database   = var.database.name
  access = {
    psc = local.psa ? null : { network = module.network.id, subnet = module.network.subnets[local.subnet].id }
    psa = local.psa ? { network = module.network.private_service_access.network, range = module.network.private_service_access.range } : null
  }
  users = {
    app      = { email = module.identities.emails[var.workload.app], connector = var.database.mode == "connector" }
    migrator = { email = module.identities.emails[var.workload.migrator], connector = var.database.mode == "connector", roles = ["cloudsqlsuperuser"] }
  }
  machine             = { tier = var.database.tier, edition = var.database.edition }
  backups             = { keep = var.database.keep_backups, recovery_days = var.database.recovery_days }
  high_availability   = var.database.high_availability
  max_connections     = var.database.max_connections
  kms_key             = var.database.kms_key
  deletion_protection = var.deletion_protection
  labels              = var.labels
}

module "images" {
  source = "../artifact-registry"

  project_id          = var.project.id
  location            = var.region
  name                = var.name
  readers             = merge({ nodes = "serviceAccount:${local.cluster.node_account_email}" }, var.pipeline.pull)
  writers             = { for key, member in { publish = var.pipeline.publish } : key => member if member != null }
  deletion_protection = var.deletion_protection
  labels              = var.labels
}

module "entry" {
  source = "../dns-tls"

  project_id          = var.project.id
  name                = var.name
  zone                = { domain = var.entry.zone, create = var.entry.create_zone, name = var.entry.zone_name }
  hostnames           = [var.entry.hostname]
  records             = !var.entry.external_dns
  deletion_protection = var.deletion_protection
  labels              = var.labels
}

module "observability" {
  source = "../observability-iam"

  project  = var.project
  location = var.region
  wait_for = local.cluster.id
  stores = {
    for account, bucket in { loki = var.monitoring.logs_bucket, tempo = var.monitoring.traces_bucket } :
    # The stack deletes by itself; a week later goes what it forgot.
    account => { bucket = bucket, days = var.monitoring.keep_days + 7 } if bucket != null
  }
  readers             = var.monitoring.flavor == "gmp" ? { frontend = ["metrics"], metrics-adapter = ["metrics"] } : {}
  queue_readers       = var.scaling.by_queue ? { keda-operator = "keda" } : {}
  dns_writer          = var.entry.external_dns ? { role = local.records_role } : null
  deletion_protection = var.deletion_protection
  labels              = var.labels
}
