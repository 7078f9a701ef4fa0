mock_provider "google" {}

variables {
  project  = { id = "demo-project", number = "123456789012" }
  location = "europe-west1"
}

run "who_reads_metrics_reads_metrics_alone" {
  command = plan
  variables {
    readers = { grafana = ["metrics"] }
    writers = { alloy = ["traces", "logs", "metrics"] }
  }

  assert {
    condition = toset([for grant in google_project_iam_member.signal : "${grant.role} ${trimprefix(grant.member, "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo-project.svc.id.goog/subject/")}"]) == toset([
      "roles/monitoring.viewer ns/observability/sa/grafana",
      "roles/monitoring.metricWriter ns/observability/sa/alloy",
      "roles/logging.logWriter ns/observability/sa/alloy",
      "roles/cloudtrace.agent ns/observability/sa/alloy",
    ])
    error_message = "other rights, or to somebody else"
  }
}

run "a_bucket_is_private_and_its_account_writes_no_other" {
  command = plan
  variables {
    stores = { loki = { bucket = "demo-logs" }, tempo = { bucket = "demo-traces", days = 7 } }
  }

  assert {
    condition     = alltrue([for bucket in google_storage_bucket.store : bucket.uniform_bucket_level_access && bucket.public_access_prevention == "enforced" && !bucket.force_destroy])
    error_message = "a bucket can be made public, or goes with everything in it"
  }
  assert {
    condition     = { for account, bucket in google_storage_bucket.store : account => one([for rule in bucket.lifecycle_rule : one(rule.condition).age if one(rule.action).type == "Delete"]) } == { loki = 30, tempo = 7 }
    error_message = "objects are kept for another time"
  }
  assert {
    condition = toset([for grant in google_storage_bucket_iam_member.store : "${grant.bucket} ${grant.role} ${reverse(split("/", grant.member))[0]}"]) == toset([
      "demo-logs roles/storage.objectUser loki", "demo-traces roles/storage.objectUser tempo"
    ])
    error_message = "somebody else writes a bucket, or may do more"
  }
  assert {
    condition     = output.buckets == { loki = "demo-logs", tempo = "demo-traces" }
    error_message = "the stack would write elsewhere"
  }
}

run "external_dns_changes_records_and_nothing_else" {
  command = plan
  variables {
    dns_writer = { role = "projects/demo-project/roles/recordWriter" }
  }

  assert {
    condition     = google_project_iam_member.dns_writer[0].role == "projects/demo-project/roles/recordWriter" && endswith(google_project_iam_member.dns_writer[0].member, "/ns/external-dns/sa/external-dns")
    error_message = "it may do more, or somebody else does"
  }
}

run "keda_reads_the_depth_of_queues" {
  command = plan
  variables {
    queue_readers = { keda-operator = "keda" }
  }

  assert {
    condition     = [for grant in google_project_iam_member.queue_reader : "${grant.role} ${reverse(split("/subject/", grant.member))[0]}"] == ["roles/monitoring.viewer ns/keda/sa/keda-operator"]
    error_message = "somebody else reads, or may do more"
  }
}

run "nothing_is_granted_unasked" {
  command = plan

  assert {
    condition     = length(google_project_iam_member.signal) + length(google_storage_bucket.store) + length(google_project_iam_member.dns_writer) + length(google_project_iam_member.queue_reader) == 0
    error_message = "something is made that was not asked for"
  }
}

run "refuses_a_signal_that_does_not_exist" {
  command = plan
  variables {
    readers = { grafana = ["profiles"] }
  }
  expect_failures = [var.readers]
}

run "refuses_to_write_a_signal_that_does_not_exist" {
  command = plan
  variables {
    writers = { alloy = ["everything"] }
  }
  expect_failures = [var.writers]
}

run "refuses_a_bucket_with_capitals" {
  command = plan
  variables {
    stores = { loki = { bucket = "Demo" } }
  }
  expect_failures = [var.stores]
}

run "refuses_to_keep_nothing" {
  command = plan
  variables {
    stores = { loki = { bucket = "demo-logs", days = 0 } }
  }
  expect_failures = [var.stores]
}

run "buckets_can_go_with_what_is_in_them" {
  command = plan
  variables {
    deletion_protection = false
    stores              = { loki = { bucket = "demo-project-logs", days = 30 } }
  }

  assert {
    condition     = google_storage_bucket.store["loki"].force_destroy
    error_message = "the switch does nothing"
  }
}

run "refuses_a_project_id_as_number" {
  command = plan
  variables {
    project = { id = "demo-project", number = "demo-project" }
  }
  expect_failures = [var.project]
}

run "refuses_a_zone_as_location" {
  command = plan
  variables {
    location = "europe-west1-b"
  }
  expect_failures = [var.location]
}

run "refuses_a_namespace_with_capitals" {
  command = plan
  variables {
    namespace = "Observability"
  }
  expect_failures = [var.namespace]
}

run "refuses_a_label_with_capitals" {
  command = plan
  variables {
    labels = { Team = "sre" }
  }
  expect_failures = [var.labels]
}
