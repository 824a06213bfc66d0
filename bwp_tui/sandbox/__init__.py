"""The practice API: tokens, GraphQL, pre-signed links and faults over real HTTP on loopback."""
