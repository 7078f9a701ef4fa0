output "buckets" {
  description = "Names of the buckets, by the account that writes them."
  value       = { for account, bucket in google_storage_bucket.store : account => bucket.name }
}

output "members" {
  description = "What the stack's accounts are to IAM, by account."
  value = merge(
    {
      for account in toset(concat(keys(var.readers), keys(var.writers), keys(var.stores))) :
      account => "${local.stack}/${account}"
    },
    { for account, namespace in var.queue_readers : account => "${local.subjects}/${namespace}/sa/${account}" },
    { for writer in var.dns_writer[*] : writer.service_account => "${local.subjects}/${writer.namespace}/sa/${writer.service_account}" },
  )
}
