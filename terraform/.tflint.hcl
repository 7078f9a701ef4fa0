# The rules of Terraform itself, all of them. Those of Google's rule set are a plugin
# that is downloaded; checkov and the provider's own schema stand in.
config {
  call_module_type = "local"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}
