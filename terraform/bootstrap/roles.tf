locals {
  writers   = { for name, environment in var.environments : name => environment if environment.terraform == "write" }
  readers   = { for name, environment in var.environments : name => environment if environment.terraform == "read" }
  deployers = { for name, environment in var.environments : name => environment if environment.deploy }

  # What the modules make and change, by service. Accounts are made here and their policies
  # granted at each; IAM on the project only within the condition below.
  write_roles = [
    "roles/artifactregistry.admin",
    "roles/certificatemanager.owner",
    "roles/cloudsql.admin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/container.clusterAdmin",
    "roles/dns.admin",
    "roles/servicenetworking.networksAdmin",
  ]

  # What `terraform plan` reads.
  read_roles = [
    "roles/artifactregistry.reader",
    "roles/certificatemanager.viewer",
    "roles/cloudsql.viewer",
    "roles/compute.viewer",
    "roles/dns.reader",
    "roles/iam.securityReviewer",
    "roles/storage.bucketViewer",
  ]

  accounts = merge([
    for name, environment in local.writers : { for account in environment.accounts : "${name} ${account}" => { environment = name, account = account } }
  ]...)

  # Known before it is made.
  records_role = "projects/${var.project.id}/roles/recordWriter"

  grants = merge(
    { for pair in setproduct(keys(local.writers), local.write_roles) : "${pair[0]} ${pair[1]}" => { environment = pair[0], role = pair[1] } },
    { for pair in setproduct(keys(local.readers), local.read_roles) : "${pair[0]} ${pair[1]}" => { environment = pair[0], role = pair[1] } },
  )
}

resource "google_project_iam_member" "terraform" {
  for_each = local.grants

  project = var.project.id
  role    = each.value.role
  member  = local.principal_sets[each.value.environment]
}

# Terraform grants roles, but only those on the list: not to itself what it lacks.
# https://cloud.google.com/iam/docs/setting-limits-on-granting-roles
resource "google_project_iam_member" "grantor" {
  for_each = local.writers

  project = var.project.id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = local.principal_sets[each.key]

  condition {
    title       = "only listed roles"
    description = "Grants and revokes the listed roles and no others."
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in concat(sort(var.grantable_roles), [local.records_role]) : "'${role}'"])}])"
  }
}

# Google's smallest role that finds clusters, roles/container.clusterViewer, also reaches
# their API servers. A plan of a pull request has no business there.
resource "google_project_iam_custom_role" "cluster_reader" {
  count = length(local.readers) > 0 ? 1 : 0

  project     = var.project.id
  role_id     = "clusterReader"
  title       = "Cluster reader"
  description = "Reads how clusters are set up, and does not reach them."
  permissions = ["container.clusters.get", "container.clusters.list", "container.operations.get", "container.operations.list"]

  depends_on = [google_project_service.service]
}

resource "google_project_iam_member" "cluster_reader" {
  for_each = local.readers

  project = var.project.id
  role    = google_project_iam_custom_role.cluster_reader[0].name
  member  = local.principal_sets[each.key]
}

# Buckets of logs and traces, and never the states': roles/storage.admin would read, change
# and delete every state, whatever the condition below says.
resource "google_project_iam_custom_role" "buckets" {
  count = length(local.writers) > 0 ? 1 : 0

  project     = var.project.id
  role_id     = "bucketMaker"
  title       = "Bucket maker"
  description = "Makes, changes and empties buckets."
  permissions = [
    "storage.buckets.create",
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.list",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "storage.objects.delete",
    "storage.objects.list",
  ]

  depends_on = [google_project_service.service]
}

resource "google_project_iam_member" "buckets" {
  for_each = local.writers

  project = var.project.id
  role    = google_project_iam_custom_role.buckets[0].name
  member  = local.principal_sets[each.key]

  condition {
    title       = "not the states"
    description = "Every bucket but ${google_storage_bucket.state.name}."
    expression  = "!resource.name.startsWith('projects/_/buckets/${google_storage_bucket.state.name}')"
  }
}

# For external-dns. Google's smallest role that changes records, roles/dns.admin, also
# deletes zones.
resource "google_project_iam_custom_role" "records" {
  project     = var.project.id
  role_id     = "recordWriter"
  title       = "Record writer"
  description = "Finds zones and changes their records."
  permissions = [
    "dns.changes.create",
    "dns.changes.get",
    "dns.changes.list",
    "dns.managedZones.get",
    "dns.managedZones.list",
    "dns.resourceRecordSets.create",
    "dns.resourceRecordSets.delete",
    "dns.resourceRecordSets.get",
    "dns.resourceRecordSets.list",
    "dns.resourceRecordSets.update",
  ]

  depends_on = [google_project_service.service]
}

# Each environment sees its own state. The bucket itself is listed, its objects are not.
resource "google_storage_bucket_iam_member" "state" {
  for_each = merge(local.writers, local.readers)

  bucket = google_storage_bucket.state.name
  role   = each.value.terraform == "write" ? "roles/storage.objectUser" : "roles/storage.objectViewer"
  member = local.principal_sets[each.key]

  condition {
    title       = "only ${each.key}"
    description = "State below ${each.value.state_prefix}."
    expression  = "resource.type == 'storage.googleapis.com/Bucket' || resource.name.startsWith('projects/_/buckets/${google_storage_bucket.state.name}/objects/${each.value.state_prefix}/')"
  }
}

# The accounts of an environment. roles/iam.serviceAccountAdmin on the project would set the
# policy of every account in it, and so become any; its pipeline gets only these.
resource "google_service_account" "environment" {
  for_each = local.accounts

  project      = var.project.id
  account_id   = each.value.account
  display_name = each.value.account
  description  = "Of environment ${each.value.environment}."

  depends_on = [google_project_service.service]
}

resource "google_project_iam_custom_role" "accounts" {
  count = length(local.accounts) > 0 ? 1 : 0

  project     = var.project.id
  role_id     = "accountPolicyWriter"
  title       = "Account policy writer"
  description = "Sets who uses a service account, at which it is granted."
  permissions = ["iam.serviceAccounts.get", "iam.serviceAccounts.getIamPolicy", "iam.serviceAccounts.setIamPolicy"]

  depends_on = [google_project_service.service]
}

resource "google_service_account_iam_member" "accounts" {
  for_each = local.accounts

  service_account_id = "projects/${var.project.id}/serviceAccounts/${each.value.account}@${var.project.id}.iam.gserviceaccount.com"
  role               = google_project_iam_custom_role.accounts[0].name
  member             = local.principal_sets[each.value.environment]

  depends_on = [google_service_account.environment]
}

# A job that deploys finds the cluster and comes in by its DNS name. What it may do
# there is RBAC's, in one namespace.
resource "google_project_iam_custom_role" "deployer" {
  count = length(local.deployers) > 0 ? 1 : 0

  project     = var.project.id
  role_id     = "clusterDeployer"
  title       = "Cluster deployer"
  description = "Finds and reaches clusters; rights in them are RBAC's."
  permissions = ["container.clusters.connect", "container.clusters.get", "container.clusters.list"]

  depends_on = [google_project_service.service]
}

resource "google_project_iam_member" "deployer" {
  for_each = local.deployers

  project = var.project.id
  role    = google_project_iam_custom_role.deployer[0].name
  member  = local.principal_sets[each.key]
}
