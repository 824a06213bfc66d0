"""HTTP: the service's calls, their authentication, the errors they end in, and transfers over a pre-signed link."""
