# What Google would answer, as far as tests read it. Every test of a whole
# environment shares these; the modules' own tests say what they need themselves.

mock_resource "google_service_account" {
  defaults = {
    name  = "projects/demo-project/serviceAccounts/mock@demo-project.iam.gserviceaccount.com"
    email = "mock@demo-project.iam.gserviceaccount.com"
  }
}

mock_resource "google_compute_network" {
  defaults = { id = "projects/demo-project/global/networks/demo" }
}

mock_resource "google_compute_subnetwork" {
  defaults = { id = "projects/demo-project/regions/europe-west1/subnetworks/demo-europe-west1" }
}

mock_resource "google_container_cluster" {
  defaults = {
    id = "projects/demo-project/locations/europe-west1/clusters/demo"
    control_plane_endpoints_config = {
      dns_endpoint_config = { endpoint = "gke-1a2b-123456789012.europe-west1.gke.goog" }
    }
  }
}

mock_resource "google_sql_database_instance" {
  defaults = {
    connection_name             = "demo-project:europe-west1:demo"
    dns_name                    = "1a23b4cd5e67.1a2b345c6d27.europe-west1.sql.goog."
    private_ip_address          = "10.16.0.3"
    psc_service_attachment_link = "projects/tenant/regions/europe-west1/serviceAttachments/demo"
    server_ca_cert              = [{ cert = "-----BEGIN CERTIFICATE-----\nMOCK\n-----END CERTIFICATE-----\n", common_name = "Google Cloud SQL Server CA", create_time = "2026-01-01T00:00:00Z", expiration_time = "2036-01-01T00:00:00Z", sha1_fingerprint = "c3" }]
  }
}

mock_resource "google_compute_address" {
  defaults = { address = "10.0.0.5" }
}

mock_resource "google_certificate_manager_dns_authorization" {
  defaults = {
    id                  = "projects/demo-project/locations/global/dnsAuthorizations/demo"
    dns_resource_record = [{ name = "_acme-challenge.demo.example.com.", type = "CNAME", data = "abc.authorize.certificatemanager.goog." }]
  }
}

mock_resource "google_certificate_manager_certificate" {
  defaults = { id = "projects/demo-project/locations/global/certificates/demo" }
}

mock_resource "google_dns_managed_zone" {
  defaults = { name_servers = ["ns-cloud-a1.googledomains.com.", "ns-cloud-a2.googledomains.com."] }
}
