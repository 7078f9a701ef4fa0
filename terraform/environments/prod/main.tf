# Survives a zone and a mistaken destroy.
module "platform" {
  source = "../../modules/platform"

  project             = var.project
  region              = var.region
  name                = "demo-prod"
  deletion_protection = true
  # The bootstrap makes them, and lets the pipeline set the policy of these alone.
  create_accounts = false

  nat_addresses = 2

  cluster = {
    kind            = "autopilot"
    release_channel = "STABLE"
    # Off: without a policy of the project's own, Google's allows every image. The pipeline
    # verifies signature and provenance before it deploys.
    binary_authorization = false
  }

  database = {
    tier              = "db-custom-4-15360"
    high_availability = true
    max_connections   = 200
    pool              = 15
    reserved          = 20
    keep_backups      = 30
  }

  entry = {
    hostname    = var.hostname
    zone        = var.zone.domain
    create_zone = var.zone.create
    zone_name   = var.zone.name
  }

  monitoring = {
    flavor        = "operator"
    logs_bucket   = "${var.project.id}-demo-logs"
    traces_bucket = "${var.project.id}-demo-traces"
    keep_days     = 90
  }

  scaling = { min = 3, max = 10 }

  pipeline = var.pipeline
  labels   = { environment = "prod" }
}
