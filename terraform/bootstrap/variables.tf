variable "project" {
  description = "The project, which is there already: its id and its number."
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

variable "state" {
  description = "Bucket for Terraform's state: its name, unique in the world, where it is, and how many old versions are kept for how many days."
  type = object({
    bucket        = string
    location      = string
    keep_versions = optional(number, 50)
    keep_days     = optional(number, 90)
    kms_key       = optional(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.state.bucket)) && !startswith(var.state.bucket, "goog")
    error_message = "state.bucket must be 3 to 63 lower-case letters, digits, hyphens and underscores, not beginning with goog."
  }
  validation {
    condition     = var.state.keep_versions >= 10 && var.state.keep_days >= 30
    error_message = "state.keep_versions must be at least 10 and keep_days at least 30: an old version is all that is left when a state is lost."
  }
}

variable "services" {
  description = "Google's services that are turned on in the project. They stay on when this is destroyed."
  type        = set(string)
  default = [
    "artifactregistry.googleapis.com",
    "binaryauthorization.googleapis.com",
    "certificatemanager.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "containersecurity.googleapis.com",
    "dns.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    # Endpoints of Private Service Connect register there.
    "servicedirectory.googleapis.com",
    "servicenetworking.googleapis.com",
    "sqladmin.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ]
  nullable = false

  validation {
    condition     = alltrue([for service in var.services : endswith(service, ".googleapis.com")])
    error_message = "Each of services must be a service's full name, such as compute.googleapis.com."
  }
}

variable "github" {
  description = "The repository whose workflows may come in, by number: a name can be taken over by another owner, a number cannot. `gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints both."
  type = object({
    repository_id = string
    owner_id      = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[0-9]+$", var.github.repository_id)) && can(regex("^[0-9]+$", var.github.owner_id))
    error_message = "github.repository_id and owner_id must be numbers, not names."
  }
}

variable "environments" {
  description = "GitHub environments that get a token, each from certain refs only (`refs/heads/main`; `refs/tags/v*` for a beginning; `refs/pull/*` for pull requests, only to plan). What each may do: `terraform` is `none`, `read` (plan) or `write` (apply), with state below `state_prefix`; `accounts` are the service accounts that are made for it, whose policies it may set: of nodes, service and migration, as the environment names them; `deploy` finds and reaches clusters, where RBAC says what it may do there. Pushing images is granted at the repository."
  type = map(object({
    refs         = list(string)
    terraform    = optional(string, "none")
    state_prefix = optional(string)
    accounts     = optional(set(string), [])
    deploy       = optional(bool, false)
  }))
  nullable = false

  validation {
    condition     = length(var.environments) > 0 && alltrue([for name in keys(var.environments) : can(regex("^[a-z0-9][a-z0-9-]*$", name))])
    error_message = "environments must name at least one environment, each in lower-case letters, digits and hyphens."
  }
  validation {
    condition = alltrue(flatten([
      for environment in var.environments : concat([length(environment.refs) > 0], [for ref in environment.refs : ref == "refs/pull/*" || can(regex("^refs/(heads|tags)/[A-Za-z0-9._/-]+\\*?$", ref))])
    ]))
    error_message = "Each environment must name refs, each beginning with refs/heads/ or refs/tags/ and at least one letter more, where a star may only be last; or refs/pull/*."
  }
  validation {
    # No one has reviewed a pull request's code: it may read, and reach nothing else.
    condition     = alltrue([for environment in var.environments : !contains(environment.refs, "refs/pull/*") || (environment.terraform == "read" && !environment.deploy)])
    error_message = "An environment that pull requests may use (refs/pull/*) must have terraform = \"read\" and no deploy: its author would change the project or the cluster with code that no one has reviewed. Give plans an environment of their own, such as dev-plan."
  }
  validation {
    condition     = alltrue([for environment in var.environments : contains(["none", "read", "write"], environment.terraform)])
    error_message = "terraform must be none, read or write."
  }
  validation {
    condition     = alltrue([for environment in var.environments : environment.terraform == "none" || try(can(regex("^[a-z0-9][a-z0-9/-]*[a-z0-9]$", environment.state_prefix)), false)])
    error_message = "Each environment with terraform must have a state_prefix, the prefix of its GCS backend, such as environments/dev."
  }
  validation {
    condition     = alltrue([for environment in var.environments : (length(environment.accounts) > 0) == (environment.terraform == "write")])
    error_message = "Each environment with terraform = \"write\", and no other, must name accounts, those of its nodes, service and migration: it may not make any, such as [\"demo-dev-nodes\", \"demo-app\", \"demo-app-migrator\"]."
  }
  validation {
    condition     = alltrue(flatten([for environment in var.environments : [for account in environment.accounts : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", account))]]))
    error_message = "Each of accounts must be 6 to 30 lower-case letters, digits and hyphens, a letter first: the part of its address before the @."
  }
  validation {
    # Two would have accounts of the same names, and pods that are one principal to IAM.
    condition     = length([for environment in var.environments : environment if environment.terraform == "write"]) <= 1
    error_message = "environments has two with terraform = \"write\", but a project holds one environment: a pod of one could log in to the other's database; give the other a project and a bootstrap of its own."
  }
  validation {
    condition     = alltrue([for environment in var.environments : environment.terraform != "write" || alltrue([for ref in environment.refs : !endswith(ref, "*")])])
    error_message = "An environment with terraform = \"write\" must name its refs in full: who can push such a ref can change the project."
  }
}

variable "grantable_roles" {
  description = "Roles that Terraform may grant on the project, and no others but recordWriter, which is made here. Basic roles are refused."
  type        = set(string)
  default = [
    "roles/cloudsql.client",
    "roles/cloudsql.instanceUser",
    "roles/cloudtrace.agent",
    "roles/cloudtrace.user",
    "roles/container.defaultNodeServiceAccount",
    "roles/dns.reader",
    "roles/logging.logWriter",
    "roles/logging.viewer",
    "roles/monitoring.metricWriter",
    "roles/monitoring.viewer",
  ]
  nullable = false

  validation {
    condition     = length(setintersection(var.grantable_roles, ["roles/owner", "roles/editor", "roles/viewer", "roles/resourcemanager.projectIamAdmin", "roles/iam.serviceAccountTokenCreator"])) == 0
    error_message = "grantable_roles must have neither a basic role nor one that grants others: Terraform could give itself everything."
  }
}
