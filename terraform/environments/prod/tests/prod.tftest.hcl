mock_provider "google" {
  source = "../../testing"
}

variables {
  project  = { id = "demo-prod-project", number = "123456789012" }
  region   = "europe-west1"
  hostname = "demo.prod.example.com"
  zone     = { domain = "prod.example.com" }
}

run "the_chart_gets_its_values" {
  command = apply

  assert {
    condition     = keys(output.helm_values) == ["autoscaling", "database", "gateway", "image", "ingress", "migration", "monitoring", "networkPolicy", "serviceAccount", "tracing"]
    error_message = "the chart gets other values: ${join(", ", keys(output.helm_values))}"
  }
  assert {
    condition     = output.helm_values.image.repository == "europe-west1-docker.pkg.dev/demo-prod-project/demo-prod/demo-app" && output.registry == "europe-west1-docker.pkg.dev/demo-prod-project/demo-prod"
    error_message = "the image is looked for elsewhere"
  }
  assert {
    condition     = output.helm_values.database.user == "demo-app@demo-prod-project.iam" && output.helm_values.migration.user == "demo-app-migrator@demo-prod-project.iam"
    error_message = "somebody else logs in"
  }
  assert {
    condition     = output.helm_values.gateway.hostname == "demo.prod.example.com" && output.cluster.name == "demo-prod" && output.namespace == "demo"
    error_message = "the release would be reached or be placed elsewhere"
  }
  assert {
    condition     = output.helm_values.monitoring.flavor == "operator" && output.buckets == { loki = "demo-prod-project-demo-logs", tempo = "demo-prod-project-demo-traces" }
    error_message = "logs and traces have no place"
  }
  assert {
    condition     = length(output.nat_addresses) == 2
    error_message = "others cannot put our addresses on a list"
  }
  assert {
    # The chart's six pods and one of a rollout.
    condition     = output.helm_values.database.maxConnections * 7 <= output.helm_values.database.instanceMaxConnections - output.helm_values.database.reservedConnections
    error_message = "the chart would refuse the pools"
  }
}
