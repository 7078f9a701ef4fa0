variable "project_id" {
  description = "Project that the network is in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id: 6 to 30 lower-case letters, digits and hyphens, a letter first; not its number or its display name."
  }
}

variable "name" {
  description = "Name of the network, and beginning of all other names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 40 lower-case letters, digits and hyphens, a letter first and no hyphen last, so that names made from it stay below Google's 63."
  }
}

variable "subnets" {
  description = "Subnets by name, each with its region, its range and its secondary ranges by name (GKE wants one for pods, one for services)."
  type = map(object({
    region           = string
    cidr             = string
    secondary_ranges = optional(map(string), {})
    flow_logs = optional(object({
      sampling = optional(number, 0.1)
      interval = optional(string, "INTERVAL_1_MIN")
      metadata = optional(string, "EXCLUDE_ALL_METADATA")
    }), {})
  }))
  nullable = false

  validation {
    condition     = length(var.subnets) > 0
    error_message = "subnets must name at least one subnet: the network makes none by itself."
  }
  validation {
    condition     = alltrue([for name in keys(var.subnets) : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "Each key of subnets must be a name: lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
  validation {
    condition = alltrue(flatten([
      for subnet in var.subnets : [
        for cidr in concat([subnet.cidr], values(subnet.secondary_ranges)) :
        can(cidrhost(cidr, 0)) && !strcontains(cidr, ":") && try(cidrhost(cidr, 0) == split("/", cidr)[0], false)
      ]
    ]))
    error_message = "Each range of subnets must be an IPv4 range in CIDR notation that begins at its first address, such as 10.0.0.0/20."
  }
  validation {
    condition     = alltrue([for subnet in var.subnets : can(regex("^[a-z]+-[a-z]+[0-9]+$", subnet.region))])
    error_message = "Each region of subnets must be a region such as europe-west1, not a zone."
  }
  validation {
    condition     = alltrue(flatten([for subnet in var.subnets : [for range in keys(subnet.secondary_ranges) : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", range))]]))
    error_message = "Each key of secondary_ranges must be a name: lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
  validation {
    condition     = alltrue([for subnet in var.subnets : contains(["INTERVAL_5_SEC", "INTERVAL_30_SEC", "INTERVAL_1_MIN", "INTERVAL_5_MIN", "INTERVAL_10_MIN", "INTERVAL_15_MIN"], subnet.flow_logs.interval)])
    error_message = "flow_logs.interval must be INTERVAL_5_SEC, INTERVAL_30_SEC, INTERVAL_1_MIN, INTERVAL_5_MIN, INTERVAL_10_MIN or INTERVAL_15_MIN."
  }
  validation {
    condition     = alltrue([for subnet in var.subnets : contains(["EXCLUDE_ALL_METADATA", "INCLUDE_ALL_METADATA"], subnet.flow_logs.metadata)])
    error_message = "flow_logs.metadata must be EXCLUDE_ALL_METADATA or INCLUDE_ALL_METADATA."
  }
  validation {
    condition     = alltrue([for subnet in var.subnets : subnet.flow_logs.sampling >= 0 && subnet.flow_logs.sampling <= 1])
    error_message = "flow_logs.sampling must be between 0 (none) and 1 (every flow)."
  }
}

variable "proxy_only_subnets" {
  description = "Ranges of proxy-only subnets by region, for regional load balancers. At least /26 each."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.proxy_only_subnets : can(cidrhost(cidr, 0)) && try(tonumber(split("/", cidr)[1]) <= 26, false)])
    error_message = "Each proxy-only subnet must be an IPv4 range of /26 or larger: Google refuses smaller ones."
  }
  validation {
    condition     = alltrue([for region in keys(var.proxy_only_subnets) : can(regex("^[a-z]+-[a-z]+[0-9]+$", region))])
    error_message = "Each key of proxy_only_subnets must be a region such as europe-west1, not a zone."
  }
}

variable "nat" {
  description = "Cloud NAT of each region with a subnet: ports per machine, number of fixed addresses (0 lets Google pick), and what is logged."
  type = object({
    fixed_addresses  = optional(number, 0)
    min_ports_per_vm = optional(number, 64)
    max_ports_per_vm = optional(number, 4096)
    log              = optional(string, "ERRORS_ONLY")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["ERRORS_ONLY", "TRANSLATIONS_ONLY", "ALL"], var.nat.log)
    error_message = "nat.log must be ERRORS_ONLY, TRANSLATIONS_ONLY or ALL."
  }
  validation {
    condition     = var.nat.fixed_addresses >= 0 && var.nat.fixed_addresses == floor(var.nat.fixed_addresses)
    error_message = "nat.fixed_addresses must be a whole number from 0 up."
  }
  validation {
    # Google's rule for dynamic allocation: powers of two, the smaller at least 32.
    condition = alltrue([
      for ports in [var.nat.min_ports_per_vm, var.nat.max_ports_per_vm] : contains([for power in range(5, 17) : pow(2, power)], ports)
    ]) && var.nat.min_ports_per_vm < var.nat.max_ports_per_vm
    error_message = "nat.min_ports_per_vm and nat.max_ports_per_vm must be powers of two from 32 to 65536, the first below the second."
  }
}

variable "private_service_access" {
  description = "Range for Google's services that are reached by peering, Cloud SQL among them. Null makes none: Private Service Connect needs no range and leaves nothing behind. With abandon_on_destroy Terraform forgets the peering instead of deleting it, which Google refuses for days after a database was deleted; it goes with the network."
  type = object({
    cidr               = string
    abandon_on_destroy = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.private_service_access == null || try(can(cidrhost(var.private_service_access.cidr, 0)) && tonumber(split("/", var.private_service_access.cidr)[1]) <= 24, false)
    error_message = "private_service_access.cidr must be an IPv4 range of /24 or larger: Cloud SQL takes a /24 per region."
  }
}

variable "google_apis" {
  description = "How Google's APIs are reached from the network: `private` (private.googleapis.com, 199.36.153.8/30), `restricted` (only those that VPC Service Controls guards, 199.36.153.4/30) or `public` (whatever DNS says). The first two let a network policy name the addresses."
  type        = string
  default     = "private"
  nullable    = false

  validation {
    condition     = contains(["private", "restricted", "public"], var.google_apis)
    error_message = "google_apis must be private, restricted or public."
  }
}

variable "iap_ssh_tags" {
  description = "Network tags of machines that Identity-Aware Proxy may reach by SSH. None by default: nodes are managed."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for tag in var.iap_ssh_tags : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", tag))])
    error_message = "Each of iap_ssh_tags must be a network tag: up to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "control_plane_ports" {
  description = "Ports of pods that the control planes call, beside 443 and 10250, which GKE opens: by default those of metrics adapters (6443) and of KEDA's webhook (9443)."
  type        = list(string)
  default     = ["6443", "9443"]
  nullable    = false

  validation {
    condition     = length(var.control_plane_ports) > 0 && alltrue([for port in var.control_plane_ports : can(regex("^[0-9]+(-[0-9]+)?$", port))])
    error_message = "control_plane_ports must list ports such as 6443: an empty list would open all of them."
  }
}

variable "load_balancer_ports" {
  description = "Ports of pods that load balancers and their health checks may reach: by default the service's, its admin port, and the admin port of KEDA's interceptor."
  type        = list(string)
  default     = ["8080", "9464", "9090"]
  nullable    = false

  validation {
    condition     = length(var.load_balancer_ports) > 0 && alltrue([for port in var.load_balancer_ports : can(regex("^[0-9]+(-[0-9]+)?$", port))])
    error_message = "load_balancer_ports must list ports such as 8080, or ranges such as 30000-32767: an empty list would open all of them."
  }
}
