variable "project_id" {
  description = "Project that zone, certificates and address are in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id: 6 to 30 lower-case letters, digits and hyphens, a letter first; not its number or its display name."
  }
}

variable "name" {
  description = "Beginning of all names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "zone" {
  description = "The public zone, by its domain without the last dot. With `create` false it is there already, under `name`."
  type = object({
    domain = string
    create = optional(bool, true)
    name   = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.zone.domain))
    error_message = "zone.domain must be a domain in lower case without the last dot, such as example.com."
  }
  validation {
    condition     = var.zone.create || var.zone.name != null
    error_message = "zone.create is false, so zone.name must say which zone it is."
  }
}

variable "hostnames" {
  description = "Names that are served, all in the zone. Each gets an entry in the certificate map, and an A record unless `records` is false."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.hostnames) > 0 && length(distinct(var.hostnames)) == length(var.hostnames)
    error_message = "hostnames must name at least one name, and none twice."
  }
  validation {
    condition     = alltrue([for hostname in var.hostnames : hostname == var.zone.domain || endswith(hostname, ".${var.zone.domain}")])
    error_message = "Each of hostnames must be zone.domain or below it: Google proves that it is yours by a record in the zone."
  }
  validation {
    condition     = alltrue([for hostname in var.hostnames : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", hostname))])
    error_message = "Each of hostnames must be a name in lower case without the last dot; no wildcard."
  }
}

variable "records" {
  description = "Make the A records here. False where external-dns makes them from the routes: two that write the same record undo each other."
  type        = bool
  default     = true
  nullable    = false
}

variable "ttl" {
  description = "Seconds that resolvers keep a record."
  type        = number
  default     = 300
  nullable    = false

  validation {
    condition     = var.ttl >= 30 && var.ttl <= 86400
    error_message = "ttl must be between 30 and 86400 seconds."
  }
}

variable "deletion_protection" {
  description = "Terraform deletes neither the zone nor the address: name servers and addresses that others know come back different. Without it, records that others wrote into the zone go with it."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of what has any."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", name)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Each of labels must have a name and a value of up to 63 lower-case letters, digits, underscores and hyphens, the name with a letter first: Google refuses others while it applies."
  }
}
