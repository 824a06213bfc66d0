"""HTTP: the service's calls, their authentication, the errors they end in, and the pump behind a pre-signed link."""
