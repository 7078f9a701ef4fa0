mock_provider "google" {
  mock_resource "google_certificate_manager_dns_authorization" {
    defaults = {
      id                  = "projects/demo-project/locations/global/dnsAuthorizations/demo"
      dns_resource_record = [{ name = "_acme-challenge.demo.example.com.", type = "CNAME", data = "abc.authorize.certificatemanager.goog." }]
    }
  }
  mock_resource "google_compute_global_address" {
    defaults = { address = "203.0.113.7" }
  }
}

variables {
  project_id = "demo-project"
  name       = "demo"
  zone       = { domain = "example.com" }
  hostnames  = ["demo.example.com"]
}

run "the_zone_is_signed_and_only_google_may_issue_certificates" {
  command = plan

  assert {
    condition     = google_dns_managed_zone.zone[0].dnssec_config[0].state == "on" && google_dns_managed_zone.zone[0].dns_name == "example.com."
    error_message = "answers can be forged"
  }
  assert {
    condition     = google_dns_record_set.caa[0].rrdatas == tolist(["0 issue \"pki.goog\"", "0 issuewild \"pki.goog\""])
    error_message = "other CAs may issue certificates"
  }
}

run "each_name_leads_to_the_address" {
  command = apply
  variables {
    hostnames = ["demo.example.com", "example.com"]
  }

  assert {
    condition     = { for record in google_dns_record_set.address : record.name => join(",", record.rrdatas) } == { "demo.example.com." = "203.0.113.7", "example.com." = "203.0.113.7" }
    error_message = "a name leads elsewhere"
  }
  assert {
    condition     = output.address == "203.0.113.7" && output.address_name == "demo"
    error_message = "the chart would use another address"
  }
}

run "each_name_has_a_certificate_that_is_proven_by_a_record" {
  command = apply

  assert {
    condition     = google_certificate_manager_certificate.hostname["demo.example.com"].managed[0].domains == tolist(["demo.example.com"])
    error_message = "the certificate is for another name"
  }
  assert {
    condition     = google_certificate_manager_certificate.hostname["demo.example.com"].managed[0].dns_authorizations == tolist(["projects/demo-project/locations/global/dnsAuthorizations/demo"])
    error_message = "the certificate waits for the load balancer"
  }
  assert {
    condition     = google_dns_record_set.authorization["demo.example.com"].name == "_acme-challenge.demo.example.com." && google_dns_record_set.authorization["demo.example.com"].type == "CNAME"
    error_message = "the proof is missing"
  }
  assert {
    condition     = google_certificate_manager_certificate_map_entry.hostname["demo.example.com"].hostname == "demo.example.com" && output.certificate_map == "demo"
    error_message = "the Gateway would not find the certificate"
  }
}

run "old_tls_is_refused" {
  command = plan

  assert {
    condition     = google_compute_ssl_policy.policy.min_tls_version == "TLS_1_2" && google_compute_ssl_policy.policy.profile == "RESTRICTED" && output.ssl_policy == "demo"
    error_message = "old TLS is accepted"
  }
}

run "records_are_left_to_external_dns_where_that_is_wanted" {
  command = plan
  variables {
    records = false
  }

  assert {
    condition     = length(google_dns_record_set.address) == 0
    error_message = "two would write the same record"
  }
}

run "a_zone_that_is_there_is_used" {
  command = plan
  variables {
    zone = { domain = "example.com", create = false, name = "company" }
  }

  assert {
    condition     = length(google_dns_managed_zone.zone) == 0 && length(google_dns_record_set.caa) == 0 && google_dns_record_set.address["demo.example.com"].managed_zone == "company"
    error_message = "a second zone is made, or somebody else's CAA record is overwritten"
  }
  assert {
    condition     = length(output.name_servers) == 0
    error_message = "name servers are given that are not the zone's"
  }
}

run "what_others_know_is_kept" {
  command = plan

  assert {
    condition     = google_dns_managed_zone.zone[0].deletion_policy == "PREVENT" && !google_dns_managed_zone.zone[0].force_destroy && google_compute_global_address.address.deletion_policy == "PREVENT"
    error_message = "terraform destroy loses the address or the name servers"
  }
}

run "what_no_one_knows_can_go" {
  command = plan
  variables {
    deletion_protection = false
  }

  assert {
    condition     = google_dns_managed_zone.zone[0].deletion_policy == "DELETE" && google_dns_managed_zone.zone[0].force_destroy && google_compute_global_address.address.deletion_policy == "DELETE"
    error_message = "the switch does nothing"
  }
}

run "refuses_a_name_outside_the_zone" {
  command = plan
  variables {
    hostnames = ["demo.example.org"]
  }
  expect_failures = [var.hostnames]
}

run "refuses_a_name_that_only_ends_like_the_zone" {
  command = plan
  variables {
    hostnames = ["notexample.com"]
  }
  expect_failures = [var.hostnames]
}

run "refuses_a_wildcard" {
  command = plan
  variables {
    hostnames = ["*.example.com"]
  }
  expect_failures = [var.hostnames]
}

run "refuses_a_name_twice" {
  command = plan
  variables {
    hostnames = ["demo.example.com", "demo.example.com"]
  }
  expect_failures = [var.hostnames]
}

run "refuses_the_last_dot" {
  command = plan
  variables {
    zone = { domain = "example.com." }
  }
  expect_failures = [var.zone]
}

run "refuses_a_zone_that_is_there_without_its_name" {
  command = plan
  variables {
    zone = { domain = "example.com", create = false }
  }
  expect_failures = [var.zone]
}

run "refuses_a_record_for_ever" {
  command = plan
  variables {
    ttl = 1000000
  }
  expect_failures = [var.ttl]
}

run "refuses_a_name_with_a_dot" {
  command = plan
  variables {
    name = "demo.app"
  }
  expect_failures = [var.name]
}

run "refuses_a_label_with_capitals" {
  command = plan
  variables {
    labels = { Team = "sre" }
  }
  expect_failures = [var.labels]
}
