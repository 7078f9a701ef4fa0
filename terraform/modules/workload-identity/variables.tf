variable "project" {
  description = "The project of the cluster and of the accounts: its id and its number, by which identities of pods are named."
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

variable "namespace" {
  description = "Namespace of workloads that name none."
  type        = string
  default     = "demo"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace must be a name that Kubernetes accepts: up to 63 lower-case letters, digits and hyphens."
  }
}

variable "workloads" {
  description = "Workloads by the name of their Kubernetes account. Rights go to that account itself. With `google_account` a Google account of the same name is made that it impersonates: for what knows only those, such as a login to Cloud SQL. `roles` are granted on the project; rights on one bucket, repository or instance are granted there."
  type = map(object({
    namespace      = optional(string)
    google_account = optional(bool, false)
    roles          = optional(list(string), [])
    description    = optional(string, "")
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.workloads) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "Each key of workloads must be a name that Kubernetes accepts: up to 63 lower-case letters, digits and hyphens."
  }
  validation {
    condition     = alltrue([for name, workload in var.workloads : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", name)) if workload.google_account])
    error_message = "Each workload with a google_account must have a name of 6 to 30 lower-case letters, digits and hyphens, a letter first: the account gets it."
  }
  validation {
    condition     = alltrue([for workload in var.workloads : workload.namespace == null || can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", workload.namespace))])
    error_message = "Each namespace of workloads must be a name that Kubernetes accepts: up to 63 lower-case letters, digits and hyphens."
  }
  validation {
    condition     = alltrue([for workload in var.workloads : length(workload.description) <= 256])
    error_message = "Each description of workloads must have at most 256 characters: a Google account has no longer one."
  }
  validation {
    condition = alltrue(flatten([
      for workload in var.workloads : [for role in workload.roles : can(regex("^(roles|projects/[^/]+/roles|organizations/[0-9]+/roles)/[A-Za-z0-9_.]+$", role))]
    ]))
    error_message = "Each of roles must be roles/NAME, or a custom role by its full name."
  }
  validation {
    condition = length(setintersection(
      flatten([for workload in var.workloads : workload.roles]),
      ["roles/owner", "roles/editor", "roles/viewer", "roles/writer", "roles/reader", "roles/admin"],
    )) == 0
    error_message = "roles must not have a basic role (owner, editor, viewer and their successors): it grants thousands of rights. Name what the workload does, such as roles/monitoring.metricWriter."
  }
}

variable "create_accounts" {
  description = "Make the Google accounts. With `false` they are there already, each by the name of its workload, as the bootstrap makes them: then who applies this needs no right to make accounts."
  type        = bool
  default     = true
  nullable    = false
}

variable "wait_for" {
  description = "What has to be there before an account of the cluster's pool is granted anything, such as the cluster's id: the pool exists from the project's first cluster on, and IAM refuses members of one that does not."
  type        = any
  default     = null
}
