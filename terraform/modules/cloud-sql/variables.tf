variable "project_id" {
  description = "Project that the instance is in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id: 6 to 30 lower-case letters, digits and hyphens, a letter first; not its number or its display name."
  }
}

variable "region" {
  description = "Region of the instance, its backups and its endpoint."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as europe-west1, not a zone."
  }
}

variable "name" {
  description = "Name of the instance. Google keeps a deleted instance's name for a week."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "database" {
  description = "Name of the database."
  type        = string
  default     = "demo"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,62}$", var.database)) && !contains(["postgres", "template0", "template1", "cloudsqladmin"], var.database)
    error_message = "database must be 1 to 63 lower-case letters, digits and underscores, no digit first, and none of PostgreSQL's own."
  }
}

variable "postgres_version" {
  description = "Major version of PostgreSQL."
  type        = number
  default     = 17
  nullable    = false

  validation {
    condition     = contains([15, 16, 17, 18], var.postgres_version)
    error_message = "postgres_version must be 15, 16, 17 or 18: before 15 every user may make tables in the schema public."
  }
}

variable "machine" {
  description = "Tier, edition and disk. `db-custom-CPUS-MEGABYTES` for ENTERPRISE, `db-perf-optimized-N-CPUS` for ENTERPRISE_PLUS."
  type = object({
    tier          = optional(string, "db-custom-2-7680")
    edition       = optional(string, "ENTERPRISE")
    disk_gb       = optional(number, 20)
    disk_limit_gb = optional(number, 200)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["ENTERPRISE", "ENTERPRISE_PLUS"], var.machine.edition)
    error_message = "machine.edition must be ENTERPRISE or ENTERPRISE_PLUS."
  }
  validation {
    condition     = startswith(var.machine.tier, "db-perf-optimized-") == (var.machine.edition == "ENTERPRISE_PLUS")
    error_message = "machine.tier must fit the edition: db-perf-optimized-N-... is for ENTERPRISE_PLUS, and ENTERPRISE_PLUS has no other."
  }
  validation {
    # https://cloud.google.com/sql/docs/postgres/create-instance#machine-types
    condition = !startswith(var.machine.tier, "db-custom-") || try(
      (tonumber(split("-", var.machine.tier)[2]) == 1 || tonumber(split("-", var.machine.tier)[2]) % 2 == 0)
      && tonumber(split("-", var.machine.tier)[2]) <= 96
      && tonumber(split("-", var.machine.tier)[3]) % 256 == 0
      && tonumber(split("-", var.machine.tier)[3]) >= 3840
      && tonumber(split("-", var.machine.tier)[3]) >= tonumber(split("-", var.machine.tier)[2]) * 922
      && tonumber(split("-", var.machine.tier)[3]) <= tonumber(split("-", var.machine.tier)[2]) * 6656,
      false,
    )
    error_message = "machine.tier is db-custom-CPUS-MEGABYTES, but Cloud SQL has only 1 CPU or an even number up to 96, and a multiple of 256 MB from 3840 up, 0.9 to 6.5 GB for each CPU."
  }
  validation {
    condition     = var.machine.disk_gb >= 10 && var.machine.disk_limit_gb >= var.machine.disk_gb
    error_message = "machine.disk_gb must be at least 10 and disk_limit_gb not below it: a disk grows and never shrinks."
  }
}

variable "high_availability" {
  description = "A second machine in another zone that takes over."
  type        = bool
  default     = true
  nullable    = false
}

variable "access" {
  description = "How the instance is reached; it never has a public address. `psc`: an endpoint in one of your subnets, which leaves nothing behind when destroyed. `psa`: peering; network and range come from the network module's private_service_access, so that the order of making and destroying is right."
  type = object({
    psc = optional(object({
      network           = string
      subnet            = string
      address           = optional(string)
      consumer_projects = optional(list(string), [])
    }))
    psa = optional(object({
      network = string
      range   = optional(string)
    }))
  })
  nullable = false

  validation {
    condition     = (var.access.psc == null) != (var.access.psa == null)
    error_message = "access must have exactly one of psc and psa."
  }
  validation {
    condition     = try(var.access.psc.address, null) == null || can(cidrnetmask("${var.access.psc.address}/32"))
    error_message = "access.psc.address must be an IPv4 address of the subnet, such as 10.0.0.5, or null for a free one."
  }
  validation {
    condition     = alltrue([for project in try(var.access.psc.consumer_projects, []) : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", project))])
    error_message = "Each of access.psc.consumer_projects must be a project's id, not its number."
  }
}

variable "server_ca" {
  description = "Who signs the server's certificate: `shared` (Google's CA of the region; the certificate has a DNS name) or `instance` (a CA of the instance's own; its name is PROJECT:INSTANCE)."
  type        = string
  default     = "shared"
  nullable    = false

  validation {
    condition     = contains(["shared", "instance"], var.server_ca)
    error_message = "server_ca must be shared or instance."
  }
}

variable "users" {
  description = "Who may log in, by IAM and without a password: Google service accounts by a key of yours, which must be known at plan. `connector` also lets them use Cloud SQL's connectors. `roles` are PostgreSQL roles, such as cloudsqlsuperuser for the one that migrates."
  type = map(object({
    email     = string
    connector = optional(bool, false)
    roles     = optional(list(string), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for user in var.users : can(regex("^[^@]+@[^@]+\\.gserviceaccount\\.com$", user.email))])
    error_message = "Each email of users must be a Google service account's, such as demo-app@my-project.iam.gserviceaccount.com. A Kubernetes account cannot log in by itself: it impersonates one."
  }
}

variable "backups" {
  description = "When and where backups are made (UTC), how many are kept, and for how many days any moment can be restored."
  type = object({
    start_time    = optional(string, "02:00")
    location      = optional(string)
    keep          = optional(number, 14)
    recovery_days = optional(number, 7)
    final_days    = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^([01][0-9]|2[0-3]):[0-5][0-9]$", var.backups.start_time))
    error_message = "backups.start_time must be HH:MM, in UTC."
  }
  validation {
    condition     = var.backups.keep >= 1 && var.backups.keep <= 365
    error_message = "backups.keep must be between 1 and 365."
  }
  validation {
    condition     = var.backups.recovery_days >= 1 && var.backups.recovery_days <= (var.machine.edition == "ENTERPRISE_PLUS" ? 35 : 7)
    error_message = "backups.recovery_days must be between 1 and 7, or 35 with ENTERPRISE_PLUS."
  }
  validation {
    condition     = var.backups.recovery_days <= var.backups.keep
    error_message = "backups.recovery_days must not be above backups.keep: a moment is restored from the backup before it."
  }
  validation {
    condition     = var.backups.final_days >= 0 && var.backups.final_days <= 365
    error_message = "backups.final_days must be between 0 (no backup when the instance is deleted) and 365."
  }
  validation {
    condition     = var.backups.location == null || can(regex("^([a-z]+-[a-z]+[0-9]+|asia|eu|us)$", var.backups.location))
    error_message = "backups.location must be a region such as europe-west1, or one of asia, eu, us."
  }
}

variable "maintenance" {
  description = "When Google may restart the instance (UTC; day 1 is Monday), and how early it gets a version."
  type = object({
    day   = optional(number, 7)
    hour  = optional(number, 3)
    track = optional(string, "stable")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.maintenance.day >= 1 && var.maintenance.day <= 7 && var.maintenance.hour >= 0 && var.maintenance.hour <= 23
    error_message = "maintenance.day must be 1 (Monday) to 7, and hour 0 to 23."
  }
  validation {
    condition     = contains(["canary", "stable", "week5"], var.maintenance.track)
    error_message = "maintenance.track must be canary (early), stable, or week5 (late)."
  }
}

variable "max_connections" {
  description = "Connections the instance grants in all. The chart divides them among its pods and refuses a sum above."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.max_connections >= 25 && var.max_connections <= 262143 && floor(var.max_connections) == var.max_connections
    error_message = "max_connections must be a whole number from 25 up: Cloud SQL keeps some for itself."
  }
}

variable "flags" {
  description = "More flags of PostgreSQL. Those that this module sets are refused."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.flags), keys(local.own_flags))) == 0
    error_message = "flags must not name a flag that the module sets; use max_connections and slow_query_ms for theirs."
  }
  validation {
    condition     = alltrue([for name in keys(var.flags) : can(regex("^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)?$", name))])
    error_message = "Each key of flags must be a flag of PostgreSQL as Cloud SQL names it: lower-case letters, digits and underscores, such as work_mem or cloudsql.enable_pgaudit."
  }
}

variable "slow_query_ms" {
  description = "Statements that take longer are logged. -1 logs none."
  type        = number
  default     = 1000
  nullable    = false

  validation {
    condition     = var.slow_query_ms >= -1
    error_message = "slow_query_ms must be milliseconds, or -1."
  }
}

variable "kms_key" {
  description = "Key to encrypt disk and backups with. Google's own when null."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key must be projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY."
  }
  validation {
    condition     = var.kms_key == null || can(regex("/locations/${var.region}/", var.kms_key))
    error_message = "kms_key is in another location than the instance; Cloud SQL uses keys of its own region only."
  }
}

variable "deletion_protection" {
  description = "Neither Terraform nor another client of the API deletes the instance before this is turned off and applied."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", name)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Each of labels must have a name and a value of up to 63 lower-case letters, digits, underscores and hyphens, the name with a letter first: Google refuses others while it applies."
  }
}
