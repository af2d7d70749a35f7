//! Links, addresses, routes, DHCP and LLDP, told as events.
