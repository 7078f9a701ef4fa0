locals {
  # What an audit asks for, and what IAM needs. The names are PostgreSQL's.
  own_flags = {
    "cloudsql.iam_authentication" = "on"
    "max_connections"             = tostring(var.max_connections)
    "log_min_duration_statement"  = tostring(var.slow_query_ms)
    "cloudsql.enable_pgaudit"     = "on"
    "pgaudit.log"                 = "ddl,role"
    "log_connections"             = "on"
    "log_disconnections"          = "on"
    "log_checkpoints"             = "on"
    "log_lock_waits"              = "on"
    "log_temp_files"              = "0"
    "log_hostname"                = "off"
    "log_duration"                = "off"
    "log_min_messages"            = "warning"
    "log_min_error_statement"     = "error"
    "log_statement"               = "ddl"
  }
  flags = merge(local.own_flags, var.flags)
}

resource "google_sql_database_instance" "instance" {
  #checkov:skip=CKV_GCP_6:Encryption is required; a client's certificate is not, for that is a key. IAM's tokens say who it is.
  #checkov:skip=CKV_GCP_79:Which major version is a choice (postgres_version) among those that PostgreSQL supports.
  #checkov:skip=CKV_GCP_51:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_52:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_53:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_54:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_108:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_109:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_110:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV_GCP_111:The flags come from a map, which checkov does not look into; the module's tests do.
  #checkov:skip=CKV2_GCP_13:The flags come from a map, which checkov does not look into; the module's tests do.
  project             = var.project_id
  region              = var.region
  name                = var.name
  database_version    = "POSTGRES_${var.postgres_version}"
  encryption_key_name = var.kms_key

  # Terraform's own protection, and Google's below, which also holds in the console.
  deletion_protection = var.deletion_protection

  settings {
    tier                        = var.machine.tier
    edition                     = var.machine.edition
    availability_type           = var.high_availability ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = var.deletion_protection
    disk_type                   = "PD_SSD"
    disk_size                   = var.machine.disk_gb
    disk_autoresize             = true
    disk_autoresize_limit       = var.machine.disk_limit_gb
    user_labels                 = var.labels

    ip_configuration {
      ipv4_enabled    = false
      ssl_mode        = "ENCRYPTED_ONLY"
      server_ca_mode  = var.server_ca == "shared" ? "GOOGLE_MANAGED_CAS_CA" : "GOOGLE_MANAGED_INTERNAL_CA"
      private_network = one(var.access.psa[*].network)

      allocated_ip_range                            = one(var.access.psa[*].range)
      enable_private_path_for_google_cloud_services = var.access.psa != null

      dynamic "psc_config" {
        for_each = var.access.psc[*]
        content {
          psc_enabled               = true
          allowed_consumer_projects = distinct(concat([var.project_id], psc_config.value.consumer_projects))
        }
      }
    }

    backup_configuration {
      enabled                        = true
      start_time                     = var.backups.start_time
      location                       = coalesce(var.backups.location, var.region)
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = var.backups.recovery_days

      backup_retention_settings {
        retained_backups = var.backups.keep
        retention_unit   = "COUNT"
      }
    }

    final_backup_config {
      enabled        = var.backups.final_days > 0
      retention_days = var.backups.final_days > 0 ? var.backups.final_days : null
    }

    maintenance_window {
      day          = var.maintenance.day
      hour         = var.maintenance.hour
      update_track = var.maintenance.track
    }

    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      query_plans_per_minute  = 5
      record_application_tags = true
      record_client_address   = false
    }

    dynamic "database_flags" {
      for_each = local.flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    # The disk grows by itself: to shrink it back would replace the instance.
    ignore_changes = [settings[0].disk_size]
  }
}

resource "google_sql_database" "database" {
  project  = var.project_id
  instance = google_sql_database_instance.instance.name
  name     = var.database

  # PostgreSQL refuses to drop a database with sessions in it; it goes with the instance.
  deletion_policy = "ABANDON"
}
