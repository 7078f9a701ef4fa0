locals {
  # Every range of the network by a name that a person finds again.
  ranges = merge(
    { for name, subnet in var.subnets : "subnet ${name}" => subnet.cidr },
    merge([
      for name, subnet in var.subnets : {
        for range, cidr in subnet.secondary_ranges : "range ${range} of subnet ${name}" => cidr
      }
    ]...),
    { for region, cidr in var.proxy_only_subnets : "proxy-only subnet in ${region}" => cidr },
    var.private_service_access == null ? {} : { "private_service_access" = var.private_service_access.cidr },
  )

  # First and last address as numbers, so that comparing is arithmetic.
  bounds = {
    for name, cidr in local.ranges : name => {
      first = sum([for i, octet in split(".", cidrhost(cidr, 0)) : tonumber(octet) * pow(256, 3 - i)])
      last  = sum([for i, octet in split(".", cidrhost(cidr, -1)) : tonumber(octet) * pow(256, 3 - i)])
    }
  }

  names = sort(keys(local.ranges))
  overlaps = flatten([
    for i, one in local.names : [
      for other in slice(local.names, i + 1, length(local.names)) :
      "${one} (${local.ranges[one]}) and ${other} (${local.ranges[other]})"
      if local.bounds[one].first <= local.bounds[other].last && local.bounds[other].first <= local.bounds[one].last
    ]
  ])

  regions = toset([for subnet in var.subnets : subnet.region])
}
