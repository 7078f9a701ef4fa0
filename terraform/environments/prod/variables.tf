variable "project" {
  description = "The project: its id and its number."
  type = object({
    id     = string
    number = string
  })
  nullable = false
}

variable "region" {
  description = "Region of everything that is in one."
  type        = string
  nullable    = false
}

variable "hostname" {
  description = "Name that the service is reached by."
  type        = string
  nullable    = false
}

variable "zone" {
  description = "Public zone of the name: its domain, and its name where it is there already."
  type = object({
    domain = string
    create = optional(bool, true)
    name   = optional(string)
  })
  nullable = false
}

variable "pipeline" {
  description = "The bootstrap's principal sets of the jobs that push images and that apply this; and who else pulls images, by a key of yours: nodes and pipeline of another environment that deploys them."
  type = object({
    publish = optional(string)
    apply   = optional(string)
    pull    = optional(map(string), {})
  })
  default  = {}
  nullable = false
}
