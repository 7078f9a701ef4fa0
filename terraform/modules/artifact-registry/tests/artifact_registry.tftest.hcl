mock_provider "google" {}

variables {
  project_id = "demo-project"
  location   = "europe-west1"
  name       = "demo"
}

run "a_tag_means_the_same_for_ever" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.images.docker_config[0].immutable_tags
    error_message = "a tag can be moved to another image"
  }
  assert {
    condition     = output.url == "europe-west1-docker.pkg.dev/demo-project/demo"
    error_message = "images are looked for elsewhere"
  }
}

run "what_is_not_needed_is_deleted_and_what_a_rollback_needs_is_kept" {
  command = plan

  assert {
    condition = {
      for policy in google_artifact_registry_repository.images.cleanup_policies : policy.id => join(" ", compact([
        policy.action,
        try(policy.condition[0].tag_state, null),
        try(policy.condition[0].older_than, null),
        try(tostring(policy.most_recent_versions[0].keep_count), null),
      ]))
    } == { untagged = "DELETE UNTAGGED 15552000s", old = "DELETE TAGGED 15552000s", newest = "KEEP 300" }
    error_message = "other versions are deleted or kept"
  }
  assert {
    condition     = google_artifact_registry_repository.images.cleanup_policy_dry_run == false
    error_message = "nothing is deleted"
  }
}

run "readers_read_and_writers_write_this_repository_alone" {
  command = plan
  variables {
    readers = { nodes = "serviceAccount:demo-nodes@demo-project.iam.gserviceaccount.com" }
    writers = { pipeline = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.job/1-publish" }
  }

  assert {
    condition = [for grant in google_artifact_registry_repository_iam_member.reader : "${grant.repository} ${grant.role} ${grant.member}"] == [
      "demo roles/artifactregistry.reader serviceAccount:demo-nodes@demo-project.iam.gserviceaccount.com"
    ]
    error_message = "another principal reads, or reads more"
  }
  assert {
    condition = [for grant in google_artifact_registry_repository_iam_member.writer : "${grant.repository} ${grant.role} ${grant.member}"] == [
      "demo roles/artifactregistry.writer principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.job/1-publish"
    ]
    error_message = "somebody else writes, or may do more"
  }
}

run "no_one_is_let_in_unasked" {
  command = plan

  assert {
    condition     = length(google_artifact_registry_repository_iam_member.reader) + length(google_artifact_registry_repository_iam_member.writer) == 0
    error_message = "a grant that was not asked for"
  }
}

run "images_outlive_a_destroy_unless_that_is_wanted" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.images.deletion_policy == "PREVENT"
    error_message = "terraform destroy deletes every image"
  }
}

run "images_can_be_deleted" {
  command = plan
  variables {
    deletion_protection = false
    kms_key             = "projects/keys/locations/europe-west1/keyRings/demo/cryptoKeys/images"
  }

  assert {
    condition     = google_artifact_registry_repository.images.deletion_policy == "DELETE"
    error_message = "the switch does nothing"
  }
  assert {
    condition     = google_artifact_registry_repository.images.kms_key_name == "projects/keys/locations/europe-west1/keyRings/demo/cryptoKeys/images"
    error_message = "the key is not used"
  }
}

run "refuses_everybody_as_reader" {
  command = plan
  variables {
    readers = { all = "allUsers" }
  }
  expect_failures = [var.readers]
}

run "refuses_a_person_as_writer" {
  command = plan
  variables {
    writers = { me = "user:me@example.com" }
  }
  expect_failures = [var.writers]
}

run "refuses_a_zone" {
  command = plan
  variables {
    location = "europe-west1-b"
  }
  expect_failures = [var.location]
}

run "refuses_a_name_with_a_slash" {
  command = plan
  variables {
    name = "demo/app"
  }
  expect_failures = [var.name]
}

run "refuses_to_keep_too_little_for_a_rollback" {
  command = plan
  variables {
    cleanup = { keep_newest = 1 }
  }
  expect_failures = [var.cleanup]
}

run "refuses_to_delete_tagged_versions_before_untagged_ones" {
  command = plan
  variables {
    cleanup = { tagged_days = 7 }
  }
  expect_failures = [var.cleanup]
}

run "refuses_a_key_of_another_location" {
  command = plan
  variables {
    kms_key = "projects/demo-project/locations/us-east1/keyRings/r/cryptoKeys/k"
  }
  expect_failures = [var.kms_key]
}

run "refuses_half_a_day" {
  command = plan
  variables {
    cleanup = { untagged_days = 1.5 }
  }
  expect_failures = [var.cleanup]
}

run "refuses_a_label_with_capitals" {
  command = plan
  variables {
    labels = { Team = "sre" }
  }
  expect_failures = [var.labels]
}
