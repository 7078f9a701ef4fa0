locals {
  writers   = { for name, environment in var.environments : name => environment if environment.terraform == "write" }
  readers   = { for name, environment in var.environments : name => environment if environment.terraform == "read" }
  deployers = { for name, environment in var.environments : name => environment if environment.deploy }

  # What the modules make and change, by service. Acting as an account is granted at
  # that account, and IAM on the project only within the condition below.
  write_roles = [
    "roles/artifactregistry.admin",
    "roles/certificatemanager.owner",
    "roles/cloudsql.admin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/container.clusterAdmin",
    "roles/dns.admin",
    "roles/iam.serviceAccountAdmin",
    "roles/servicenetworking.networksAdmin",
    "roles/storage.admin",
  ]

  # What `terraform plan` reads.
  read_roles = [
    "roles/artifactregistry.reader",
    "roles/certificatemanager.viewer",
    "roles/cloudsql.viewer",
    "roles/compute.viewer",
    "roles/container.clusterViewer",
    "roles/dns.reader",
    "roles/iam.securityReviewer",
    "roles/storage.bucketViewer",
  ]

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
    expression  = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in sort(var.grantable_roles) : "'${role}'"])}])"
  }
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

# Whoever deploys finds the cluster and comes in by its DNS name. What it may do
# there is RBAC's, in one namespace.
resource "google_project_iam_custom_role" "deployer" {
  count = length(local.deployers) > 0 ? 1 : 0

  project     = var.project.id
  role_id     = "clusterDeployer"
  title       = "Cluster deployer"
  description = "Finds and reaches clusters; rights in them are RBAC's."
  permissions = ["container.clusters.connect", "container.clusters.get", "container.clusters.list"]
}

resource "google_project_iam_member" "deployer" {
  for_each = local.deployers

  project = var.project.id
  role    = google_project_iam_custom_role.deployer[0].name
  member  = local.principal_sets[each.key]
}
