variable "project_id" {
  description = "Project that the repository is in."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project's id: 6 to 30 lower-case letters, digits and hyphens, a letter first; not its number or its display name."
  }
}

variable "location" {
  description = "Region or multi-region (`europe`, `us`, `asia`) of the repository: near the cluster, or pulling costs time and money."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^([a-z]+-[a-z]+[0-9]+|europe|us|asia)$", var.location))
    error_message = "location must be a region such as europe-west1, or one of europe, us, asia."
  }
}

variable "name" {
  description = "Name of the repository."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", var.name))
    error_message = "name must be 1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last."
  }
}

variable "readers" {
  description = "Who may pull, by a key of yours that is known at plan: nodes' accounts, for example, as `serviceAccount:EMAIL`."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for member in var.readers : can(regex("^(serviceAccount|group|principal|principalSet):", member))])
    error_message = "Each of readers must be serviceAccount:, group:, principal: or principalSet: and a name; neither one person nor everyone."
  }
}

variable "writers" {
  description = "Who may push, by a key of yours that is known at plan: the pipeline's principal set."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for member in var.writers : can(regex("^(serviceAccount|principal|principalSet):", member))])
    error_message = "Each of writers must be serviceAccount:, principal: or principalSet: and a name: images come from a pipeline."
  }
}

variable "cleanup" {
  description = "What is deleted: versions without a tag after some days, and of each package all but the newest ones that are older than some days. A push is about nine versions, six of them signatures and attestations without a tag, which `cosign verify` needs as long as the image may be deployed. With `dry_run` Google only logs what it would delete."
  type = object({
    untagged_days = optional(number, 180)
    keep_newest   = optional(number, 300)
    tagged_days   = optional(number, 180)
    dry_run       = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.cleanup.untagged_days >= 1 && var.cleanup.tagged_days >= var.cleanup.untagged_days
    error_message = "cleanup.untagged_days must be at least 1 and tagged_days not below it."
  }
  validation {
    condition     = var.cleanup.keep_newest >= 5
    error_message = "cleanup.keep_newest must be at least 5: a rollback needs what ran before."
  }
  validation {
    condition     = alltrue([for number in [var.cleanup.untagged_days, var.cleanup.tagged_days, var.cleanup.keep_newest] : floor(number) == number])
    error_message = "cleanup.untagged_days, tagged_days and keep_newest must be whole numbers."
  }
}

variable "kms_key" {
  description = "Key to encrypt images with. Google's own when null."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "kms_key must be projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY."
  }
  validation {
    condition     = var.kms_key == null || can(regex("/locations/${var.location}/", var.kms_key))
    error_message = "kms_key is in another location than the repository; Artifact Registry uses keys of its own location only."
  }
}

variable "deletion_protection" {
  description = "Terraform does not delete the repository and the images in it."
  type        = bool
  default     = true
  nullable    = false
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.labels : can(regex("^[a-z][a-z0-9_-]{0,62}$", name)) && can(regex("^[a-z0-9_-]{0,63}$", value))])
    error_message = "Each of labels must have a name and a value of up to 63 lower-case letters, digits, underscores and hyphens, the name with a letter first: Google refuses others while it applies."
  }
}
