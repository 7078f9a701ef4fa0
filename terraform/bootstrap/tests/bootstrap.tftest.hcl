mock_provider "google" {
  mock_resource "google_project_iam_custom_role" {
    defaults = { name = "projects/demo-project/roles/clusterDeployer" }
  }
}

variables {
  project = { id = "demo-project", number = "123456789012" }
  state   = { bucket = "demo-project-state", location = "europe-west1" }
  github  = { repository_id = "42", owner_id = "7" }
  environments = {
    plan    = { refs = ["refs/heads/main", "refs/pull/*"], terraform = "read", state_prefix = "environments/dev" }
    dev     = { refs = ["refs/heads/main"], terraform = "write", state_prefix = "environments/dev", accounts = ["demo-dev-nodes", "demo-app", "demo-app-migrator"], deploy = true }
    publish = { refs = ["refs/heads/main", "refs/tags/v*"] }
  }
}

run "state_is_kept_private_and_in_versions" {
  command = plan

  assert {
    condition = (
      google_storage_bucket.state.versioning[0].enabled
      && google_storage_bucket.state.uniform_bucket_level_access
      && google_storage_bucket.state.public_access_prevention == "enforced"
      && !google_storage_bucket.state.force_destroy
      && google_storage_bucket.state.deletion_policy == "PREVENT"
      && google_storage_bucket.state.soft_delete_policy[0].retention_duration_seconds == 2592000
    )
    error_message = "state can be lost or read by others"
  }
  assert {
    condition     = one(google_storage_bucket.state.lifecycle_rule[0].condition).num_newer_versions == 50 && one(google_storage_bucket.state.lifecycle_rule[0].condition).days_since_noncurrent_time == 90
    error_message = "old versions go too early"
  }
}

run "only_jobs_of_the_repository_in_an_environment_from_its_refs_get_a_token" {
  command = plan

  assert {
    condition = google_iam_workload_identity_pool_provider.github.attribute_condition == join(" && ", [
      "assertion.repository_id == '42'",
      "assertion.repository_owner_id == '7'",
      "assertion.event_name != 'pull_request_target'",
      "((assertion.environment == 'dev' && (assertion.ref == 'refs/heads/main')) || (assertion.environment == 'plan' && (assertion.ref == 'refs/heads/main' || assertion.ref.startsWith('refs/pull/'))) || (assertion.environment == 'publish' && (assertion.ref == 'refs/heads/main' || assertion.ref.startsWith('refs/tags/v'))))",
    ])
    error_message = "others get a token"
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github.oidc[0].issuer_uri == "https://token.actions.githubusercontent.com"
    error_message = "others than GitHub are believed"
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_mapping["attribute.job"] == "assertion.repository_id + '-' + assertion.environment"
    error_message = "jobs are told apart by something else"
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github.attribute_mapping["google.subject"] == "assertion.repository_id + '-' + assertion.environment" && output.deployers == { dev = "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/subject/42-dev" }
    error_message = "a cluster would know the job by another name than its rights are given to"
  }
  assert {
    condition     = output.principal_sets["publish"] == "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/attribute.job/42-publish"
    error_message = "rights would be granted to other jobs"
  }
}

run "who_applies_may_change_what_the_modules_make_and_nothing_else" {
  command = plan

  assert {
    condition = toset([for grant in google_project_iam_member.terraform : "${grant.role} ${reverse(split("/", grant.member))[0]}"]) == toset(concat(
      [for role in ["artifactregistry.admin", "certificatemanager.owner", "cloudsql.admin", "compute.networkAdmin", "compute.securityAdmin", "container.clusterAdmin", "dns.admin", "servicenetworking.networksAdmin"] : "roles/${role} 42-dev"],
      [for role in ["artifactregistry.reader", "certificatemanager.viewer", "cloudsql.viewer", "compute.viewer", "dns.reader", "iam.securityReviewer", "storage.bucketViewer"] : "roles/${role} 42-plan"],
    ))
    error_message = "other rights, or to other jobs"
  }
}

run "who_plans_reads_clusters_and_does_not_reach_them" {
  command = plan

  assert {
    condition     = google_project_iam_custom_role.cluster_reader[0].permissions == toset(["container.clusters.get", "container.clusters.list", "container.operations.get", "container.operations.list"])
    error_message = "a pull request's plan can connect to a cluster, or cannot read it"
  }
  assert {
    condition     = [for grant in google_project_iam_member.cluster_reader : reverse(split("/", grant.member))[0]] == ["42-plan"]
    error_message = "other jobs, or none, read clusters"
  }
}

run "who_applies_can_not_grant_itself_more" {
  command = plan

  assert {
    condition     = keys(google_project_iam_member.grantor) == ["dev"] && google_project_iam_member.grantor["dev"].role == "roles/resourcemanager.projectIamAdmin"
    error_message = "others grant roles"
  }
  assert {
    condition     = google_project_iam_member.grantor["dev"].condition[0].expression == "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/cloudsql.client', 'roles/cloudsql.instanceUser', 'roles/cloudtrace.agent', 'roles/cloudtrace.user', 'roles/container.defaultNodeServiceAccount', 'roles/dns.reader', 'roles/logging.logWriter', 'roles/logging.viewer', 'roles/monitoring.metricWriter', 'roles/monitoring.viewer', 'projects/demo-project/roles/recordWriter'])"
    error_message = "other roles can be granted"
  }
}

run "who_applies_makes_buckets_and_sees_no_other_state" {
  command = plan

  assert {
    condition     = google_project_iam_member.buckets["dev"].condition[0].expression == "!resource.name.startsWith('projects/_/buckets/demo-project-state')"
    error_message = "every state can be read, changed and deleted"
  }
  assert {
    condition     = !contains(google_project_iam_custom_role.buckets[0].permissions, "storage.objects.get") && !contains(google_project_iam_custom_role.buckets[0].permissions, "storage.objects.update")
    error_message = "objects can be read"
  }
}

run "who_applies_sets_the_policy_of_its_accounts_and_of_no_other" {
  command = apply

  assert {
    condition     = toset([for account in google_service_account.environment : account.account_id]) == toset(["demo-app", "demo-app-migrator", "demo-dev-nodes"])
    error_message = "an account of the environment is missing, and its pipeline may not make it"
  }
  assert {
    condition     = google_project_iam_custom_role.accounts[0].permissions == toset(["iam.serviceAccounts.get", "iam.serviceAccounts.getIamPolicy", "iam.serviceAccounts.setIamPolicy"])
    error_message = "more than the policy can be changed"
  }
  assert {
    condition = { for key, grant in google_service_account_iam_member.accounts : key => "${grant.service_account_id} ${reverse(split("/", grant.member))[0]}" } == {
      for account in ["demo-app", "demo-app-migrator", "demo-dev-nodes"] : "dev ${account}" => "projects/demo-project/serviceAccounts/${account}@demo-project.iam.gserviceaccount.com 42-dev"
    }
    error_message = "the policy of another account can be set, or by another job"
  }
}

run "refuses_to_apply_without_accounts" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/main"], terraform = "write", state_prefix = "environments/dev" } }
  }
  expect_failures = [var.environments]
}

run "refuses_accounts_of_an_environment_that_applies_nothing" {
  command = plan
  variables {
    environments = { publish = { refs = ["refs/heads/main"], accounts = ["demo-app"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_an_account_by_its_address" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/main"], terraform = "write", state_prefix = "environments/dev", accounts = ["demo-app@demo-project.iam.gserviceaccount.com"] } }
  }
  expect_failures = [var.environments]
}

run "no_account_of_googles_is_an_editor" {
  command = plan

  assert {
    condition     = google_project_default_service_accounts.deprivileged.action == "DEPRIVILEGE"
    error_message = "a machine that is made by hand is an editor"
  }
}

run "github_gets_its_variables" {
  command = apply

  assert {
    condition     = output.github["dev"].variables.STATE_BUCKET == "demo-project-state" && !contains(keys(output.github["publish"].variables), "STATE_BUCKET") && output.github["plan"].refs == tolist(["refs/heads/main", "refs/pull/*"])
    error_message = "an environment lacks a variable, or has one that it may not use"
  }
}

run "endpoints_can_register" {
  command = plan

  assert {
    condition     = contains(keys(google_project_service.service), "servicedirectory.googleapis.com")
    error_message = "an endpoint of Private Service Connect is refused"
  }
}

run "refuses_two_environments_in_a_project" {
  command = plan
  variables {
    environments = {
      dev  = { refs = ["refs/heads/main"], terraform = "write", state_prefix = "environments/dev", accounts = ["demo-nodes"] }
      prod = { refs = ["refs/heads/main"], terraform = "write", state_prefix = "environments/prod", accounts = ["demo-nodes"] }
    }
  }
  expect_failures = [var.environments]
}

run "each_environment_sees_its_own_state" {
  command = plan

  assert {
    condition = { for key, grant in google_storage_bucket_iam_member.state : key => "${grant.role} ${grant.condition[0].expression}" } == {
      dev  = "roles/storage.objectUser resource.type == 'storage.googleapis.com/Bucket' || resource.name.startsWith('projects/_/buckets/demo-project-state/objects/environments/dev/')"
      plan = "roles/storage.objectViewer resource.type == 'storage.googleapis.com/Bucket' || resource.name.startsWith('projects/_/buckets/demo-project-state/objects/environments/dev/')"
    }
    error_message = "an environment sees other states, or writes where it should read"
  }
  assert {
    condition     = output.backends["dev"].bucket == "demo-project-state" && output.backends["dev"].prefix == "environments/dev"
    error_message = "the backend would be another one"
  }
}

run "who_deploys_reaches_clusters_and_has_no_rights_in_them_by_iam" {
  command = apply

  assert {
    condition     = google_project_iam_custom_role.deployer[0].permissions == toset(["container.clusters.connect", "container.clusters.get", "container.clusters.list"])
    error_message = "a job that deploys may do more by IAM"
  }
  assert {
    condition     = [for grant in google_project_iam_member.deployer : "${grant.role} ${reverse(split("/", grant.member))[0]}"] == ["projects/demo-project/roles/clusterDeployer 42-dev"]
    error_message = "others reach clusters"
  }
}

run "services_stay_on_and_looks_at_state_are_logged" {
  command = plan

  assert {
    condition     = alltrue([for service in google_project_service.service : !service.disable_on_destroy]) && contains(keys(google_project_service.service), "sts.googleapis.com")
    error_message = "destroying this turns services off under what runs"
  }
  assert {
    condition     = contains(keys(google_project_iam_audit_config.audit), "storage.googleapis.com")
    error_message = "no log says who read the state"
  }
}

run "refuses_a_repository_by_name" {
  command = plan
  variables {
    github = { repository_id = "owner/name", owner_id = "owner" }
  }
  expect_failures = [var.github]
}

run "refuses_any_ref" {
  command = plan
  variables {
    environments = { dev = { refs = ["*"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_any_branch" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/*"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_to_apply_from_refs_by_their_beginning" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/release-*"], terraform = "write", state_prefix = "environments/dev", accounts = ["demo-nodes"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_to_apply_a_pull_request" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/main", "refs/pull/*"], terraform = "write", state_prefix = "environments/dev", accounts = ["demo-nodes"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_to_deploy_a_pull_request" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/pull/*"], terraform = "read", state_prefix = "environments/dev", deploy = true } }
  }
  expect_failures = [var.environments]
}

# What else is granted to an environment is granted elsewhere, where its refs are not seen.
run "refuses_a_pull_request_where_nothing_is_planned" {
  command = plan
  variables {
    environments = { publish = { refs = ["refs/pull/*"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_one_pull_request" {
  command = plan
  variables {
    environments = { plan = { refs = ["refs/pull/7/merge"], terraform = "read", state_prefix = "environments/dev" } }
  }
  expect_failures = [var.environments]
}

run "refuses_terraform_without_a_place_for_its_state" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/main"], terraform = "write", accounts = ["demo-nodes"] } }
  }
  expect_failures = [var.environments]
}

run "refuses_another_kind_of_terraform" {
  command = plan
  variables {
    environments = { dev = { refs = ["refs/heads/main"], terraform = "admin", state_prefix = "environments/dev" } }
  }
  expect_failures = [var.environments]
}

run "refuses_no_environment" {
  command = plan
  variables {
    environments = {}
  }
  expect_failures = [var.environments]
}

run "refuses_to_let_owner_be_granted" {
  command = plan
  variables {
    grantable_roles = ["roles/owner"]
  }
  expect_failures = [var.grantable_roles]
}

run "refuses_a_number_as_id" {
  command = plan
  variables {
    project = { id = "123456789012", number = "123456789012" }
  }
  expect_failures = [var.project]
}

run "refuses_a_bucket_with_capitals" {
  command = plan
  variables {
    state = { bucket = "State", location = "europe-west1" }
  }
  expect_failures = [var.state]
}

run "refuses_to_keep_one_version" {
  command = plan
  variables {
    state = { bucket = "demo-project-state", location = "europe-west1", keep_versions = 1 }
  }
  expect_failures = [var.state]
}

run "refuses_a_service_by_its_short_name" {
  command = plan
  variables {
    services = ["compute"]
  }
  expect_failures = [var.services]
}
