terraform {
  required_version = ">= 1.11.0"

  required_providers {
    # By the modules that this puts together, all in one version.
    # tflint-ignore: terraform_unused_required_providers
    google = {
      source  = "hashicorp/google"
      version = ">= 8.0.0, < 9.0.0"
    }
  }
}
