# Warnings: what is allowed, but is seldom meant.
check "a_protected_instance_survives_a_zone" {
  assert {
    condition     = var.high_availability || !var.deletion_protection
    error_message = "${var.name} is protected against deletion but has no second machine: it is gone while its zone is. Set high_availability."
  }
}

check "a_user_can_log_in" {
  assert {
    condition     = length(var.users) > 0
    error_message = "${var.name} has no user, and there are no passwords, so no one can log in. Add one to users."
  }
}
