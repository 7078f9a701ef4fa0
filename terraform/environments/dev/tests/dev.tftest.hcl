mock_provider "google" {
  source = "../../testing"
}

variables {
  project  = { id = "demo-dev-project", number = "123456789012" }
  region   = "europe-west1"
  hostname = "demo.dev.example.com"
  zone     = { domain = "dev.example.com" }
}

run "the_chart_gets_its_values" {
  command = apply

  assert {
    condition     = keys(output.helm_values) == ["autoscaling", "database", "gateway", "image", "ingress", "migration", "monitoring", "networkPolicy", "serviceAccount", "tracing"]
    error_message = "the chart gets other values: ${join(", ", keys(output.helm_values))}"
  }
  assert {
    condition     = output.helm_values.image.repository == "europe-west1-docker.pkg.dev/demo-dev-project/demo-dev/demo-app" && output.registry == "europe-west1-docker.pkg.dev/demo-dev-project/demo-dev"
    error_message = "the image is looked for elsewhere"
  }
  assert {
    condition     = output.helm_values.database.user == "demo-app@demo-dev-project.iam" && output.helm_values.migration.user == "demo-app-migrator@demo-dev-project.iam"
    error_message = "somebody else logs in"
  }
  assert {
    condition     = output.helm_values.gateway.hostname == "demo.dev.example.com" && output.cluster.name == "demo-dev" && output.namespace == "demo"
    error_message = "the release would be reached or be placed elsewhere"
  }
  assert {
    condition     = output.helm_values.monitoring.flavor == "operator" && output.profile == "autopilot" && length(output.buckets) == 0
    error_message = "dev keeps telemetry of its own"
  }
}
