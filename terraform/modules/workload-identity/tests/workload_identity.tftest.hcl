mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name  = "projects/demo-project/serviceAccounts/demo-app@demo-project.iam.gserviceaccount.com"
      email = "demo-app@demo-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project   = { id = "demo-project", number = "123456789012" }
  namespace = "demo"
}

run "rights_go_to_the_kubernetes_account_itself" {
  command = apply
  variables {
    workloads = { collector = { namespace = "observability", roles = ["roles/monitoring.metricWriter", "roles/cloudtrace.agent"] } }
  }

  assert {
    condition = toset([for grant in google_project_iam_member.role : "${grant.role} ${grant.member}"]) == toset([
      for role in ["roles/monitoring.metricWriter", "roles/cloudtrace.agent"] :
      "${role} principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo-project.svc.id.goog/subject/ns/observability/sa/collector"
    ])
    error_message = "other rights, or to somebody else"
  }
  assert {
    condition     = length(google_service_account.account) == 0 && length(google_service_account_iam_member.impersonation) == 0
    error_message = "a Google account is made that was not asked for"
  }
  assert {
    condition     = length(output.service_accounts["collector"].annotations) == 0 && length(output.emails) == 0
    error_message = "an annotation is given that leads nowhere"
  }
}

run "a_google_account_is_impersonated_by_its_workload_alone" {
  command = apply
  variables {
    workloads = { demo-app = { google_account = true, roles = ["roles/cloudtrace.agent"] } }
  }

  assert {
    condition = {
      for key, grant in google_service_account_iam_member.impersonation : key => "${grant.role} ${grant.member}"
    } == { demo-app = "roles/iam.workloadIdentityUser principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/demo-project.svc.id.goog/subject/ns/demo/sa/demo-app" }
    error_message = "somebody else impersonates it, or with another role"
  }
  assert {
    condition     = [for grant in google_project_iam_member.role : "${grant.role} ${grant.member}"] == ["roles/cloudtrace.agent serviceAccount:demo-app@demo-project.iam.gserviceaccount.com"]
    error_message = "the rights are not the account's"
  }
  assert {
    condition     = output.service_accounts["demo-app"].annotations == tomap({ "iam.gke.io/gcp-service-account" = "demo-app@demo-project.iam.gserviceaccount.com" })
    error_message = "the chart would not know which account"
  }
  assert {
    condition     = output.members["demo-app"] == "serviceAccount:demo-app@demo-project.iam.gserviceaccount.com" && startswith(output.principals["demo-app"], "principal://")
    error_message = "rights would be granted to somebody else"
  }
}

run "a_google_account_can_be_there_already" {
  command = plan
  variables {
    create_accounts = false
    workloads       = { demo-app = { google_account = true, roles = ["roles/cloudtrace.agent"] }, collector = {} }
  }

  assert {
    condition     = length(google_service_account.account) == 0 && output.emails == { demo-app = "demo-app@demo-project.iam.gserviceaccount.com" }
    error_message = "an account is made that is there already, or another one is used"
  }
  assert {
    condition     = google_service_account_iam_member.impersonation["demo-app"].service_account_id == "projects/demo-project/serviceAccounts/demo-app@demo-project.iam.gserviceaccount.com" && length(google_service_account_iam_member.impersonation) == 1
    error_message = "another account is impersonated"
  }
  assert {
    condition     = google_project_iam_member.role["demo-app roles/cloudtrace.agent"].member == "serviceAccount:demo-app@demo-project.iam.gserviceaccount.com"
    error_message = "the rights are not the account's"
  }
}

run "without_roles_nothing_is_granted" {
  command = plan
  variables {
    workloads = { demo-app = { google_account = true } }
  }

  assert {
    condition     = length(google_project_iam_member.role) == 0
    error_message = "rights that was not asked for"
  }
}

run "refuses_basic_roles" {
  command = plan
  variables {
    workloads = { demo-app = { roles = ["roles/editor"] } }
  }
  expect_failures = [var.workloads]
}

run "refuses_a_role_without_its_prefix" {
  command = plan
  variables {
    workloads = { demo-app = { roles = ["monitoring.metricWriter"] } }
  }
  expect_failures = [var.workloads]
}

run "refuses_a_name_that_is_no_google_account" {
  command = plan
  variables {
    workloads = { demo = { google_account = true } }
  }
  expect_failures = [var.workloads]
}

run "refuses_a_name_that_kubernetes_refuses" {
  command = plan
  variables {
    workloads = { demo_app = {} }
  }
  expect_failures = [var.workloads]
}

run "refuses_a_project_id_as_number" {
  command = plan
  variables {
    project   = { id = "demo-project", number = "demo-project" }
    workloads = {}
  }
  expect_failures = [var.project]
}

run "refuses_a_project_number_as_id" {
  command = plan
  variables {
    project   = { id = "123456789012", number = "123456789012" }
    workloads = {}
  }
  expect_failures = [var.project]
}

run "refuses_a_namespace_with_capitals" {
  command = plan
  variables {
    namespace = "Demo"
    workloads = {}
  }
  expect_failures = [var.namespace]
}

run "refuses_a_workloads_namespace_with_capitals" {
  command = plan
  variables {
    workloads = { demo-app = { namespace = "Demo" } }
  }
  expect_failures = [var.workloads]
}

run "refuses_a_description_that_google_would_cut" {
  command = plan
  variables {
    workloads = { demo-app = { google_account = true, description = join("", [for _ in range(257) : "a"]) } }
  }
  expect_failures = [var.workloads]
}
