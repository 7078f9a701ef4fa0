locals {
  # https://cloud.google.com/sql/docs/postgres/iam-conditions
  this_instance = "resource.name == 'projects/${var.project_id}/instances/${google_sql_database_instance.instance.name}' && resource.type == 'sqladmin.googleapis.com/Instance'"
}

# No password exists: the name is the account's without its ending, the secret is a
# token that lives for an hour.
resource "google_sql_user" "user" {
  for_each = var.users

  project        = var.project_id
  instance       = google_sql_database_instance.instance.name
  name           = trimsuffix(each.value.email, ".gserviceaccount.com")
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = length(each.value.roles) == 0 ? null : each.value.roles

  # PostgreSQL refuses to drop an owner of tables; the user goes with the instance.
  deletion_policy = "ABANDON"
}

resource "google_project_iam_member" "login" {
  for_each = var.users

  project = var.project_id
  role    = "roles/cloudsql.instanceUser"
  member  = "serviceAccount:${each.value.email}"

  condition {
    title       = "only ${var.name}"
    description = "Log in to this instance and no other."
    expression  = local.this_instance
  }
}

resource "google_project_iam_member" "connector" {
  for_each = { for key, user in var.users : key => user if user.connector }

  project = var.project_id
  role    = "roles/cloudsql.client"
  member  = "serviceAccount:${each.value.email}"

  condition {
    title       = "only ${var.name}"
    description = "Connect to this instance and no other."
    expression  = local.this_instance
  }
}
