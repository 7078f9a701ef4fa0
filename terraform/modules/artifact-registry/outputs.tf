output "id" {
  description = "The repository, as `projects/PROJECT/locations/LOCATION/repositories/NAME`."
  value       = google_artifact_registry_repository.images.id
}

output "url" {
  description = "Where images are pushed and pulled, without their name."
  # Not read from the repository, so that it is known before that is there.
  value = "${var.location}-docker.pkg.dev/${var.project_id}/${var.name}"
}
