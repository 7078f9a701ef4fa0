mock_provider "google" {
  source = "../../testing"
}

override_resource {
  target = module.identities.google_service_account.account["demo-app"]
  values = {
    name  = "projects/demo-project/serviceAccounts/demo-app@demo-project.iam.gserviceaccount.com"
    email = "demo-app@demo-project.iam.gserviceaccount.com"
  }
}

override_resource {
  target = module.identities.google_service_account.account["demo-app-migrator"]
  values = {
    name  = "projects/demo-project/serviceAccounts/demo-app-migrator@demo-project.iam.gserviceaccount.com"
    email = "demo-app-migrator@demo-project.iam.gserviceaccount.com"
  }
}

variables {
  project = { id = "demo-project", number = "123456789012" }
  region  = "europe-west1"
  name    = "demo"
  entry   = { hostname = "demo.example.com", zone = "example.com" }
}

# Not for all addresses: that of a peering is given.
override_resource {
  target = module.entry.google_compute_global_address.address
  values = { address = "203.0.113.7" }
}

run "the_chart_gets_what_iam_needs" {
  command = apply

  assert {
    condition = jsonencode(output.helm_values) == jsonencode({
      image          = { repository = "europe-west1-docker.pkg.dev/demo-project/demo/demo-app", tag = "" }
      serviceAccount = { name = "demo-app", annotations = { "iam.gke.io/gcp-service-account" = "demo-app@demo-project.iam.gserviceaccount.com" } }
      database = {
        mode                   = "iam"
        host                   = "10.0.0.5"
        port                   = 5432
        name                   = "demo"
        user                   = "demo-app@demo-project.iam"
        serverCa               = "-----BEGIN CERTIFICATE-----\nMOCK\n-----END CERTIFICATE-----"
        serverName             = "1a23b4cd5e67.1a2b345c6d27.europe-west1.sql.goog"
        maxConnections         = 10
        instanceMaxConnections = 100
        reservedConnections    = 10
      }
      migration = {
        enabled        = true
        serviceAccount = { name = "demo-app-migrator", annotations = { "iam.gke.io/gcp-service-account" = "demo-app-migrator@demo-project.iam.gserviceaccount.com" } }
        user           = "demo-app-migrator@demo-project.iam"
      }
      gateway       = { enabled = true, hostname = "demo.example.com", certificateMap = "demo", addressName = "demo", sslPolicy = "demo" }
      ingress       = { enabled = false, hostname = "", addressName = "", frontend = { sslPolicy = "" } }
      monitoring    = { flavor = "operator" }
      tracing       = { enabled = true, ratio = 0.1, clusterName = "demo" }
      autoscaling   = { by = "hpa", minReplicas = 2, maxReplicas = 6 }
      networkPolicy = { databaseCidrs = ["10.0.0.5/32"], googleApiCidrs = ["199.36.153.8/30"] }
    })
    error_message = "the values are others: ${jsonencode(output.helm_values)}"
  }
}

run "the_chart_gets_what_a_connector_and_an_ingress_need" {
  command = apply
  variables {
    database   = { mode = "connector", access = "psa" }
    entry      = { hostname = "demo.example.com", zone = "example.com", kind = "ingress" }
    monitoring = { flavor = "operator", logs_bucket = "demo-logs", traces_bucket = "demo-traces" }
  }

  assert {
    condition     = { for key, value in output.helm_values.database : key => tostring(value) if contains(["mode", "instance", "ipType", "host", "serverCa"], key) } == { mode = "connector", instance = "demo-project:europe-west1:demo", ipType = "private" }
    error_message = "the database's values are others: ${jsonencode(output.helm_values.database)}"
  }
  assert {
    condition     = jsonencode(output.helm_values.ingress) == jsonencode({ enabled = true, hostname = "demo.example.com", addressName = "demo", frontend = { sslPolicy = "demo" } }) && !output.helm_values.gateway.enabled
    error_message = "the way in is another: ${jsonencode(output.helm_values.ingress)}"
  }
  assert {
    condition     = output.helm_values.networkPolicy.databaseCidrs == ["10.16.0.3/32"] && output.helm_values.monitoring.flavor == "operator"
    error_message = "the policy or the flavour are others"
  }
  assert {
    condition     = output.buckets == { loki = "demo-logs", tempo = "demo-traces" }
    error_message = "the stack would write elsewhere"
  }
  assert {
    condition     = jsondecode(output.stack_values["loki"]).loki.storage.bucketNames.chunks == "demo-logs" && jsondecode(output.stack_values["tempo"]).tempo.storage.trace.gcs.bucket_name == "demo-traces"
    error_message = "the buckets are paid for and not used"
  }
}

run "the_flavour_says_the_profile_and_where_prometheus_answers" {
  command = apply
  variables {
    monitoring = { flavor = "gmp" }
  }

  assert {
    condition     = output.profile == "gmp" && output.prometheus == { namespace = "observability", service = "frontend" }
    error_message = "another stack would be installed, or the gate would ask elsewhere"
  }
  assert {
    condition     = toset(keys(module.observability.members)) == toset(["frontend", "metrics-adapter"])
    error_message = "Grafana or autoscalers would read no metrics"
  }
}

run "external_dns_and_keda_get_what_they_need" {
  command = apply
  variables {
    entry   = { hostname = "demo.example.com", zone = "example.com", external_dns = true }
    scaling = { by_queue = true }
  }

  assert {
    condition     = jsondecode(output.stack_values["external-dns"]) == { txtOwnerId = "demo", domainFilters = ["example.com"] }
    error_message = "two clusters would own the same records"
  }
  assert {
    condition     = length(module.observability.members) == 2
    error_message = "an account has no right"
  }
}

run "refuses_more_pods_than_the_database_has_connections_for" {
  command = plan
  variables {
    scaling = { max = 9 }
  }
  expect_failures = [var.scaling]
}

run "refuses_no_pod" {
  command = plan
  variables {
    scaling = { min = 0 }
  }
  expect_failures = [var.scaling]
}

run "refuses_more_traces_than_there_are" {
  command = plan
  variables {
    tracing = { ratio = 2 }
  }
  expect_failures = [var.tracing]
}

run "the_standard_cluster_stands_in_for_autopilot" {
  command = apply
  variables {
    cluster = { kind = "standard" }
  }

  assert {
    condition     = length(module.autopilot) == 0 && output.cluster.name == "demo"
    error_message = "both clusters are made, or none"
  }
  assert {
    condition     = output.cluster.credentials_command == "gcloud container clusters get-credentials demo --project demo-project --location europe-west1 --dns-endpoint"
    error_message = "kubectl would look elsewhere"
  }
}

run "external_dns_makes_the_record_instead" {
  command = apply
  variables {
    entry = { hostname = "demo.example.com", zone = "example.com", external_dns = true }
  }

  assert {
    condition     = output.address == "203.0.113.7"
    error_message = "the address is missing"
  }
}

run "refuses_a_password" {
  command = plan
  variables {
    database = { mode = "password" }
  }
  expect_failures = [var.database]
}

run "refuses_a_pool_that_the_instance_can_not_grant_one_pod" {
  command = plan
  variables {
    database = { pool = 95 }
  }
  expect_failures = [var.database]
}

run "refuses_another_way_to_the_database" {
  command = plan
  variables {
    database = { access = "public" }
  }
  expect_failures = [var.database]
}

run "refuses_one_account_for_both" {
  command = plan
  variables {
    workload = { migrator = "demo-app" }
  }
  expect_failures = [var.workload]
}

run "refuses_another_kind_of_cluster" {
  command = plan
  variables {
    cluster = { kind = "nomad" }
  }
  expect_failures = [var.cluster]
}

run "refuses_another_way_in" {
  command = plan
  variables {
    entry = { hostname = "demo.example.com", zone = "example.com", kind = "nodeport" }
  }
  expect_failures = [var.entry]
}

run "refuses_another_flavour" {
  command = plan
  variables {
    monitoring = { flavor = "datadog" }
  }
  expect_failures = [var.monitoring]
}

run "refuses_a_project_number_as_id" {
  command = plan
  variables {
    project = { id = "123456789012", number = "123456789012" }
  }
  expect_failures = [var.project]
}

run "refuses_a_zone_as_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "refuses_a_name_too_long" {
  command = plan
  variables {
    name = "an-environment-with-a-long-name"
  }
  expect_failures = [var.name]
}

run "refuses_a_label_with_capitals" {
  command = plan
  variables {
    labels = { Team = "sre" }
  }
  expect_failures = [var.labels]
}
