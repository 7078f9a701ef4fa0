variable "project" {
  description = "The project of the cluster, of the buckets and of what is observed: its id and its number, by which identities of pods are named."
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

variable "location" {
  description = "Region of the buckets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z]+-[a-z]+[0-9]+|europe|us|asia|eu)$", var.location))
    error_message = "location must be a region such as europe-west1, or a multi-region."
  }
}

variable "namespace" {
  description = "Namespace of the observability stack."
  type        = string
  default     = "observability"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "namespace must be a name that Kubernetes accepts: up to 63 lower-case letters, digits and hyphens."
  }
}

variable "stores" {
  description = "Buckets by the Kubernetes account that writes them (Loki's, Tempo's), with their names, unique in the world, and the days that objects are kept. The stack's own retention should be shorter: this is for what it forgets."
  type = map(object({
    bucket = string
    days   = optional(number, 30)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for store in var.stores : can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", store.bucket)) && !startswith(store.bucket, "goog")])
    error_message = "Each bucket of stores must be 3 to 63 lower-case letters, digits, hyphens and underscores, not beginning with goog."
  }
  validation {
    condition     = alltrue([for store in var.stores : store.days >= 1])
    error_message = "Each of stores must keep objects for at least one day."
  }
}

variable "readers" {
  description = "Kubernetes accounts that read metrics, logs and traces of the project (Grafana's), with what each reads: `metrics`, `logs`, `traces`."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(flatten(values(var.readers)), ["metrics", "logs", "traces"])) == 0
    error_message = "Each of readers must list metrics, logs or traces."
  }
}

variable "writers" {
  description = "Kubernetes accounts that write metrics, logs and traces of the project (a collector's, for Google's backends), with what each writes: `metrics`, `logs`, `traces`."
  type        = map(list(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(flatten(values(var.writers)), ["metrics", "logs", "traces"])) == 0
    error_message = "Each of writers must list metrics, logs or traces."
  }
}

variable "queue_readers" {
  description = "Kubernetes accounts, with their namespaces, that read metrics of queues to scale by (KEDA's operator)."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "dns_writer" {
  description = "external-dns' Kubernetes account, and the role by which it changes the project's records: a custom role, since none of Google's changes records alone. None when null."
  type = object({
    role            = string
    namespace       = optional(string, "external-dns")
    service_account = optional(string, "external-dns")
  })
  default = null
}

variable "deletion_protection" {
  description = "Terraform does not delete a bucket with objects in it."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of the buckets."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", name)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Each of labels must have a name and a value of up to 63 lower-case letters, digits, underscores and hyphens, the name with a letter first: Google refuses others while it applies."
  }
}

variable "wait_for" {
  description = "What has to be there before an account of the cluster's pool is granted anything, such as the cluster's id: the pool exists from the project's first cluster on, and IAM refuses members of one that does not."
  type        = any
  default     = null
}
