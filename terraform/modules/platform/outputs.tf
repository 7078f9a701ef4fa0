locals {
  # A mode's own values: the chart refuses a mode without them, and the other's would
  # only mislead.
  database_by_mode = {
    iam = {
      host       = module.database.host
      port       = module.database.port
      serverCa   = module.database.server_ca
      serverName = module.database.server_name
    }
    connector = {
      instance = module.database.connection_name
      ipType   = module.database.ip_type
    }
  }
}

output "helm_values" {
  description = "Values of charts/demo-app, but for the image's digest: `terraform output -json helm_values > values.json`, then `helm upgrade --values values.json --set image.digest=sha256:...`."
  value = {
    image          = { repository = "${module.images.url}/demo-app", tag = "" }
    serviceAccount = module.identities.service_accounts[var.workload.app]
    database = merge({
      mode                   = var.database.mode
      name                   = module.database.database
      user                   = module.database.users["app"]
      maxConnections         = var.database.pool
      instanceMaxConnections = module.database.max_connections
      reservedConnections    = var.database.reserved
    }, local.database_by_mode[var.database.mode])
    migration = {
      enabled        = true
      serviceAccount = module.identities.service_accounts[var.workload.migrator]
      user           = module.database.users["migrator"]
    }
    gateway = {
      enabled        = local.gateway
      hostname       = local.gateway ? var.entry.hostname : ""
      certificateMap = local.gateway ? module.entry.certificate_map : ""
      addressName    = local.gateway ? module.entry.address_name : ""
      sslPolicy      = local.gateway ? module.entry.ssl_policy : ""
    }
    ingress = {
      enabled     = !local.gateway
      hostname    = local.gateway ? "" : var.entry.hostname
      addressName = local.gateway ? "" : module.entry.address_name
      frontend    = { sslPolicy = local.gateway ? "" : module.entry.ssl_policy }
    }
    monitoring = { flavor = var.monitoring.flavor }
    tracing = {
      enabled     = var.tracing.enabled
      ratio       = var.tracing.ratio
      clusterName = local.cluster.name
    }
    autoscaling = { by = "hpa", minReplicas = var.scaling.min, maxReplicas = var.scaling.max }
    networkPolicy = {
      databaseCidrs  = ["${module.database.host}/32"]
      googleApiCidrs = module.network.google_api_cidrs
    }
  }
}

output "base_url" {
  description = "Where the service is reached from outside."
  value       = "https://${var.entry.hostname}"
}

output "profile" {
  description = "Profile of charts/setup_cluster.sh that fits the cluster and the flavour."
  value       = var.monitoring.flavor == "gmp" ? "gmp" : var.cluster.kind
}

output "prometheus" {
  description = "Namespace and Service that the pipeline's gate asks."
  value = {
    namespace = "observability"
    service   = var.monitoring.flavor == "gmp" ? "frontend" : "kube-prometheus-stack-prometheus"
  }
}

output "stack_values" {
  description = "Values of the stack's releases, by release: `terraform output -json stack_values | jq --raw-output .loki > loki.json`, then `setup_cluster.sh --values-for loki=loki.json`. A release that needs none is missing."
  value = merge(
    var.monitoring.logs_bucket == null ? {} : {
      loki = jsonencode({
        loki = {
          storage = {
            type        = "gcs"
            bucketNames = { chunks = module.observability.buckets["loki"], ruler = module.observability.buckets["loki"], admin = module.observability.buckets["loki"] }
          }
          schemaConfig  = { configs = [{ from = "2026-01-01", store = "tsdb", object_store = "gcs", schema = "v13", index = { prefix = "index_", period = "24h" } }] }
          limits_config = { retention_period = "${var.monitoring.keep_days * 24}h" }
          compactor     = { delete_request_store = "gcs" }
        }
      })
    },
    var.monitoring.traces_bucket == null ? {} : {
      tempo = jsonencode({
        tempo = {
          retention = "${var.monitoring.keep_days * 24}h"
          storage   = { trace = { backend = "gcs", gcs = { bucket_name = module.observability.buckets["tempo"] } } }
        }
      })
    },
    !var.entry.external_dns ? {} : {
      external-dns = jsonencode({ txtOwnerId = local.cluster.name, domainFilters = [var.entry.zone] })
    },
  )
}

output "namespace" {
  description = "Namespace that the release belongs in: the rights of its accounts hold there only."
  value       = var.workload.namespace
}

output "cluster" {
  description = "Name and region of the cluster, and what gives kubectl access."
  value = {
    name                = local.cluster.name
    location            = local.cluster.location
    project             = var.project.id
    dns_endpoint        = local.cluster.dns_endpoint
    credentials_command = local.cluster.credentials_command
  }
}

output "registry" {
  description = "Where images are pushed."
  value       = module.images.url
}

output "address" {
  description = "The address that is served from."
  value       = module.entry.address
}

output "name_servers" {
  description = "Servers to delegate the zone to, at the domain's registrar."
  value       = module.entry.name_servers
}

output "nat_addresses" {
  description = "Fixed addresses that requests to the internet come from."
  value       = module.network.nat_addresses[var.region]
}

output "buckets" {
  description = "Buckets of logs and traces, by the account that writes them."
  value       = module.observability.buckets
}
