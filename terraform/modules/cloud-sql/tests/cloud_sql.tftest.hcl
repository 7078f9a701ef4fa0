mock_provider "google" {
  mock_resource "google_sql_database_instance" {
    defaults = {
      connection_name             = "demo-project:europe-west1:demo"
      dns_name                    = "1a23b4cd5e67.1a2b345c6d27.europe-west1.sql.goog."
      private_ip_address          = "10.16.0.3"
      psc_service_attachment_link = "projects/tenant/regions/europe-west1/serviceAttachments/demo"
      server_ca_cert = [
        { cert = "-----BEGIN CERTIFICATE-----\nOLD\n-----END CERTIFICATE-----\n", common_name = "Google Cloud SQL Server CA", create_time = "2026-01-01T00:00:00Z", expiration_time = "2036-01-01T00:00:00Z", sha1_fingerprint = "a1" },
        { cert = "-----BEGIN CERTIFICATE-----\nNEW\n-----END CERTIFICATE-----\n", common_name = "Google Cloud SQL Server CA", create_time = "2026-01-01T00:00:00Z", expiration_time = "2036-01-01T00:00:00Z", sha1_fingerprint = "b2" },
      ]
    }
  }
  mock_resource "google_compute_address" {
    defaults = { address = "10.0.0.5" }
  }
}

variables {
  project_id = "demo-project"
  region     = "europe-west1"
  name       = "demo"
  access = {
    psc = { network = "projects/demo-project/global/networks/demo", subnet = "projects/demo-project/regions/europe-west1/subnetworks/nodes" }
  }
  users = {
    app      = { email = "demo-app@demo-project.iam.gserviceaccount.com" }
    migrator = { email = "demo-app-migrator@demo-project.iam.gserviceaccount.com", roles = ["cloudsqlsuperuser"] }
  }
}

run "an_instance_is_private_and_encrypted" {
  command = plan

  assert {
    condition     = google_sql_database_instance.instance.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "the instance has a public address"
  }
  assert {
    condition     = google_sql_database_instance.instance.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "connections may be unencrypted"
  }
  assert {
    condition     = length(google_sql_database_instance.instance.settings[0].ip_configuration[0].authorized_networks) == 0
    error_message = "a network is authorized"
  }
}

run "iam_authentication_is_on_and_no_user_has_a_password" {
  command = plan

  assert {
    condition     = { for flag in google_sql_database_instance.instance.settings[0].database_flags : flag.name => flag.value }["cloudsql.iam_authentication"] == "on"
    error_message = "IAM authentication is off"
  }
  assert {
    condition     = google_sql_database_instance.instance.root_password == null && alltrue([for user in google_sql_user.user : user.password == null && user.type == "CLOUD_IAM_SERVICE_ACCOUNT"])
    error_message = "somebody has a password"
  }
}

run "users_are_named_as_postgres_knows_them_and_only_the_migrator_may_change_tables" {
  command = plan

  assert {
    condition     = { for key, user in google_sql_user.user : key => user.name } == { app = "demo-app@demo-project.iam", migrator = "demo-app-migrator@demo-project.iam" }
    error_message = "a user has another name"
  }
  assert {
    condition     = google_sql_user.user["app"].database_roles == null && google_sql_user.user["migrator"].database_roles == tolist(["cloudsqlsuperuser"])
    error_message = "the roles are not those that were asked for"
  }
}

run "users_may_log_in_to_this_instance_and_nothing_else" {
  command = plan

  assert {
    condition = toset([for grant in google_project_iam_member.login : "${grant.role} ${grant.member} ${grant.condition[0].expression}"]) == toset([
      for account in ["demo-app", "demo-app-migrator"] :
      "roles/cloudsql.instanceUser serviceAccount:${account}@demo-project.iam.gserviceaccount.com resource.name == 'projects/demo-project/instances/demo' && resource.type == 'sqladmin.googleapis.com/Instance'"
    ])
    error_message = "other grants than to log in to this instance"
  }
  assert {
    condition     = length(google_project_iam_member.connector) == 0
    error_message = "a grant for connectors that was not asked for"
  }
}

run "a_connector_is_granted_to_whom_uses_it" {
  command = plan
  variables {
    users = {
      app      = { email = "demo-app@demo-project.iam.gserviceaccount.com", connector = true }
      migrator = { email = "demo-app-migrator@demo-project.iam.gserviceaccount.com" }
    }
  }

  assert {
    condition     = keys(google_project_iam_member.connector) == ["app"] && google_project_iam_member.connector["app"].role == "roles/cloudsql.client" && strcontains(google_project_iam_member.connector["app"].condition[0].expression, "instances/demo'")
    error_message = "the grant is not to that account and for this instance"
  }
}

run "backups_and_every_moment_of_a_week_can_be_restored" {
  command = plan

  assert {
    condition = (
      google_sql_database_instance.instance.settings[0].backup_configuration[0].enabled
      && google_sql_database_instance.instance.settings[0].backup_configuration[0].point_in_time_recovery_enabled
      && google_sql_database_instance.instance.settings[0].backup_configuration[0].transaction_log_retention_days == 7
      && google_sql_database_instance.instance.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 14
      && google_sql_database_instance.instance.settings[0].backup_configuration[0].location == "europe-west1"
    )
    error_message = "backups are not as they should be"
  }
  assert {
    condition     = google_sql_database_instance.instance.settings[0].final_backup_config[0].enabled && google_sql_database_instance.instance.settings[0].final_backup_config[0].retention_days == 30
    error_message = "nothing is left of an instance that was deleted"
  }
}

run "deletion_is_refused_twice_by_default" {
  command = plan

  assert {
    condition     = google_sql_database_instance.instance.deletion_protection && google_sql_database_instance.instance.settings[0].deletion_protection_enabled
    error_message = "Terraform or the console can delete the instance"
  }
}

run "what_postgres_refuses_to_drop_goes_with_the_instance" {
  command = plan
  variables {
    deletion_protection = false
  }

  assert {
    condition     = google_sql_database.database.deletion_policy == "ABANDON" && alltrue([for user in google_sql_user.user : user.deletion_policy == "ABANDON"])
    error_message = "destroy would fail on a database with sessions or a user with tables"
  }
  assert {
    condition     = !google_sql_database_instance.instance.deletion_protection && !google_sql_database_instance.instance.settings[0].deletion_protection_enabled
    error_message = "the switch leaves one of the two protections on"
  }
}

run "an_endpoint_of_ones_own_is_the_way_in" {
  command = apply

  assert {
    condition     = one(google_sql_database_instance.instance.settings[0].ip_configuration[0].psc_config).psc_enabled && one(google_sql_database_instance.instance.settings[0].ip_configuration[0].psc_config).allowed_consumer_projects == toset(["demo-project"])
    error_message = "others may connect, or no one"
  }
  assert {
    condition     = google_sql_database_instance.instance.settings[0].ip_configuration[0].private_network == null
    error_message = "a peering is used too"
  }
  assert {
    condition     = google_compute_forwarding_rule.endpoint[0].target == "projects/tenant/regions/europe-west1/serviceAttachments/demo" && google_compute_forwarding_rule.endpoint[0].load_balancing_scheme == ""
    error_message = "the endpoint leads elsewhere"
  }
  assert {
    condition     = google_dns_record_set.endpoint[0].name == "1a23b4cd5e67.1a2b345c6d27.europe-west1.sql.goog." && google_dns_record_set.endpoint[0].rrdatas == tolist(["10.0.0.5"])
    error_message = "connectors do not find the endpoint by its name"
  }
  assert {
    condition     = output.host == "10.0.0.5" && output.port == 5432 && output.ip_type == "psc"
    error_message = "the address is not the endpoint's"
  }
}

run "a_peering_is_the_way_in_where_that_is_chosen" {
  command = apply
  variables {
    access = { psa = { network = "projects/demo-project/global/networks/demo", range = "demo-psa" } }
  }

  assert {
    condition     = google_sql_database_instance.instance.settings[0].ip_configuration[0].private_network == "projects/demo-project/global/networks/demo" && google_sql_database_instance.instance.settings[0].ip_configuration[0].allocated_ip_range == "demo-psa"
    error_message = "the instance is not in the peering's range"
  }
  assert {
    condition     = length(google_compute_forwarding_rule.endpoint) == 0 && length(google_compute_address.endpoint) == 0 && length(google_dns_managed_zone.endpoint) == 0 && length(google_sql_database_instance.instance.settings[0].ip_configuration[0].psc_config) == 0
    error_message = "an endpoint is made too"
  }
  assert {
    condition     = output.host == "10.16.0.3" && output.ip_type == "private"
    error_message = "the address is not the instance's"
  }
  assert {
    condition     = output.id == google_sql_database_instance.instance.id && output.self_link == google_sql_database_instance.instance.self_link
    error_message = "other resources would name another instance"
  }
}

run "the_server_can_be_verified_also_while_its_ca_is_rotated" {
  command = apply

  assert {
    condition     = output.server_ca == "-----BEGIN CERTIFICATE-----\nOLD\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nNEW\n-----END CERTIFICATE-----"
    error_message = "not all CAs are handed out"
  }
  assert {
    condition     = google_sql_database_instance.instance.settings[0].ip_configuration[0].server_ca_mode == "GOOGLE_MANAGED_CAS_CA" && output.server_name == "1a23b4cd5e67.1a2b345c6d27.europe-west1.sql.goog"
    error_message = "the name is not the certificate's"
  }
}

run "an_instances_own_ca_has_no_dns_name" {
  command = apply
  variables {
    server_ca = "instance"
  }

  assert {
    condition     = google_sql_database_instance.instance.settings[0].ip_configuration[0].server_ca_mode == "GOOGLE_MANAGED_INTERNAL_CA" && output.server_name == ""
    error_message = "a name is given that the certificate does not have"
  }
}

run "flags_are_added_to_the_modules_own" {
  command = plan
  variables {
    flags           = { work_mem = "8192" }
    max_connections = 200
  }

  assert {
    condition     = { for flag in google_sql_database_instance.instance.settings[0].database_flags : flag.name => flag.value if contains(["work_mem", "max_connections"], flag.name) } == { work_mem = "8192", max_connections = "200" }
    error_message = "a flag is missing"
  }
  assert {
    condition     = output.max_connections == 200
    error_message = "the chart would divide another number"
  }
}

run "what_an_audit_asks_for_is_logged" {
  command = plan

  assert {
    condition = { for flag in google_sql_database_instance.instance.settings[0].database_flags : flag.name => flag.value } == {
      "cloudsql.iam_authentication" = "on"
      "cloudsql.enable_pgaudit"     = "on"
      "pgaudit.log"                 = "ddl,role"
      "max_connections"             = "100"
      "log_checkpoints"             = "on"
      "log_connections"             = "on"
      "log_disconnections"          = "on"
      "log_duration"                = "off"
      "log_hostname"                = "off"
      "log_lock_waits"              = "on"
      "log_min_duration_statement"  = "1000"
      "log_min_error_statement"     = "error"
      "log_min_messages"            = "warning"
      "log_statement"               = "ddl"
      "log_temp_files"              = "0"
    }
    error_message = "other flags are set"
  }
}

run "a_key_of_ones_own_is_used" {
  command = plan
  variables {
    kms_key = "projects/keys/locations/europe-west1/keyRings/demo/cryptoKeys/sql"
  }

  assert {
    condition     = google_sql_database_instance.instance.encryption_key_name == "projects/keys/locations/europe-west1/keyRings/demo/cryptoKeys/sql"
    error_message = "the key is not used"
  }
}

run "warns_of_a_protected_instance_that_a_zone_takes_down" {
  command = plan
  variables {
    high_availability = false
  }
  expect_failures = [check.a_protected_instance_survives_a_zone]
}

run "warns_of_an_instance_no_one_can_log_in_to" {
  command = plan
  variables {
    users = {}
  }
  expect_failures = [check.a_user_can_log_in]
}

run "refuses_no_way_in" {
  command = plan
  variables {
    access = {}
  }
  expect_failures = [var.access]
}

run "refuses_a_kubernetes_account_as_user" {
  command = plan
  variables {
    users = { app = { email = "demo/demo-app" } }
  }
  expect_failures = [var.users]
}

run "refuses_a_flag_that_would_turn_iam_off" {
  command = plan
  variables {
    flags = { "cloudsql.iam_authentication" = "off" }
  }
  expect_failures = [var.flags]
}

run "refuses_a_zone_as_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "refuses_a_name_with_an_underscore" {
  command = plan
  variables {
    name = "my_demo"
  }
  expect_failures = [var.name]
}

run "refuses_a_database_of_postgres_own" {
  command = plan
  variables {
    database = "postgres"
  }
  expect_failures = [var.database]
}

run "refuses_a_version_where_everybody_may_make_tables" {
  command = plan
  variables {
    postgres_version = 14
  }
  expect_failures = [var.postgres_version]
}

run "refuses_a_tier_of_another_edition" {
  command = plan
  variables {
    machine = { tier = "db-perf-optimized-N-2" }
  }
  expect_failures = [var.machine]
}

run "refuses_a_disk_that_would_have_to_shrink" {
  command = plan
  variables {
    machine = { disk_gb = 300 }
  }
  expect_failures = [var.machine]
}

run "refuses_more_days_of_recovery_than_the_edition_has" {
  command = plan
  variables {
    backups = { recovery_days = 14 }
  }
  expect_failures = [var.backups]
}

run "refuses_recovery_beyond_the_oldest_backup" {
  command = plan
  variables {
    backups = { keep = 3 }
  }
  expect_failures = [var.backups]
}

run "refuses_an_eighth_day" {
  command = plan
  variables {
    maintenance = { day = 8 }
  }
  expect_failures = [var.maintenance]
}

run "refuses_fewer_connections_than_cloud_sql_keeps" {
  command = plan
  variables {
    max_connections = 10
  }
  expect_failures = [var.max_connections]
}

run "refuses_another_ca" {
  command = plan
  variables {
    server_ca = "none"
  }
  expect_failures = [var.server_ca]
}

run "refuses_a_key_that_is_no_key" {
  command = plan
  variables {
    kms_key = "my-key"
  }
  expect_failures = [var.kms_key]
}

run "refuses_three_cpus" {
  command = plan
  variables {
    machine = { tier = "db-custom-3-7680" }
  }
  expect_failures = [var.machine]
}

run "refuses_more_memory_than_a_cpu_may_have" {
  command = plan
  variables {
    machine = { tier = "db-custom-1-7680" }
  }
  expect_failures = [var.machine]
}

run "refuses_a_flag_with_a_hyphen" {
  command = plan
  variables {
    flags = { "work-mem" = "4096" }
  }
  expect_failures = [var.flags]
}

run "refuses_a_range_as_address" {
  command = plan
  variables {
    access = { psc = { network = "projects/demo-project/global/networks/demo", subnet = "projects/demo-project/regions/europe-west1/subnetworks/nodes", address = "10.0.0.0/24" } }
  }
  expect_failures = [var.access]
}

run "refuses_a_consumer_by_its_number" {
  command = plan
  variables {
    access = { psc = { network = "projects/demo-project/global/networks/demo", subnet = "projects/demo-project/regions/europe-west1/subnetworks/nodes", consumer_projects = ["123456789012"] } }
  }
  expect_failures = [var.access]
}

run "refuses_backups_in_a_zone" {
  command = plan
  variables {
    backups = { location = "europe-west1-b" }
  }
  expect_failures = [var.backups]
}

run "refuses_a_key_of_another_region" {
  command = plan
  variables {
    kms_key = "projects/demo-project/locations/us-east1/keyRings/r/cryptoKeys/k"
  }
  expect_failures = [var.kms_key]
}

run "refuses_a_label_with_capitals" {
  command = plan
  variables {
    labels = { Team = "sre" }
  }
  expect_failures = [var.labels]
}
