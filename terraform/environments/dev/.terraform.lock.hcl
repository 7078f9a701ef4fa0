# Pins the provider's version. Hashes are missing: the build that tests run is made
# from source and is not the registry's. Add them once, where the registry is reached,
# and commit the result:
#   terraform providers lock -platform=linux_amd64 -platform=darwin_arm64

provider "registry.terraform.io/hashicorp/google" {
  version     = "8.0.0"
  constraints = ">= 8.0.0, < 9.0.0"
}
