"""HTTP: the service's calls, their authentication, the errors they end in, and transfers over a pre-signed link.

- `client`: the operations of the service
- `endpoint`, `auth`: its addresses and the shop's credentials; access tokens
- `http_transport`, `http_connections`, `proxies`, `tls`: send a request
- `errors`: the errors that calls and downloads end in
- `response_errors`, `link_response_errors`: make them of responses, of the service and to a link
- `headers`, `service_clock`: read response headers; tell the service's time
- `links`: pre-signed links, and how long one can be used
- `transfer`: read an archive over a link
- `redaction`: keep secrets out of the logs of HTTP libraries
"""
