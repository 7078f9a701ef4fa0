variable "project_id" {
  description = "Project that the cluster is in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id: 6 to 30 lower-case letters, digits and hyphens, a letter first; not its number or its display name."
  }
}

variable "region" {
  description = "Region of the cluster; its control plane and its nodes are in three zones of it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as europe-west1, not a zone: a cluster in one zone goes with it."
  }
}

variable "name" {
  description = "Name of the cluster, and beginning of its nodes' account."
  type        = string
  nullable    = false

  validation {
    # The account's name, NAME-nodes, has at most 30 characters.
    condition     = can(regex("^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 24 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "network" {
  description = "Network and subnet by id, and the names of the subnet's secondary ranges for pods and services."
  type = object({
    network        = string
    subnet         = string
    pods_range     = optional(string, "pods")
    services_range = optional(string, "services")
  })
  nullable = false

  validation {
    condition     = can(regex("^(https://www\\.googleapis\\.com/compute/v1/)?projects/[^/]+/global/networks/[^/]+$", var.network.network)) && can(regex("^(https://www\\.googleapis\\.com/compute/v1/)?projects/[^/]+/regions/[^/]+/subnetworks/[^/]+$", var.network.subnet))
    error_message = "network.network and network.subnet must be ids or links: projects/PROJECT/global/networks/NAME and projects/PROJECT/regions/REGION/subnetworks/NAME."
  }
  validation {
    condition     = can(regex("/regions/${var.region}/", var.network.subnet))
    error_message = "network.subnet is in another region than the cluster; a cluster's nodes are in a subnet of its region."
  }
  validation {
    condition     = alltrue([for range in [var.network.pods_range, var.network.services_range] : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", range))]) && var.network.pods_range != var.network.services_range
    error_message = "network.pods_range and services_range must be names of two secondary ranges of the subnet."
  }
}

variable "release_channel" {
  description = "How early Google brings new versions: `RAPID`, `REGULAR`, `STABLE` or `EXTENDED`."
  type        = string
  default     = "REGULAR"
  nullable    = false

  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "release_channel must be RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "control_plane" {
  description = "How the control plane is reached. By its DNS name, which IAM guards, from outside Google too unless `dns_external` is false. By address only if `ip` is set, and then from its authorized networks (name to range) alone, from the internet only with `public`."
  type = object({
    dns_external = optional(bool, true)
    ip = optional(object({
      authorized_networks = map(string)
      public              = optional(bool, false)
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition = var.control_plane.ip == null || try(alltrue([
      for cidr in values(var.control_plane.ip.authorized_networks) : can(cidrhost(cidr, 0)) && tonumber(split("/", cidr)[1]) >= 8
    ]) && length(var.control_plane.ip.authorized_networks) > 0, false)
    error_message = "control_plane.ip.authorized_networks must name at least one range in CIDR notation, none wider than /8: an open control plane is what IAM and the DNS name replace."
  }
}

variable "observability" {
  description = "What Google collects: logs and metrics by component (by default those of the workloads too where there is managed collection, and else SYSTEM_COMPONENTS alone), managed collection for Prometheus (PodMonitoring), and whether it also scrapes well-known software by itself (`ALL` or `NONE`)."
  type = object({
    logs               = optional(list(string), ["SYSTEM_COMPONENTS", "WORKLOADS"])
    metrics            = optional(list(string))
    managed_collection = optional(bool, true)
    auto_monitoring    = optional(string, "NONE")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(var.observability.logs, "SYSTEM_COMPONENTS") && contains(coalesce(var.observability.metrics, ["SYSTEM_COMPONENTS"]), "SYSTEM_COMPONENTS")
    error_message = "observability.logs and observability.metrics must have SYSTEM_COMPONENTS: without them the cause is unknown when the cluster itself fails."
  }
  validation {
    condition     = contains(["ALL", "NONE"], var.observability.auto_monitoring)
    error_message = "observability.auto_monitoring must be ALL or NONE."
  }
  validation {
    # Those of the control plane need none.
    condition     = var.observability.managed_collection || length(setsubtract(coalesce(var.observability.metrics, []), ["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"])) == 0
    error_message = "observability.metrics has metrics of kube-state, cAdvisor or kubelet, but GKE collects them by managed_collection only, which is off; turn it on, or leave them out."
  }
  validation {
    condition     = var.observability.managed_collection || var.observability.auto_monitoring == "NONE"
    error_message = "observability.auto_monitoring is ALL, but managed_collection, which does the scraping, is off; turn it on."
  }
}

variable "binary_authorization" {
  description = "Admit only images that the project's Binary Authorization policy allows. The policy is yours: Google's own allows everything."
  type        = bool
  default     = false
  nullable    = false
}

variable "maintenance" {
  description = "When Google may change the cluster: a recurring window (RFC 3339 times of the first one, RFC 5545 rule), and exclusions by name."
  type = object({
    start      = optional(string, "2026-01-03T01:00:00Z")
    end        = optional(string, "2026-01-03T07:00:00Z")
    recurrence = optional(string, "FREQ=WEEKLY;BYDAY=SA,SU")
    exclusions = optional(map(object({
      start = string
      end   = string
      scope = optional(string, "NO_MINOR_UPGRADES")
    })), {})
  })
  default  = {}
  nullable = false

  validation {
    condition     = try(timecmp(timeadd(var.maintenance.start, "4h"), var.maintenance.end) <= 0, false)
    error_message = "maintenance.start and end must be RFC 3339 times at least four hours apart: Google needs that long to finish an upgrade."
  }
  validation {
    condition     = can(regex("^FREQ=(DAILY|WEEKLY|MONTHLY)(;|$)", var.maintenance.recurrence))
    error_message = "maintenance.recurrence must be an RFC 5545 rule such as FREQ=WEEKLY;BYDAY=SA,SU."
  }
  validation {
    condition     = alltrue([for exclusion in var.maintenance.exclusions : try(timecmp(exclusion.start, exclusion.end) < 0, false)])
    error_message = "Each of maintenance.exclusions must begin before it ends, as RFC 3339 times."
  }
  validation {
    condition     = alltrue([for exclusion in var.maintenance.exclusions : contains(["NO_UPGRADES", "NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"], exclusion.scope)])
    error_message = "Each scope of maintenance.exclusions must be NO_UPGRADES, NO_MINOR_UPGRADES or NO_MINOR_OR_NODE_UPGRADES."
  }
}

variable "secrets_key" {
  description = "Key that Kubernetes Secrets are encrypted with in etcd, beside Google's own encryption of the disk. None when null."
  type        = string
  default     = null

  validation {
    condition     = var.secrets_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.secrets_key))
    error_message = "secrets_key must be projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY."
  }
}

variable "security_group" {
  description = "Google group `gke-security-groups@DOMAIN` whose member groups RBAC may name. None when null."
  type        = string
  default     = null

  validation {
    condition     = var.security_group == null || can(regex("^gke-security-groups@[^@]+$", var.security_group))
    error_message = "security_group must be named gke-security-groups@DOMAIN: GKE reads no other."
  }
}

variable "network_tags" {
  description = "Tags of the nodes, for firewall rules."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = length(var.network_tags) <= 64 && alltrue([for tag in var.network_tags : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", tag))])
    error_message = "network_tags must be up to 64 tags of lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "create_nodes_account" {
  description = "Make the account of the nodes. With `false`, account `NAME-nodes` is there already, as the bootstrap makes it: then who applies this needs no right to make accounts."
  type        = bool
  default     = true
  nullable    = false
}

variable "node_account_users" {
  description = "Principals that may attach the nodes' account to new nodes, such as the one that applies this module, as `principalSet:` or `serviceAccount:`, by a key of yours that is known at plan. An owner of the project needs no grant."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for member in var.node_account_users : can(regex("^(serviceAccount|principal|principalSet|group):", member))])
    error_message = "Each of node_account_users must be serviceAccount:, principal:, principalSet: or group: and a name; neither one person nor everyone."
  }
}

variable "deletion_protection" {
  description = "Terraform does not delete the cluster before this is turned off and applied."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of the cluster and of what it makes."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", name)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Each of labels must have a name and a value of up to 63 lower-case letters, digits, underscores and hyphens, the name with a letter first: Google refuses others while it applies."
  }
}

variable "system_pool" {
  description = "Nodes that are always there, for what the cluster itself needs and for what scales the rest. Counts are for the whole region."
  type = object({
    machine_type = optional(string, "e2-standard-4")
    min_nodes    = optional(number, 3)
    max_nodes    = optional(number, 6)
    disk_gb      = optional(number, 50)
    disk_type    = optional(string, "pd-balanced")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.system_pool.min_nodes >= 1 && var.system_pool.max_nodes >= var.system_pool.min_nodes
    error_message = "system_pool.min_nodes must be at least 1 and max_nodes not below it."
  }
  validation {
    condition     = var.system_pool.disk_gb >= 20
    error_message = "system_pool.disk_gb must be at least 20: images need room."
  }
  validation {
    condition     = contains(["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced"], var.system_pool.disk_type)
    error_message = "system_pool.disk_type must be pd-standard, pd-balanced, pd-ssd or hyperdisk-balanced."
  }
}

variable "auto_provisioning" {
  description = "Node pools that GKE makes and removes as pods need them, up to these sums over the cluster. Null turns it off."
  type = object({
    max_cpu       = optional(number, 64)
    max_memory_gb = optional(number, 256)
    profile       = optional(string, "OPTIMIZE_UTILIZATION")
  })
  default = {}

  validation {
    condition     = var.auto_provisioning == null || try(var.auto_provisioning.max_cpu >= 4 && var.auto_provisioning.max_memory_gb >= 16, false)
    error_message = "auto_provisioning.max_cpu must be at least 4 and max_memory_gb at least 16: a sum that one node exceeds makes none."
  }
  validation {
    condition     = var.auto_provisioning == null || try(contains(["BALANCED", "OPTIMIZE_UTILIZATION"], var.auto_provisioning.profile), false)
    error_message = "auto_provisioning.profile must be BALANCED or OPTIMIZE_UTILIZATION."
  }
}

variable "compute_classes" {
  description = "ComputeClasses by name: what nodes to try, best first. They are Kubernetes objects, so the output `compute_class_manifests` has them as YAML to apply; pods choose one by `cloud.google.com/compute-class`."
  type = map(object({
    priorities = list(object({
      machine_family = optional(string)
      machine_type   = optional(string)
      spot           = optional(bool, false)
      min_cores      = optional(number)
    }))
    when_unsatisfiable = optional(string, "DoNotScaleUp")
    move_back          = optional(bool, true)
  }))
  default = {
    general = { priorities = [{ machine_family = "n4" }, { machine_family = "n2" }, { machine_family = "e2" }] }
    spot    = { priorities = [{ machine_family = "n4", spot = true }, { machine_family = "n2", spot = true }, { machine_family = "e2" }] }
  }
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.compute_classes) : can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "Each key of compute_classes must be a name that Kubernetes accepts as a label."
  }
  validation {
    condition = alltrue(flatten([for class in var.compute_classes : concat([length(class.priorities) > 0], [
      for priority in class.priorities : (priority.machine_family == null) != (priority.machine_type == null)
    ])]))
    error_message = "Each of compute_classes must have priorities, each with exactly one of machine_family and machine_type."
  }
  validation {
    condition     = alltrue([for class in var.compute_classes : contains(["DoNotScaleUp", "ScaleUpAnyway"], class.when_unsatisfiable)])
    error_message = "when_unsatisfiable must be DoNotScaleUp or ScaleUpAnyway."
  }
  validation {
    condition     = length(var.compute_classes) == 0 || var.auto_provisioning != null
    error_message = "compute_classes is set, but auto_provisioning, which makes their nodes, is null; set one or empty the other."
  }
}

variable "karpenter" {
  description = "Rights for Karpenter, which makes nodes instead of GKE: its Kubernetes account. Needs the project's number. None when null. Its chart is installed by you."
  type = object({
    project_number  = string
    namespace       = optional(string, "karpenter-system")
    service_account = optional(string, "karpenter")
  })
  default = null

  validation {
    condition     = var.karpenter == null || can(regex("^[0-9]+$", var.karpenter.project_number))
    error_message = "karpenter.project_number must be the project's number, not its id: identities of pods are named by it."
  }
  validation {
    condition     = var.karpenter == null || var.auto_provisioning == null
    error_message = "karpenter and auto_provisioning are both set, and would both make nodes for the same pods; set auto_provisioning to null."
  }
}
