# Cheap, and gone without a trace when it is destroyed.
module "platform" {
  source = "../../modules/platform"

  project             = var.project
  region              = var.region
  name                = "demo-dev"
  deletion_protection = false
  # The bootstrap makes them, and lets the pipeline set the policy of these alone.
  create_accounts = false

  cluster = {
    kind            = "autopilot"
    release_channel = "RAPID"
  }

  database = {
    tier              = "db-custom-1-3840"
    high_availability = false
    max_connections   = 100
    keep_backups      = 7
  }

  entry = {
    hostname    = var.hostname
    zone        = var.zone.domain
    create_zone = var.zone.create
    zone_name   = var.zone.name
  }

  monitoring = { flavor = "operator" }

  pipeline = var.pipeline
  labels   = { environment = "dev" }
}
