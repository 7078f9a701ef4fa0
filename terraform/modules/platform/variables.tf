variable "project" {
  description = "The project: its id and its number."
  type = object({
    id     = string
    number = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project.id)) && can(regex("^[0-9]+$", var.project.number))
    error_message = "project must have the id (letters, digits, hyphens) and the number (digits); `gcloud projects describe ID --format='value(projectNumber)'` prints it."
  }
}

variable "region" {
  description = "Region of everything that is in one."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as europe-west1, not a zone."
  }
}

variable "name" {
  description = "Beginning of all names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 24 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "deletion_protection" {
  description = "Delete nothing that cannot be made again: cluster, database, images, zone, address, telemetry."
  type        = bool
  default     = true
  nullable    = false
}

variable "ranges" {
  description = "Ranges of nodes, pods and services; of regional load balancers' proxies where there are any; and of Private Service Access where the database is reached by it."
  type = object({
    nodes                  = optional(string, "10.0.0.0/20")
    pods                   = optional(string, "10.4.0.0/14")
    services               = optional(string, "10.8.0.0/20")
    proxy_only             = optional(string)
    private_service_access = optional(string, "10.16.0.0/16")
  })
  default  = {}
  nullable = false
}

variable "nat_addresses" {
  description = "Number of fixed addresses that requests to the internet come from; 0 lets Google pick."
  type        = number
  default     = 0
  nullable    = false
}

variable "cluster" {
  description = "The cluster: `autopilot` or `standard`, and what both have."
  type = object({
    kind                 = optional(string, "autopilot")
    release_channel      = optional(string, "REGULAR")
    binary_authorization = optional(bool, false)
    security_group       = optional(string)
    secrets_key          = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["autopilot", "standard"], var.cluster.kind)
    error_message = "cluster.kind must be autopilot or standard."
  }
}

variable "database" {
  description = "The database: how the service logs in (`iam` directly, or `connector`), how it is reached (`psc` or `psa`), its size, and how its connections are shared: `pool` per pod, `reserved` for others."
  type = object({
    mode              = optional(string, "iam")
    access            = optional(string, "psc")
    name              = optional(string, "demo")
    tier              = optional(string, "db-custom-2-7680")
    edition           = optional(string, "ENTERPRISE")
    high_availability = optional(bool, true)
    max_connections   = optional(number, 100)
    reserved          = optional(number, 10)
    pool              = optional(number, 10)
    kms_key           = optional(string)
    keep_backups      = optional(number, 14)
    recovery_days     = optional(number, 7)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["iam", "connector"], var.database.mode)
    error_message = "database.mode must be iam or connector: there are no passwords."
  }
  validation {
    condition     = contains(["psc", "psa"], var.database.access)
    error_message = "database.access must be psc or psa."
  }
  validation {
    condition     = var.database.reserved >= 3 && var.database.pool >= 1 && var.database.pool + var.database.reserved <= var.database.max_connections
    error_message = "database.reserved must be at least 3, and pool and reserved together not above max_connections: not even one pod would get its connections."
  }
}

variable "entry" {
  description = "How the service is reached from outside: hostname, its zone, and by `gateway` or `ingress`. With `external_dns` that makes the record, and may change this one zone."
  type = object({
    hostname     = string
    zone         = string
    create_zone  = optional(bool, true)
    zone_name    = optional(string)
    kind         = optional(string, "gateway")
    external_dns = optional(bool, false)
  })
  nullable = false

  validation {
    condition     = contains(["gateway", "ingress"], var.entry.kind)
    error_message = "entry.kind must be gateway or ingress: one address serves one load balancer."
  }
}

variable "workload" {
  description = "Namespace and Kubernetes accounts of the service."
  type = object({
    namespace = optional(string, "demo")
    app       = optional(string, "demo-app")
    migrator  = optional(string, "demo-app-migrator")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.workload.app != var.workload.migrator
    error_message = "workload.app and migrator must be two accounts: what serves requests needs no right to change tables."
  }
}

variable "create_accounts" {
  description = "Make the service accounts of nodes, service and migration. With `false`, `NAME-nodes` and those of `workload` are there already, as the bootstrap makes them: then who applies this needs no right to make accounts."
  type        = bool
  default     = true
  nullable    = false
}

variable "monitoring" {
  description = "Who takes the service's metrics (`operator`, `gmp`, `otlp`, `none`), and buckets for logs and traces of the stack in the cluster."
  type = object({
    flavor        = optional(string, "operator")
    logs_bucket   = optional(string)
    traces_bucket = optional(string)
    keep_days     = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["operator", "gmp", "otlp", "none"], var.monitoring.flavor)
    error_message = "monitoring.flavor must be operator, gmp, otlp or none."
  }
}

variable "tracing" {
  description = "Whether the service sends traces, and the share that it keeps of those without a decision."
  type = object({
    enabled = optional(bool, true)
    ratio   = optional(number, 0.1)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.tracing.ratio >= 0 && var.tracing.ratio <= 1
    error_message = "tracing.ratio must be between 0 and 1."
  }
}

variable "scaling" {
  description = "Fewest and most pods of the service, scaled by CPU; `by_queue` lets KEDA read the depth of Pub/Sub subscriptions."
  type = object({
    min      = optional(number, 2)
    max      = optional(number, 6)
    by_queue = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.scaling.min >= 1 && var.scaling.min <= var.scaling.max
    error_message = "scaling.min must be at least 1 and not above max."
  }
  validation {
    # One more pod during a rollout. The chart checks the same.
    condition     = (var.scaling.max + 1) * var.database.pool + var.database.reserved <= var.database.max_connections
    error_message = "scaling.max and one pod more of a rollout, times database.pool, and database.reserved are above database.max_connections; lower max or pool."
  }
}

variable "pipeline" {
  description = "What the pipeline's jobs are to IAM, as the bootstrap's principal_sets: who pushes images, and who applies this. `pull` is who else pulls them, by a key of yours: nodes and pipeline of another environment that deploys the same images."
  type = object({
    publish = optional(string)
    apply   = optional(string)
    pull    = optional(map(string), {})
  })
  default  = {}
  nullable = false
}

variable "labels" {
  description = "Labels of everything that has any."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", name)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Each of labels must have a name and a value of up to 63 lower-case letters, digits, underscores and hyphens, the name with a letter first: Google refuses others while it applies."
  }
}
